"""Whether a suggestion leaves the document as sound as it was, and the longest part of it that does.

Owns the comparison of the code before and after. Only the region around the cursor is read, in bounded time; whatever
cannot be judged passes unchanged. Nothing heavy is imported before the first call, and nothing here may raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from zicoder.complete.hole import Hole
from zicoder.complete.mended import Judge, Mended
from zicoder.complete.parses_python import python_judge
from zicoder.complete.region import Region, statement_around
from zicoder.complete.syntax import LINE_COMMENT, lexer_at
from zicoder.text import LINE_END

__all__ = ["valid_part"]

MOST_CHARS = 4_000
"""Characters of a suggestion beyond which it is not judged."""
LONGEST_LINE = 5_000
"""Characters of a cursor's line that is still code, and not data or minified."""
LINE_CUTS, TOKEN_CUTS = 24, 24
"""Cuts that are tried before a suggestion is given up; each costs a parse."""
PARSED_CHARS = 100_000
"""Code that is parsed at the most to learn what is sound here, and again to find a cut: some 20 ms each."""

_UNJUDGED = frozenset({"markdown", "plaintext"})
_FILLERS = ("x", "x;", "0", ") {", "x) {", "x() {", "x {", "{", "x;}", "x: x;", "x,", "x)", "x]", "}")
"""What can stand at a cursor, at the least: mostly one of these makes the code sound."""
_HEADER = re.compile(
    r"[ \t]*(?:\}[ \t]*)?(?:@\w+[ \t]+)*"
    r"(?:(?:export|default|public|private|protected|internal|pub(?:\([a-z]+\))?|static|final|abstract|async|override|sealed"
    r"|partial|unsafe)\s+)*"
    r"(?:(?:if|else|for|foreach|while|do|try|catch|finally|switch|match|loop|function|func|fn|fun|class|struct|enum"
    r"|interface|trait|impl|namespace|mod|module|type|record|object|extension|protocol|select|unless|using|lock)\b[^\r\n]*"
    r"|(?:[\w<>\[\],.?*&:]+[ \t]+)*\w+\([^;{}=\r\n]*\)[^;{}=()\r\n]*)"
    r"\{[ \t]*\Z"
)
"""One line, which opens a block of statements or of definitions, and not a call's argument or a value."""
_TOKEN = re.compile(r"\w+|\"+|'+|`+|[^\w\s]")
_SAYS_NOTHING = re.compile(
    r"\s*(?:(?:async|await|break|class|const|continue|def|do|else|export|fn|for|func|function|if|let|new|not|pass|private"
    r"|protected|public|raise|return|self|static|this|throw|try|var|while|yield)\b|\W|\b[^\W\d]\b)*$"
)


def valid_part(hole: Hole, text: str) -> str:
    """The longest part from the start of `text` that adds no syntax error to the document, "" when there is none.

    Cut are whole lines from the end, and from a first line that is wrong by itself tokens from its end. A block's
    header alone (`if x:`, `while (x) {`) is valid, for its body is what comes next; as the last of several lines it is
    cut. Languages without a grammar, huge lines and code that is too deep pass unchanged.
    """
    if hole.language in _UNJUDGED or not text.strip() or len(text) > MOST_CHARS:
        return text
    if len(hole.line_before) + len(hole.line_after) > LONGEST_LINE or _stays_in_text(hole, text):
        return text
    region = statement_around(hole)
    if region is None:
        return text
    judge = python_judge(hole, region, text) if hole.language == "python" else None
    judge = judge or _grammar_judge(hole, region, text)
    if judge is None or judge(text):
        return text
    return next((cut for cut in islice(_cuts(text), _affordable(region)) if judge(cut)), "")


def _affordable(region: Region) -> int:
    """How many times the region may be parsed."""
    return PARSED_CHARS // (len(region.before) + len(region.after) + 1)


def _stays_in_text(hole: Hole, text: str) -> bool:
    """Whether the suggestion goes on with the comment or long string at the cursor, and at most ends it as it may."""
    lexer = lexer_at(hole)
    if lexer.inside == LINE_COMMENT:
        return LINE_END.search(text) is None
    if not lexer.in_long_text or "{" in text:
        return False
    end = text.find(lexer.inside)
    return end < 0 or (end + len(lexer.inside) == len(text.rstrip()) and not _ends_below(hole, lexer.inside))


def _ends_below(hole: Hole, delimiter: str) -> bool:
    """Whether the text after the cursor ends the comment or long string around it."""
    opening = {"*/": "/*", "-->": "<!--"}.get(delimiter)
    if opening is None:
        return hole.suffix.count(delimiter) % 2 == 1
    end, start = hole.suffix.find(delimiter), hole.suffix.find(opening)
    return 0 <= end < (start if start >= 0 else len(hole.suffix))


def _grammar_judge(hole: Hole, region: Region, text: str) -> Judge | None:
    """A judge by the language's grammar, None when it cannot say or `text` is sound.

    Where something simple at the cursor makes the code sound, the suggestion must do so too, but for the semicolon
    that the code lacked before. Where nothing does, it must not add to the errors, which are counted less strictly
    then: how many a parser finds in code that it cannot read is a matter of chance.
    """
    errors_in = _errors_in()
    mended = Mended(hole, region)

    def errors(part: str, tail: str = "") -> int | None:
        """The fewest errors that the code shows, None when it is too much for the grammar."""
        fewest: int | None = None
        for code in mended.insert(part, tail):
            count = errors_in(code, hole.language)
            if not count:
                return count
            fewest = count if fewest is None else min(fewest, count)
        return fewest

    if not errors(text):
        return None
    empty = errors("")
    if empty is None:
        return None
    least = most = empty
    for filler in islice((*_FILLERS, mended.string_at_cursor), _affordable(region)):
        if least == 0:
            break
        count = errors(filler)
        least = least if count is None else min(least, count)
        most = most if count is None or filler != "x" else max(most, count)
    allowed = most if least else 0

    def judge(part: str) -> bool:
        if (errors(part) or 0) <= allowed or (empty and (errors(part, ";") or 0) <= allowed):
            return True
        return _is_header(hole, part) and (errors(part, "}") or 0) <= allowed

    return judge


def _errors_in() -> Callable[[str, str], int | None]:
    """Who counts a text's errors in a language. The grammars are an extra of the package; without them, nobody can."""
    try:
        from zicoder.index.chunking.errors_in import errors_in  # 20 ms, at the first suggestion
    except ImportError:
        return lambda _text, _language: None
    return errors_in


def _is_header(hole: Hole, text: str) -> bool:
    """Whether the text makes the cursor's line the header of a block, whose body is what comes next."""
    return _HEADER.match(hole.line_before + text) is not None and not hole.line_after.strip()


def _cuts(text: str) -> Iterator[str]:
    """The parts of a text that are worth trying: those that end with a line, then those that end with a token."""
    ends = [match.start() for match in LINE_END.finditer(text)]
    whole = dict.fromkeys(text[:end].rstrip() for end in reversed(ends) if text[:end].strip())
    whole.pop(text, None)
    yield from list(whole)[:LINE_CUTS]
    tokens = [match.end() for match in _TOKEN.finditer(text)]
    for end in tokens[-2 : -2 - TOKEN_CUTS : -1]:
        if _SAYS_NOTHING.match(text, 0, end):
            return
        if text[:end] not in whole:
            yield text[:end]
