"""What the assist room answers with: plain frozen values, no jedi object and no LSP type among them.

Offsets and columns count code points of the snapshot the question was asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zicoder.text import Position

__all__ = [
    "CompletionDetail",
    "CompletionItem",
    "CompletionKind",
    "CompletionList",
    "HoverInfo",
    "Location",
    "ParameterInfo",
    "SignatureHelp",
    "SignatureInfo",
    "Symbol",
    "SymbolKind",
]

CompletionKind = Literal["class", "file", "function", "keyword", "module", "property", "variable"]
"""What a completion offers, in the words of Python rather than of a protocol."""

SymbolKind = Literal["class", "constant", "constructor", "function", "method", "property", "variable"]
"""What an entry of a document's outline is."""


@dataclass(frozen=True, slots=True)
class CompletionItem:
    """One offer of a completion list.

    What costs time (documentation, signature) is not in here; `JediBridge.resolve(token)` fetches it.
    """

    label: str
    kind: CompletionKind
    insert_text: str
    sort_key: str
    """Orders the list as plain string comparison does: public names, then _private, then __dunder__."""
    token: str
    """Names this item to `JediBridge.resolve` for as long as its list is among the latest few."""


@dataclass(frozen=True, slots=True)
class CompletionList:
    """Offers for one place in a document."""

    items: tuple[CompletionItem, ...] = ()
    start: int = 0
    """Offset where the typed prefix begins; an accepted item replaces [start, end)."""
    end: int = 0
    """Offset of the cursor."""
    incomplete: bool = False
    """Whether the list was cut, so that typing on may bring items that are not in it."""


@dataclass(frozen=True, slots=True)
class CompletionDetail:
    """The part of a completion item that is fetched when the user looks at it."""

    signature: str = ""
    markdown: str = ""
    plain: str = ""


@dataclass(frozen=True, slots=True)
class HoverInfo:
    """What there is to say about the name between two offsets."""

    markdown: str
    plain: str
    start: int
    end: int
    path: Path | None = None
    """The file that defines it, None for what has no source."""
    line: int = 0
    """Of its name there, zero-based."""


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter of a signature: label[start:end] of that signature's label."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """One way to call what stands before the bracket."""

    label: str
    parameters: tuple[ParameterInfo, ...]
    active_parameter: int | None
    """Index into `parameters`, or None when the cursor stands past the last one."""
    markdown: str = ""
    plain: str = ""


@dataclass(frozen=True, slots=True)
class SignatureHelp:
    """All signatures of a call, and which of them fits the arguments typed so far."""

    signatures: tuple[SignatureInfo, ...]
    active: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """Where a name is defined; the range covers the name itself, on one line."""

    path: Path | None
    """None when the definition is in the document that was asked about and that document has no path."""
    start: Position
    end: Position
    line_text: str = ""
    """The whole line, so that columns can be converted to other units without opening the file."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One entry of a document's outline, as offsets, with what is defined inside it."""

    name: str
    kind: SymbolKind
    start: int
    end: int
    """[start, end) is the whole definition, body and decorators included."""
    name_start: int
    name_end: int
    """[name_start, name_end) is the name alone; it lies within [start, end)."""
    children: tuple[Symbol, ...] = ()
