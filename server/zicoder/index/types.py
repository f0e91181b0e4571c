"""The plain vocabulary of the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Chunk", "Chunker", "Kind"]


class Kind(StrEnum):
    """What a chunk is. A chunk that was split keeps its kind in every part."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"  # also struct, enum, record, object: head, fields and doc, without the bodies of its methods
    INTERFACE = "interface"  # also trait, protocol, type alias
    MODULE = "module"  # code outside any definition
    SECTION = "section"  # of prose (a heading) or of data (a top-level key, an element, a table, a rule)
    LINES = "lines"  # a window of lines of a file in no known language


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one file that is found, shown and embedded as a whole."""

    language: str
    """LSP language identifier."""
    kind: Kind
    start: int
    """Zero-based first line."""
    end: int
    """Zero-based line after the last one."""
    text: str
    """The lines as they stand in the file, line endings made "\\n"."""
    symbol: str = ""
    """The name that is defined, "" for module code and windows. A heading's text for a section of prose."""
    qualified: str = ""
    """Enclosing scopes and symbol, joined by dots: `Session.request`."""
    signature: str = ""
    """The head of the definition in one line, white space folded."""
    doc: str = ""
    """Doc comment or docstring, without its comment marks."""
    defines: tuple[str, ...] = ()
    """Identifiers that this chunk defines (the symbol first), as written, each once."""
    uses: tuple[str, ...] = ()
    """Other identifiers in it, as written, each once, in order of appearance; keywords are not among them."""


Chunker = Callable[[str, str], Sequence[Chunk]]
"""(text, language) -> chunks in order of their first line. Every line that is not blank is in at least one chunk."""
