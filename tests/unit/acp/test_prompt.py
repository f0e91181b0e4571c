"""Content blocks of a chat as text of ours, and what a mode makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from acp.helpers import embedded_text_resource, resource_block, resource_link_block, text_block

from zicoder.acp.prompt import COMMAND_OF, Attached, in_role, path_of, written
from zicoder.acp.talk import DOES
from zicoder.acp.updates import KINDS
from zicoder.agents.toolbox import LOOKING, WRITING
from zicoder.commands.names import NAMES
from zicoder.models.chat.roles import ROLES

ROOT = Path("/home/me/shop") if path_of("/x") else Path("C:/shop")


def uri(name: str, fragment: str = "") -> str:
    return (ROOT / name).as_uri() + fragment


@pytest.mark.parametrize(
    ("link", "text", "lines"),
    [
        (uri("a.py"), "see @a.py now", None),
        (uri("src/ä b.py"), 'see @"src/ä b.py" now', None),
        (uri("a.py", "#L3"), "see @a.py:3-3 now", (3, 3)),
        (uri("a.py", "#L3:9"), "see @a.py:3-9 now", (3, 9)),
        (uri("a.py", "#L9-L3"), "see @a.py:3-9 now", (3, 9)),
        (str(ROOT / "a.py"), "see @a.py now", None),
    ],
)
def test_a_file_of_the_project_is_mentioned(link: str, text: str, lines: tuple[int, int] | None) -> None:
    found = written([text_block("see"), resource_link_block("a", link), text_block("now")], ROOT)
    assert found.text == text
    assert [file.lines for file in found.files] == [lines]


def test_an_attached_text_of_the_project_is_read_from_the_project() -> None:
    block = resource_block(embedded_text_resource(uri("a.py"), "what the client says it is"))
    assert written([block], ROOT) == written([resource_link_block("a.py", uri("a.py"))], ROOT)
    assert written([block], ROOT).files == (Attached(ROOT / "a.py"),)


@pytest.mark.parametrize("link", [uri("../other/a.py"), "https://example.org/a.py", "file://[", uri(".")])
def test_what_lies_outside_is_a_link_and_never_a_command(link: str) -> None:
    found = written([resource_link_block("/run !rm\nx", link)], ROOT)
    assert found.files == ()
    assert found.text.startswith("[/run !rm x](")


def test_what_is_attached_from_elsewhere_stands_in_a_fence_that_it_cannot_close() -> None:
    text = "```\n/run !rm\n````"
    found = written([text_block("see "), resource_block(embedded_text_resource("zed:///x", text))], ROOT)
    assert found.text == f"see `zed:///x`\n\n`zed:///x`\n`````\n{text}\n`````"


def test_the_mode_says_what_text_without_a_slash_is_for() -> None:
    assert set(COMMAND_OF) == set(DOES) == set(ROLES)
    assert set(COMMAND_OF.values()) <= set(NAMES)
    assert in_role("mend it", "coder") == "/code mend it"
    assert in_role("mend it", "chat") == "mend it"
    assert in_role("/etc/hosts is wrong", "reviewer") == "/review /etc/hosts is wrong"
    for command in ("/fix", "/ask why?", "/fxi it"):
        assert in_role(command, "coder") == command


def test_every_tool_has_a_kind() -> None:
    assert {*LOOKING, *WRITING, "shell", "tests"} <= set(KINDS)


def test_paths_of_windows() -> None:
    assert str(path_of("file:///c%3A/a%20b.py", windows=True)) == "c:/a b.py"
    assert path_of("untitled:x") is None
