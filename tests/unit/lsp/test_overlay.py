"""Documents the editor has open: incremental changes land where LSP says, whatever the text holds."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from zicoder.errors import InputError
from zicoder.lsp.convert import uri_of
from zicoder.lsp.overlay import ZiWorkspace, snapshot_of
from zicoder.lsp.protocol import ZiProtocol
from zicoder.text import Edit, LineIndex, Snapshot

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
ALPHABET = "ab\t\n\n\r\r\v\f\x1c\x85\u2028é\ufeff😀"
texts = st.text(st.sampled_from(ALPHABET), max_size=25)
positions = st.builds(types.Position, line=st.integers(0, 9), character=st.integers(0, 12))
changes = st.lists(st.tuples(positions, positions, texts), max_size=6)
URI = "untitled:Untitled-1"


def workspace(encoding: str = "utf-16") -> ZiWorkspace:
    return ZiWorkspace(None, position_encoding=encoding)


def opened(text: str, *, encoding: str = "utf-16", version: int = 1, uri: str = URI) -> ZiWorkspace:
    room = workspace(encoding)
    room.put_text_document(types.TextDocumentItem(uri=uri, language_id="python", version=version, text=text))
    return room


def change(room: ZiWorkspace, start: types.Position, end: types.Position, text: str, version: int = 2) -> Snapshot:
    event = types.TextDocumentContentChangePartial(range=types.Range(start, end), text=text)
    room.update_text_document(types.VersionedTextDocumentIdentifier(version=version, uri=URI), event)
    return frozen(room)


def frozen(room: ZiWorkspace) -> Snapshot:
    document = room.open_document(URI)
    assert document is not None
    return snapshot_of(document)


def naive_lines(text: str) -> list[str]:
    """Lines with endings, one character at a time; a text that ends in a break has an empty last line."""
    lines, line = [], ""
    for index, char in enumerate(text):
        line += char
        if char == "\n" or (char == "\r" and text[index + 1 : index + 2] != "\n"):
            lines.append(line)
            line = ""
    return [*lines, line]


def naive_offset(text: str, position: types.Position, encoding: str) -> int:
    lines = naive_lines(text)
    if position.line >= len(lines):
        return len(text)
    codec, width = CODECS[encoding]
    content = lines[position.line].rstrip("\r\n")
    units = 0
    for index, char in enumerate(content):
        units += len(char.encode(codec)) // width
        if units > position.character:
            content = content[:index]
            break
    return sum(map(len, lines[: position.line])) + len(content)


@given(texts, changes, st.sampled_from(sorted(CODECS)))
def test_random_changes_equal_a_naive_oracle(
    text: str, edits: list[tuple[types.Position, types.Position, str]], encoding: str
) -> None:
    room = opened(text, encoding=encoding)
    for version, (start, end, insert) in enumerate(edits, 2):
        a, b = sorted((naive_offset(text, start, encoding), naive_offset(text, end, encoding)))
        text = text[:a] + insert + text[b:]
        after = change(room, start, end, insert, version)
        assert after.text == text
        assert after.version == version
        fresh = LineIndex(text)
        assert [after.lines.start(n) for n in range(len(after.lines))] == [fresh.start(n) for n in range(len(fresh))]


@pytest.mark.parametrize("char", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_lsp_line_ends_are_line_ends(char: str) -> None:
    room = opened(f"a{char}b\nsecond\n")
    assert change(room, types.Position(1, 0), types.Position(1, 6), "2nd").text == f"a{char}b\n2nd\n"
    document = room.get_text_document(URI)
    assert list(document.lines) == [f"a{char}b\n", "2nd\n"]


def test_a_change_can_split_a_crlf_and_join_one() -> None:
    room = opened("a\r\nb")
    # No position lies between \r and \n, so splitting happens by replacing the break itself.
    assert change(room, types.Position(0, 1), types.Position(1, 0), "\r").text == "a\rb"
    after = change(room, types.Position(1, 0), types.Position(1, 0), "\n")
    assert after.text == "a\r\nb"
    assert len(after.lines) == 2


def test_ranges_past_the_end_mean_the_end() -> None:
    room = opened("one\ntwo")
    assert change(room, types.Position(0, 99), types.Position(0, 99), "!").text == "one!\ntwo"
    assert change(room, types.Position(99, 0), types.Position(99, 9), "\nend").text == "one!\ntwo\nend"


def test_typing_into_an_empty_last_line() -> None:
    room = opened("x = 1\n")
    assert change(room, types.Position(1, 0), types.Position(1, 0), "y").text == "x = 1\ny"


def test_a_full_change_replaces_everything() -> None:
    room = opened("old\n")
    event = types.TextDocumentContentChangeWholeDocument(text="new\r\ntext")
    room.update_text_document(types.VersionedTextDocumentIdentifier(version=7, uri=URI), event)
    after = frozen(room)
    assert (after.text, after.version, len(after.lines)) == ("new\r\ntext", 7, 2)
    assert change(room, types.Position(1, 0), types.Position(1, 4), "").text == "new\r\n"


@pytest.mark.parametrize(
    ("before", "after", "edit"),
    [
        ("x = 1\ny\n", "x = 12\ny\n", Edit(5, 5, "2")),
        ("x = 12\n", "x = 1\n", Edit(5, 6, "")),
        ("aaa", "aaaa", Edit(3, 3, "a")),
        ("one", "two", Edit(0, 3, "two")),
        ("same", "same", Edit(4, 4, "")),
    ],
)
def test_of_a_client_that_sends_whole_texts_only_the_difference_counts(before: str, after: str, edit: Edit) -> None:
    room = opened(before)
    event = types.TextDocumentContentChangeWholeDocument(text=after)
    room.update_text_document(types.VersionedTextDocumentIdentifier(version=7, uri=URI), event)
    document = room.open_document(URI)
    assert document is not None
    assert document.take_changes()[1] == [edit]


def test_a_byte_order_mark_is_a_character_like_any_other() -> None:
    room = opened("\ufeffx = 1\n")
    assert change(room, types.Position(0, 1), types.Position(0, 2), "y").text == "\ufeffy = 1\n"


def test_a_snapshot_never_changes() -> None:
    room = opened("x")
    before = frozen(room)
    assert frozen(room) is before
    after = change(room, types.Position(0, 1), types.Position(0, 1), "\ny")
    assert (before.text, before.version, len(before.lines)) == ("x", 1, 1)
    assert (after.text, after.version, len(after.lines)) == ("x\ny", 2, 2)


def test_a_version_that_is_missing_counts_as_zero() -> None:
    room = opened("x")
    document = room.open_document(URI)
    assert document is not None
    document.version = None
    assert snapshot_of(document).version == 0


def test_a_document_that_was_never_opened_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    room = workspace()
    with caplog.at_level(logging.WARNING, logger="zicoder.lsp"):
        room.update_text_document(
            types.VersionedTextDocumentIdentifier(version=2, uri=URI),
            types.TextDocumentContentChangeWholeDocument(text="x"),
        )
    assert room.open_document(URI) is None
    assert URI in caplog.text


def test_a_document_on_disk_keeps_its_line_endings(tmp_path: Path) -> None:
    path = tmp_path / "crlf.py"
    path.write_bytes(b"a\r\nb\xff\r\n")
    document = workspace().get_text_document(uri_of(path))
    assert snapshot_of(document).text == "a\r\nb\ufffd\r\n"
    assert snapshot_of(document).language == "python"
    assert snapshot_of(document).path == path


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    document = workspace().get_text_document(uri_of(tmp_path / "absent.py"))
    with pytest.raises(InputError, match=r"absent\.py cannot be read: No such file"):
        _ = document.source


def test_the_language_the_editor_names_wins() -> None:
    document = opened("x", uri="untitled:notes.txt").open_document("untitled:notes.txt")
    assert document is not None
    assert (document.snapshot().language, document.snapshot().path) == ("python", None)


@pytest.mark.parametrize("encoding", sorted(CODECS))
def test_the_protocol_gives_a_server_our_workspace(encoding: str) -> None:
    server = LanguageServer("test", "1", protocol_cls=ZiProtocol)
    handler = server.protocol.fm.builtin_features[types.INITIALIZE]
    folder = types.WorkspaceFolder(uri="file:///p", name="p")
    params = types.InitializeParams(
        capabilities=types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind(encoding)])
        ),
        root_uri="file:///p",
        workspace_folders=[folder],
    )
    assert list(handler(params)) == []
    room = server.workspace
    assert isinstance(room, ZiWorkspace)
    assert room is server.workspace
    assert room.position_encoding == encoding
    assert (room.root_uri, list(room.folders.values())) == ("file:///p", [folder])
