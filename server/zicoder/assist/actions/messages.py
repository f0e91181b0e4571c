"""What the messages of compilers, linters and language servers mean, as far as a rule can do something about it.

Read are those of Pyright and Pylance, mypy, ruff, Pyflakes, Pylint, Zuban and our own for Python; TypeScript's and
ESLint's; Go's, Rust's and clang's. A message is somebody else's text: it is looked at, never run or shown as markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Meaning", "meaning_of"]

Kind = Literal["undefined", "attribute", "unused_import", "unused_variable", "abstract", "keyword"]

_NAME = "[\"'`\u201c\u2018]?(?P<name>[^\\W\\d]\\w*)[\"'`\u201d\u2019]?"
_QUOTED = "[\"'`\u201c\u2018](?P<name>[\\w.]+)[\"'`\u201d\u2019]"
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("keyword", r"(?:has no parameter|No parameter named|[Uu]nexpected keyword argument|no argument named) " + _QUOTED),
    ("attribute", r"(?:[Cc]annot access (?:attribute|member)|[Uu]nknown attribute) " + _QUOTED),
    ("attribute", r"has no (?:attribute|member) " + _QUOTED),
    ("attribute", r"Property " + _QUOTED + r" does not exist on type"),
    ("attribute", r"has no (?:field or method|method|field) (?P<name>\w+)"),
    ("attribute", r"no (?:field|method|method named|member named) " + _QUOTED),
    ("attribute", _QUOTED + r" is (?:not a known (?:attribute|member)|unknown import symbol)"),
    ("attribute", r"Module .* has no (?:attribute|exported member) " + _QUOTED),
    ("unused_import", r"(?:Import )" + _QUOTED + r" is not accessed"),
    ("unused_import", _QUOTED + r" imported but (?:never )?unused"),
    ("unused_import", r"Unused (?:import )" + _NAME),
    ("unused_import", _QUOTED + r" is imported and not used"),
    ("unused_variable", r"[Vv]ariable " + _QUOTED + r" is (?:not accessed|assigned to but never used)"),
    ("unused_variable", r"Unused variable " + _NAME),
    ("abstract", r"(?:[Cc]annot instantiate abstract class|Abstract class) " + _QUOTED),
    ("undefined", r"(?:[Nn]ame|[Vv]ariable) " + _QUOTED + r" is not defined"),
    ("undefined", r"^" + _QUOTED + r" is (?:not defined|undefined|unbound)"),
    ("undefined", r"(?i:undefined (?:name|variable|identifier))\s*:? ?" + _NAME),
    ("undefined", r"[Cc]annot find (?:name|namespace|type|value|function|macro|module or crate) " + _QUOTED),
    ("undefined", r"[Cc]annot find (?:value|function|type|struct|macro|trait)[\w, /]* " + _QUOTED),
    ("undefined", r"No value exists in scope for the shorthand property " + _QUOTED),
    ("undefined", r"undefined: (?P<name>\w+)"),
    ("undefined", r"(?:use of undeclared identifier|unknown type name) " + _QUOTED),
    ("undefined", _QUOTED + r" (?:was not declared in this scope|undeclared)"),
    ("undefined", r"cannot resolve symbol " + _QUOTED),
)
_PATTERNS: list[tuple[Kind, re.Pattern[str]]] = [(kind, re.compile(words)) for kind, words in _WORDS]
_SUGGESTION = re.compile(
    r"(?i)(?:did you mean(?: to (?:use|write))?|maybe|similar name exists(?::)?|perhaps you meant)"
    r"\W{0,3}(?P<name>[^\W\d]\w*)"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message says of which name; `suggested`: what it proposes instead, "" for nothing."""

    kind: Kind
    name: str
    suggested: str = ""


def meaning_of(message: str, code: str = "") -> Meaning | None:
    """The meaning of a message, None when no rule knows it."""
    for kind, pattern in _PATTERNS:
        if (found := pattern.search(message)) is not None:
            suggested = _SUGGESTION.search(message, found.end())
            name = found["name"].rpartition(".")[2]
            is_import = kind == "unused_variable" and code == "reportUnusedImport"
            says: Kind = "unused_import" if is_import else kind
            return Meaning(says, name, suggested["name"] if suggested else "")
    return None
