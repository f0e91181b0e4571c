"""Positions, URIs and kinds at the edge of the language server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from zicoder.assist.types import CompletionKind, Location, Symbol, SymbolKind
from zicoder.lsp import convert
from zicoder.text import Position, Snapshot

ENCODINGS = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
# Every line ending there is, everything else that looks like one, and characters of each width.
ALPHABET = "a_\t\n\r\v\f\x1c\x85\u2028\u2029é߿ࠀ\ufeff\uffff😀𐀀"
texts = st.text(st.sampled_from(ALPHABET), max_size=30)
encodings = st.sampled_from(ENCODINGS)


def snap(text: str) -> Snapshot:
    return Snapshot(uri="untitled:x", text=text)


def naive_positions(text: str, encoding: str) -> list[tuple[int, int]]:
    """The client's (line, column) of every offset, one character at a time; a CRLF is one break."""
    codec, width = CODECS[encoding]
    places: list[tuple[int, int]] = []
    line, column = 0, 0
    for index, char in enumerate(text):
        places.append((line, column))
        if char == "\n" or (char == "\r" and text[index + 1 : index + 2] != "\n"):
            line, column = line + 1, 0
        elif char != "\r":
            column += len(char.encode(codec)) // width
    places.append((line, column))
    return places


@given(texts, encodings)
def test_every_offset_has_the_position_a_naive_count_gives(text: str, encoding: str) -> None:
    for offset, (line, character) in enumerate(naive_positions(text, encoding)):
        assert convert.position_at(snap(text), offset, encoding) == types.Position(line, character)


@given(texts, encodings, st.integers(0, 12), st.integers(0, 40))
def test_every_position_has_the_offset_a_naive_search_gives(
    text: str, encoding: str, line: int, character: int
) -> None:
    places = naive_positions(text, encoding)
    if line > places[-1][0]:
        expected = len(text)
    else:
        # The last offset that is not past the position; of a CRLF (two offsets, one position) the first.
        best = max(place for place in places if place[0] == line and place[1] <= character)
        expected = places.index(best)
    assert convert.offset_of(snap(text), types.Position(line, character), encoding) == expected


@given(texts, encodings, st.data())
def test_there_and_back(text: str, encoding: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        offset -= 1
    position = convert.position_at(snap(text), offset, encoding)
    assert convert.offset_of(snap(text), position, encoding) == offset


@pytest.mark.parametrize(
    ("encoding", "character", "offset"),
    [("utf-16", 1, 1), ("utf-16", 2, 1), ("utf-16", 3, 2), ("utf-8", 3, 1), ("utf-8", 5, 2), ("utf-32", 2, 2)],
)
def test_a_position_inside_a_character_rounds_down(encoding: str, character: int, offset: int) -> None:
    assert convert.offset_of(snap("a😀b"), types.Position(0, character), encoding) == offset


def test_the_enum_of_pygls_is_understood_like_its_value() -> None:
    position = types.Position(0, 4)
    assert convert.offset_of(snap("😀b"), position, types.PositionEncodingKind.Utf8) == 1
    assert convert.offset_of(snap("😀bcd"), position, "unknown") == convert.offset_of(snap("😀bcd"), position, "utf-16")


def test_a_lone_surrogate_costs_units_and_not_the_request() -> None:
    text = "\ud83d = 1"
    for encoding in ENCODINGS:
        position = convert.position_at(snap(text), 3, encoding)
        assert convert.offset_of(snap(text), position, encoding) == 3


def test_offsets_outside_the_text_are_clamped() -> None:
    assert convert.position_at(snap("ab\r\n"), 3, "utf-16") == types.Position(0, 2)
    assert convert.position_at(snap("ab\r\n"), 99, "utf-16") == types.Position(1, 0)
    assert convert.position_at(snap("ab"), -1, "utf-16") == types.Position(0, 0)


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
@pytest.mark.parametrize(
    "path", ["/a/b.py", "/a b/ü#1?.py", "/a%20b.py", "/c:/x.py", "/back\\slash.py", "/semi;colon.py", "/😀.py"]
)
def test_a_path_survives_its_uri(path: str) -> None:
    assert convert.path_of(convert.uri_of(Path(path))) == Path(path)


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_a_file_name_that_is_not_utf8_survives() -> None:
    path = Path(os.fsdecode(b"/caf\xe9.py"))
    assert convert.path_of(convert.uri_of(path)) == path


@pytest.mark.parametrize(
    "uri", ["untitled:Untitled-1", "vscode-vfs://github/a.py", "git:/a.py", "", "file://[x", "file:///a%00b", "file:"]
)
def test_what_names_no_file_has_no_path(uri: str) -> None:
    assert convert.path_of(uri) is None


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/a%20b/x.py", r"C:\Users\a b\x.py"),
        ("file:///C:/x.py", r"C:\x.py"),
        ("file://server/share/x.py", r"\\server\share\x.py"),
    ],
)
def test_windows_uris(uri: str, path: str) -> None:
    assert convert._path_text(uri, windows=True) == path


def test_every_kind_has_a_name_in_lsp() -> None:
    for kind in get_args(CompletionKind):
        assert convert.completion_kind(kind)
    for kind in get_args(SymbolKind):
        symbol = Symbol(name="x", kind=kind, start=0, end=1, name_start=0, name_end=1)
        assert convert.document_symbol(snap("x"), symbol, "utf-16").kind


def test_a_location_counts_the_units_of_its_own_line() -> None:
    place = Location(path=Path("/other.py").absolute(), start=Position(4, 3), end=Position(4, 4), line_text="😀; b")
    found = convert.location(snap(""), place, "utf-16")
    assert (found.range.start.character, found.range.end.character) == (4, 5)
    assert found.uri == convert.uri_of(Path("/other.py"))


def test_a_location_without_a_path_is_in_the_document_itself() -> None:
    place = Location(path=None, start=Position(0, 0), end=Position(0, 1), line_text="x")
    assert convert.location(snap("x"), place, "utf-8").uri == "untitled:x"
