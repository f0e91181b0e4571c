"""The entry of Zi in files that people keep: comments, order, line ends and other entries stay."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.acp.jsonc import parsed, with_value
from zicoder.acp.registration import PROGRAMS, Machine, entry, file_of, register, registered
from zicoder.errors import InputError

WANTED = {"command": "/bin/zi", "args": ["acp"], "env": {}}
ZED = """// Zed settings
{
  // what I like
  "theme": "One Dark", // dark
  /* old: "agent_servers": {"No": 1}, */
  "url": "http://example.org//a",
  "agent_servers": {
    // mine
    "Other": { "command": "other", "args": [], },
  },
}
"""


def zi_of(text: str) -> Any:
    return parsed(text)["agent_servers"]["Zi"]


@pytest.mark.parametrize(
    "text", ["", "\n", "{}", "{ }\n", "// nothing yet\n", "// nothing", "{ // nothing\n}", '\ufeff{"a": 1}', ZED]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_entry_is_added_once_and_nothing_else_changes(text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    after = registered(text, WANTED)
    assert zi_of(after) == WANTED
    assert registered(after, WANTED) == after
    rest = parsed(after)
    del rest["agent_servers"]["Zi"]
    assert {**parsed(text), "agent_servers": rest["agent_servers"]} == rest
    left = iter(after)
    assert all(c in left for c in text.replace("{}", "").replace("{ }", "")), "a character of the user's text is lost"
    assert newline == "\n" or "\n" not in after.replace("\r\n", "") or "\r\n" not in text


def test_zed_settings_read_as_a_person_would_write_them() -> None:
    added = '    // mine\n    "Zi": {\n      "command": "/bin/zi",\n'
    at = '  "agent_servers": {\n'
    after = registered(ZED, WANTED)
    assert after.startswith(ZED[: ZED.index(at) + len(at) - 1])
    assert after.endswith(ZED[ZED.index(at) + len(at) :])
    assert added.split("\n", 1)[1] in after


def test_an_older_entry_is_brought_up_to_date_and_keeps_what_the_user_added() -> None:
    old = '{"agent_servers": {"Zi": {"command": "/old/zi", /* slow */ "env": {"ZI_LOG": "x"}, "favorite": true}}}'
    after = registered(old, WANTED)
    assert zi_of(after) == {"command": "/bin/zi", "args": ["acp"], "env": {"ZI_LOG": "x"}, "favorite": True}
    assert "/* slow */" in after
    assert registered(after, WANTED) == after


@pytest.mark.parametrize("text", ["{", "[1]", '{"agent_servers": 3}', '{"a": 1 "b": 2}', "[" * 100_000, "{'a': 1}"])
def test_a_file_that_makes_no_sense_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    with pytest.raises(InputError, match="was not changed"):
        register(file, WANTED)
    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_replaced_in_one_step_and_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "acp.json", tmp_path / "home" / "acp.json"
    assert register(link, WANTED)
    link.unlink()
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o600)
    link.symlink_to(real)
    assert register(link, WANTED)
    assert not register(link, WANTED)
    assert link.is_symlink()
    assert json.loads(real.read_text()) == {"agent_servers": {"Zi": WANTED}}
    assert os.name == "nt" or real.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in real.parent.iterdir()] == ["acp.json"]


def test_where_the_files_are() -> None:
    linux = Machine(Path("/home/me"), {}, windows=False)
    moved = Machine(Path("/home/me"), {"XDG_CONFIG_HOME": "/conf"}, windows=False)
    windows = Machine(Path("/me"), {"APPDATA": "/me/AppData/Roaming"}, windows=True)
    assert file_of("jetbrains", machine=linux) == Path("/home/me/.jetbrains/acp.json")
    assert file_of("jetbrains", machine=windows) == Path("/me/.jetbrains/acp.json")
    assert file_of("zed", machine=linux) == Path("/home/me/.config/zed/settings.json")
    assert file_of("zed", machine=moved) == Path("/conf/zed/settings.json")
    assert file_of("zed", machine=windows) == Path("/me/AppData/Roaming/Zed/settings.json")


def test_what_is_started_is_this_installation(tmp_path: Path) -> None:
    python = tmp_path / "python"
    for program in PROGRAMS:
        assert entry(program, python=python)["args"][-1] == "acp"
        assert entry(program, python=python)["command"] == str(python)
    (tmp_path / "zi").touch()
    assert entry("jetbrains", python=python) == {"command": str(tmp_path / "zi"), "args": ["acp"], "env": {}}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40)
@given(document=st.dictionaries(st.text(), VALUES, max_size=3), indent=st.sampled_from([None, 0, 2, "\t"]))
def test_any_other_document_keeps_its_values(document: dict[str, Any], indent: Any) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    after = with_value(text, ("agent servers", "Zi"), WANTED) if "agent servers" not in document else text
    assert {**document, "agent servers": {"Zi": WANTED}} == parsed(after) or "agent servers" in document
