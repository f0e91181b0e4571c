"""Whether a text leaves code out and says so, `# rest of the code`, as models do. Such a text is never written."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

__all__ = ["elision_in"]

_WHAT = (
    r"(?:code|file|function|functions|class|classes|method|methods|implementation|logic|body|content|contents|imports?"
    r"|lines?|fields?|tests?|parts?|module|program|script|document|section|cases?|definitions?|routes?|properties|stuff)"
)
_WHERE = (
    r"(?:here|unchanged|remains?(?: (?:unchanged|the same|as is|here))?|stays?(?: (?:unchanged|the same|as is))?"
    r"|goes here|as (?:before|is)|omitted(?: for brevity)?|continues(?: here)?|not shown|follows|the same|is unchanged)"
)
_PHRASE = (
    r"(?:(?:the )?(?:rest|remainder|remaining) (?:of )?(?:(?:the|your|this|my) )?(?:existing |original )?"
    rf"{_WHAT}(?: {_WHERE})?"
    rf"|(?:the |your )?(?:(?:all|other|previous|existing|original|unchanged|same|old|remaining) )+{_WHAT} {_WHERE}"
    rf"|(?:existing|previous|remaining|unchanged|omitted|original) {_WHAT}"
    rf"|(?:the )?{_WHAT} (?:unchanged|omitted|remains? (?:unchanged|the same|as is)|stays? the same|not shown)"
    r"|(?:same|unchanged) as (?:before|above)|no changes?(?: here)?|unchanged|omitted(?: for brevity)?|truncated|snip"
    r"|(?:keep|leave) (?:the |your )?(?:rest|existing|remaining|other)[\w ]{0,40}|etc\.?)"
)
_DOTS = r"(?:\.\.\.+|…)"
_LEADER = r"(?:#+|//+|/\*+|--|;+|%+|<!--|\{/\*|\(\*|\"\"\"|'''|\[|<|\()?"
_CLOSER = r"(?:\*+/\}?|-->|\*\)|\"\"\"|'''|\]|>|\))?"
_SAID = re.compile(rf"\s*{_LEADER}\s*{_DOTS}?\s*\(?{_PHRASE}\)?\s*[.:]?\s*{_DOTS}?\s*{_CLOSER}\s*", re.IGNORECASE)
_COMMENTED = re.compile(rf"\s*(?:#+|//+|/\*+|--|;+|%+|<!--|\{{/\*)\s*{_DOTS}.{{0,60}}?{_CLOSER}\s*")
_BARE = re.compile(rf"\s*{_DOTS}\s*")
_MARKED = re.compile(r"\s*(?:#|//|/\*|--|;|%|<!--|\{/\*|\(\*|\"\"\"|'''|\[|<|\(|\.\.\.|…)")
_OPENS_BODY = re.compile(r".*(?::|\"\"\"|''')\s*(?:#.*)?")
_DOTS_ARE_TEXT = frozenset({"markdown", "yaml", "plaintext", "restructuredtext", "latex"})


def elision_in(lines: Sequence[str], known: Collection[str], language: str) -> str:
    """The first line of a text to be written that stands for code left out, stripped; "" when there is none.

    `known` are the stripped lines of the file: what stands in it already may stay in it. In Python `...` may be the
    body of a definition.
    """
    above = ""
    for line in lines:
        text = line.strip()
        if len(text) <= 200 and text not in known and _leaves_out(text, above, language):
            return text
        above = text or above
    return ""


def _leaves_out(text: str, above: str, language: str) -> bool:
    if _BARE.fullmatch(text):
        if language == "python":
            return not _OPENS_BODY.fullmatch(above)
        return language not in _DOTS_ARE_TEXT
    if not _MARKED.match(text):
        return False
    if language in ("markdown", "plaintext") and text.startswith(("#", "--", ";")):
        return False
    return _SAID.fullmatch(text) is not None or _COMMENTED.fullmatch(text) is not None
