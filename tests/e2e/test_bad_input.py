"""Files, places and settings that are wrong, strange or huge: each gets a clear outcome, and never a stack trace."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from editor import MARK, RunZi, StartEditor, WriteScript
from lsprotocol import types

BIG = 20_000_000
GHOST = {"after": "return ", "text": "width * height"}
AREA = "def area(width, height):\n    return "


def document_on(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on standard output; anything else there is an error."""
    return json.loads(done.stdout)


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The sentence of a failed run, which is the same for people and for programs."""
    message = document_on(done)["error"]["message"]
    assert f"zi: {message}" in done.stderr
    return message


# --- zi complete


def test_a_completion_on_the_command_line(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "area.py").write_text(AREA + "\n")
    plain = zi("complete", "area.py:2:12")
    assert (plain.returncode, plain.stdout) == (0, "width * height\n")
    found = document_on(zi("complete", "area.py:2:12", "--json"))
    assert found["text"] == "width * height"
    assert found["outcome"] == "shown"


def test_no_suggestion_is_no_failure(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "area.py").write_text("x = 1\n")
    done = zi("complete", "area.py:1:1")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no suggestion: " in done.stderr


@pytest.mark.parametrize("place", ["area.py", "area.py:2", "area.py:two:1", "area.py:0:1", "area.py:1:0", ":1:1", ""])
def test_a_place_that_is_none_is_wrong_usage(zi: RunZi, script: WriteScript, root: Path, place: str) -> None:
    script(GHOST)
    (root / "area.py").write_text(AREA)
    done = zi("complete", place, "--json")
    assert done.returncode == 2
    assert "FILE:LINE:COL" in error_of(done)


def test_a_file_that_does_not_exist(zi: RunZi, script: WriteScript) -> None:
    script(GHOST)
    done = zi("complete", "missing.py:1:1", "--json")
    assert done.returncode == 1
    assert error_of(done) == "There is no file missing.py."


def test_a_folder_in_place_of_a_file(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "folder.py").mkdir()
    done = zi("complete", "folder.py:1:1", "--json")
    assert done.returncode == 1
    assert "folder.py" in error_of(done)


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"\x7fELF\x02\x01\x01\0\0\0", "is a binary file"), (b"x = '\xe9'\n", "is not UTF-8 text (byte 5)")],
    ids=["binary", "latin-1"],
)
def test_a_file_that_is_no_text(zi: RunZi, script: WriteScript, root: Path, content: bytes, what: str) -> None:
    script(GHOST)
    (root / "thing.py").write_bytes(content)
    done = zi("complete", "thing.py:1:1", "--json")
    assert done.returncode == 1
    assert what in error_of(done)


def test_a_line_past_the_end_is_told_with_the_number_of_lines(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:99:1", "--json")
    assert done.returncode == 1
    assert error_of(done) == "area.py has 2 lines; there is no line 99."


def test_a_column_past_the_end_means_the_end_of_the_line(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "area.py").write_text(AREA + "\nprint(area(1, 2))\n")
    assert zi("complete", "area.py:2:999").stdout == "width * height\n"


@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["CRLF", "lone CR"])
def test_other_line_endings_count_as_lines_and_stay_what_they_are(
    zi: RunZi, script: WriteScript, root: Path, newline: str
) -> None:
    script({"after": f"height):{newline}    ", "text": "size = width * height\n    return size"})
    (root / "area.py").write_bytes(newline.join(["# area", "def area(width, height):", "    ", ""]).encode())
    text = document_on(zi("complete", "area.py:3:5", "--json"))["text"]
    assert text == f"size = width * height{newline}    return size"


def test_a_byte_order_mark_is_not_part_of_the_first_line(zi: RunZi, script: WriteScript, root: Path) -> None:
    script({"after": "x = ", "text": "1 + 2"})
    (root / "bom.py").write_bytes(b"\xef\xbb\xbfx = \n")
    assert zi("complete", "bom.py:1:5").stdout == "1 + 2\n"


def test_columns_count_characters_not_bytes(zi: RunZi, script: WriteScript, root: Path) -> None:
    script({"after": "'😀🧩' + ", "text": "str(1)"})
    (root / "emoji.py").write_text("x = '😀🧩' + \n", encoding="utf-8")
    assert zi("complete", "emoji.py:1:12").stdout == "str(1)\n"


def test_mixed_tabs_and_spaces(zi: RunZi, script: WriteScript, root: Path) -> None:
    script({"after": "return ", "text": "width * height"})
    (root / "tabs.py").write_text("def a(width, height):\n\tif True:\n        \tpass\n\t    return \n")
    assert zi("complete", "tabs.py:4:13").stdout == "width * height\n"


def test_an_empty_file(zi: RunZi, script: WriteScript, root: Path) -> None:
    script({"after": "", "text": "import os"})
    (root / "empty.py").write_text("")
    done = zi("complete", "empty.py:1:1", "--json")
    assert done.returncode == 0
    assert document_on(done)["reason"] == "The document is empty."


def test_a_file_of_twenty_megabytes(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "big.py").write_text("value = 'some text'\n" * (BIG // 20) + AREA)
    done = zi("complete", f"big.py:{BIG // 20 + 2}:12", "--json")
    assert done.returncode == 0
    assert document_on(done)["text"] == "width * height"


def test_a_single_line_of_twenty_megabytes(zi: RunZi, script: WriteScript, root: Path) -> None:
    script(GHOST)
    (root / "big.json").write_text("[" + "1, " * (BIG // 3) + "1]")
    done = zi("complete", "big.json:1:1000", "--json")
    assert done.returncode == 0
    assert "longer than 2000 characters" in document_on(done)["reason"]


def test_no_model_installed(zi: RunZi, no_models: None, root: Path) -> None:
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:2:12", "--json")
    assert done.returncode == 1
    assert error_of(done) == "No model for inline suggestions is installed."
    assert document_on(done)["error"]["hint"] == "Run `zi model pull qwen2.5-coder-0.5b`."


@pytest.mark.model
def test_a_truncated_model_file(
    zi: RunZi, qwen: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = tmp_path / "half.gguf"
    with qwen.open("rb") as whole:
        half.write_bytes(whole.read(20_000_000))
    monkeypatch.setenv("ZI_MODEL__INFILL", str(half))
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:2:12", "--json")
    assert done.returncode == 1
    assert str(half) in error_of(done)


def test_a_file_that_is_no_model(zi: RunZi, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"PK\x03\x04")
    monkeypatch.setenv("ZI_MODEL__INFILL", str(wrong))
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:2:12", "--json")
    assert done.returncode == 1
    assert "is not a GGUF model file" in error_of(done)


def test_a_model_name_with_a_typo(zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "qwen2.5-coder-0.5")
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:2:12", "--json")
    assert done.returncode == 1
    assert "qwen2.5-coder-0.5b" in done.stderr


def test_a_typo_in_the_users_settings_is_told_and_the_rest_is_used(
    zi: RunZi, script: WriteScript, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GHOST)
    (tmp_path / "settings.toml").write_text("[completion]\nmax_line = 3\n")
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path))
    (root / "area.py").write_text(AREA)
    done = zi("complete", "area.py:2:12")
    assert (done.returncode, done.stdout) == (0, "width * height\n")
    assert f"{tmp_path / 'settings.toml'}:2" in done.stderr
    assert "Did you mean 'completion.max_lines'?" in done.stderr


# --- the language server


@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["CRLF", "lone CR"])
async def test_documents_with_other_line_endings(start_editor: StartEditor, script: WriteScript, newline: str) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    lines = ["import os", "def area(width, height):", f"    return {MARK}", "", "os.getcw"]
    document = editor.open("area.py", newline.join(lines))
    assert editor.position(document) == types.Position(2, 11)
    assert await editor.ghost(document) == "width * height"
    editor.replace(document, 0, 0, f"# one more{newline}")
    document.cursor = len(document.text)
    assert [item.label for item in (await editor.completion(document)).items] == ["getcwd", "getcwdb"]


async def test_emoji_before_the_cursor_do_not_shift_it(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "'😀🧩👩‍👩‍👧' + os.getcwd() + ", "text": "'x'"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("emoji.py", f"import os\ny = '😀🧩👩‍👩‍👧' + os.getcwd() + {MARK}\n")
    assert await editor.ghost(document) == "'x'"
    assert "getcwd" in await editor.hover(document, document.at("os.getc"))


async def test_positions_past_the_end_mean_the_end(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA + MARK)
    params = editor.inline_params(document)
    for place in (types.Position(1, 9999), types.Position(9999, 0)):
        params.position = place
        found = await editor.client.text_document_inline_completion_async(params)
        assert isinstance(found, types.InlineCompletionList)
        assert [item.insert_text for item in found.items] == ["width * height"]
        assert found.items[0].range == types.Range(types.Position(1, 11), types.Position(1, 11))
    hovered = types.HoverParams(types.TextDocumentIdentifier(document.uri), types.Position(9999, 9999))
    assert await editor.client.text_document_hover_async(hovered) is None
    assert await editor.answers()


async def test_control_characters_and_lone_surrogates_in_a_document(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("odd.py", f"x = '\0\f\u2028\ud83d'\n{AREA}{MARK}")
    editor.jedi_may_fail = True
    assert await editor.ghost(document) == "width * height"
    await editor.hover(document, 0)
    assert await editor.answers()


async def test_a_document_of_twenty_megabytes(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("big.py", "value = 'some text'\n" * (BIG // 20) + AREA + MARK)
    assert await editor.ghost(document) == "width * height"
    editor.type(document, "w")
    assert await editor.ghost(document) == "idth * height"
    assert isinstance((await editor.completion(document)).items, (list, tuple))
    await editor.hover(document, 3)
    assert await editor.answers()


async def test_a_document_that_is_one_line_of_twenty_megabytes(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "", "text": "1"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("big.py", "[" + "1, " * (BIG // 3) + f"{MARK}1]")
    assert await editor.ghost(document) == ""
    assert "longer than 2000 characters" in (await editor.why())["reason"]
    await editor.completion(document)
    assert await editor.answers()


async def test_a_document_with_broken_syntax_throughout(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("broken.py", ")]}'''\n\tdef (:\n" * 50 + AREA + MARK)
    await editor.completion(document)
    await editor.hover(document, 3)
    await editor.ghost(document)
    assert await editor.answers()


async def test_an_untitled_document_is_understood(start_editor: StartEditor, no_models: None) -> None:
    editor = await start_editor()
    document = editor.open("untitled:Untitled-1", f"import os\nos.getc{MARK}wd()\n")
    assert "getcwd" in [item.label for item in (await editor.completion(document)).items]
    assert "def getcwd() -> str" in await editor.hover(document)


async def test_a_file_that_was_deleted_while_it_is_open(
    start_editor: StartEditor, script: WriteScript, root: Path
) -> None:
    script({"after": "return ", "text": "width * height"})
    file = root / "area.py"
    file.write_text(AREA)
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA + MARK)
    file.unlink()
    assert await editor.ghost(document) == "width * height"
    assert "area(width, height)" in await editor.hover(document, document.at("def ar"))


async def test_settings_that_are_no_toml_are_told_with_their_line(
    start_editor: StartEditor, script: WriteScript, root: Path
) -> None:
    script({"after": "return ", "text": "width * height"})
    file = root / ".zicoder" / "settings.toml"
    file.parent.mkdir()
    file.write_text("[completion]\nenabled = flase\n")
    editor = await start_editor()
    await editor.status("ready")
    [popup] = editor.popups
    assert f"{file}:2: is not valid TOML" in popup
    assert await editor.ghost(editor.open("area.py", AREA + MARK)) == "width * height"
