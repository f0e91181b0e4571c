"""The one place where LSP's positions, URIs and kinds become ours, and ours become LSP's.

LSP counts columns in units of a negotiated encoding (UTF-8 bytes, UTF-16 code units, or UTF-32 = code points);
everything inside Zi Coder counts code points. No other module may do this arithmetic.
An `encoding` is a `PositionEncodingKind` or its value: that enum is a `str`, and they compare equal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

from lsprotocol import types

from zicoder.assist.types import CompletionKind, Location, Symbol, SymbolKind
from zicoder.text import Snapshot

__all__ = [
    "completion_kind",
    "count_units",
    "document_symbol",
    "flat_symbols",
    "location",
    "offset_of",
    "path_of",
    "plain",
    "position_at",
    "range_at",
    "uri_of",
]

_UTF8 = types.PositionEncodingKind.Utf8.value
_UTF32 = types.PositionEncodingKind.Utf32.value


def count_units(text: str, encoding: str) -> int:
    """Length of `text` in client units; an unknown encoding means UTF-16, LSP's default."""
    if text.isascii() or encoding == _UTF32:
        return len(text)
    if encoding == _UTF8:
        # A lone surrogate can arrive through JSON; it must cost units, not the request.
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(char > "\uffff" for char in text)


def _code_points(text: str, units: int, encoding: str) -> int:
    """How many code points of `text` fit into `units` client units; a cut inside a character rounds down."""
    if text.isascii() or encoding == _UTF32:
        return min(units, len(text))
    for index, char in enumerate(text):
        units -= _width(char, encoding)
        if units < 0:
            return index
    return len(text)


def _width(char: str, encoding: str) -> int:
    """Client units of one character."""
    if encoding != _UTF8:
        return 2 if char > "\uffff" else 1
    if char < "\x80":
        return 1
    return 2 if char < "\u0800" else 3 if char <= "\uffff" else 4


def offset_of(snapshot: Snapshot, position: types.Position, encoding: str) -> int:
    """Offset in code points of a client's position.

    A column past the end of its line means the end of that line, a line past the end means the end of the text,
    and a position inside a surrogate pair or a multi-byte character means the start of that character.
    """
    lines = snapshot.lines
    if position.line >= len(lines):
        return len(snapshot.text)
    start = lines.start(position.line)
    # No character is narrower than one unit, so the answer lies within `character` code points: this keeps a
    # 20 MB line from being copied for a position near its start.
    end = min(lines.content_end(position.line), start + position.character)
    return start + _code_points(snapshot.text[start:end], position.character, encoding)


def position_at(snapshot: Snapshot, offset: int, encoding: str) -> types.Position:
    """The client's position of an offset; offsets outside the text or inside a line ending are clamped."""
    lines = snapshot.lines
    place = lines.position(offset)
    start = lines.start(place.line)
    end = min(start + place.column, lines.content_end(place.line))
    return types.Position(line=place.line, character=count_units(snapshot.text[start:end], encoding))


def range_at(snapshot: Snapshot, start: int, end: int, encoding: str) -> types.Range:
    """The client's range of the offsets [start, end)."""
    return types.Range(start=position_at(snapshot, start, encoding), end=position_at(snapshot, end, encoding))


def path_of(uri: str) -> Path | None:
    """The absolute path a `file:` URI names; None for every other scheme and for what no file can be called."""
    text = _path_text(uri, windows=os.name == "nt")
    return Path(text) if text else None


def _path_text(uri: str, *, windows: bool) -> str:
    """The file-system path in a URI, or "". Split from `path_of` so that Windows is tested everywhere."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # an unbalanced "[" in the authority; such a URI names no file
        return ""
    if parts.scheme != "file":
        return ""
    # "?" and "#" are legal in file names, but a client must percent-encode them; what follows a raw one is no path.
    raw = unquote_to_bytes(parts.path)
    text = raw.decode("utf-8", "surrogateescape")
    if not text.startswith("/") or "\0" in text:
        return ""
    if not windows:
        return text
    if parts.netloc not in ("", "localhost"):
        return f"//{parts.netloc}{text}".replace("/", "\\")
    if len(text) >= 3 and text[1].isalpha() and text[2] == ":":
        # Clients differ in the case of the drive letter; one form keeps one file from becoming two documents.
        text = text[1].upper() + text[2:]
    return text.replace("/", "\\")


def uri_of(path: Path) -> str:
    """The `file:` URI of a path, percent-encoded; a relative path is taken from the working directory."""
    return path.absolute().as_uri()


_COMPLETION_KINDS: dict[CompletionKind, types.CompletionItemKind] = {
    "class": types.CompletionItemKind.Class,
    "file": types.CompletionItemKind.File,
    "function": types.CompletionItemKind.Function,
    "keyword": types.CompletionItemKind.Keyword,
    "module": types.CompletionItemKind.Module,
    "property": types.CompletionItemKind.Property,
    "variable": types.CompletionItemKind.Variable,
}

_SYMBOL_KINDS: dict[SymbolKind, types.SymbolKind] = {
    "class": types.SymbolKind.Class,
    "constant": types.SymbolKind.Constant,
    "constructor": types.SymbolKind.Constructor,
    "function": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "property": types.SymbolKind.Property,
    "variable": types.SymbolKind.Variable,
}


def completion_kind(kind: CompletionKind) -> types.CompletionItemKind:
    """LSP's name for a kind of completion. All of ours are in LSP's first set, which every client knows."""
    return _COMPLETION_KINDS[kind]


def location(snapshot: Snapshot, place: Location, encoding: str) -> types.Location:
    """LSP's location of a definition found from `snapshot`; without a path it is in that document."""
    uri = snapshot.uri if place.path is None or place.path == snapshot.path else uri_of(place.path)
    return types.Location(
        uri=uri,
        range=types.Range(
            start=types.Position(place.start.line, count_units(place.line_text[: place.start.column], encoding)),
            end=types.Position(place.end.line, count_units(place.line_text[: place.end.column], encoding)),
        ),
    )


def document_symbol(snapshot: Snapshot, symbol: Symbol, encoding: str) -> types.DocumentSymbol:
    """An outline entry with everything below it."""
    return types.DocumentSymbol(
        name=symbol.name,
        kind=_SYMBOL_KINDS[symbol.kind],
        range=range_at(snapshot, symbol.start, symbol.end, encoding),
        selection_range=range_at(snapshot, symbol.name_start, symbol.name_end, encoding),
        children=[document_symbol(snapshot, child, encoding) for child in symbol.children],
    )


def flat_symbols(
    snapshot: Snapshot, symbol: Symbol, encoding: str, container: str | None = None
) -> list[types.SymbolInformation]:
    """The same entries as a flat list, for clients without hierarchical outlines."""
    entry = types.SymbolInformation(
        name=symbol.name,
        kind=_SYMBOL_KINDS[symbol.kind],
        location=types.Location(snapshot.uri, range_at(snapshot, symbol.start, symbol.end, encoding)),
        container_name=container,
    )
    below = [flat_symbols(snapshot, child, encoding, symbol.name) for child in symbol.children]
    return [entry, *(item for items in below for item in items)]


def plain(value: Any) -> dict[str, Any]:
    """An object of JSON as pygls hands it over (nested named tuples or dicts) as dicts; {} for anything else."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if not isinstance(value, dict):
        return {}
    table = cast("dict[str, Any]", value)
    return {key: plain(each) if hasattr(each, "_asdict") else each for key, each in table.items()}
