"""Python analysis through the bridge, with the real jedi."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.marked import cut, snap

from zicoder.assist import answers
from zicoder.assist.jedi_bridge import MAX_CHARS, JediBridge, _safe_variables
from zicoder.assist.types import CompletionDetail
from zicoder.text import Position


@pytest.fixture(scope="module")
def bridge() -> Iterator[JediBridge]:
    """One bridge for all tests that leave it as it was: each has a child process of its own."""
    bridge = JediBridge()
    yield bridge
    bridge.close()


@pytest.fixture
def fresh() -> Iterator[JediBridge]:
    bridge = JediBridge()
    yield bridge
    bridge.close()


def test_importing_the_bridge_does_not_import_jedi() -> None:
    code = "import sys, zicoder.assist.jedi_bridge; sys.exit('jedi' in sys.modules or 'parso' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_completion_names_kinds_and_range(bridge: JediBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_KIND_SECONDS", 60)
    code = "import pathlib\nclass pear: pass\ndef peach(): pass\npepper = pathlib\npea_count = 1\npe‸"
    snapshot, offset = cut(code)
    found = await bridge.complete(snapshot, offset)
    assert {item.label: item.kind for item in found.items if item.label in code} == {
        "pear": "class",
        "peach": "function",
        "pepper": "variable",
        "pea_count": "variable",
    }
    assert (found.start, found.end, found.incomplete) == (offset - 2, offset, False)
    assert all(item.insert_text == item.label for item in found.items)


async def test_kinds_are_guessed_when_they_would_take_too_long(
    bridge: JediBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_KIND_SECONDS", -1)
    found = await bridge.complete(*cut("class Pear: pass\npeach = 1\nPEA = 1\npea‸"))
    assert {item.label: item.kind for item in found.items} == {"Pear": "class", "peach": "variable", "PEA": "variable"}


async def test_private_names_come_last(bridge: JediBridge) -> None:
    found = await bridge.complete(*cut("class A:\n    __a__ = 1\n    _b = 1\n    c = 1\nA.‸"))
    order = [item.label for item in sorted(found.items, key=lambda item: item.sort_key)]
    assert order[0] in ("c", "mro")
    assert order.index("c") < order.index("_b") < order.index("__a__")


async def test_keywords_and_arguments_are_offered(bridge: JediBridge) -> None:
    found = await bridge.complete(*cut("def f(width): pass\nf(wi‸"))
    assert [(i.label, i.kind) for i in found.items if i.label.startswith("wid")] == [("width=", "variable")]
    found = await bridge.complete(*cut("impo‸"))
    assert ("import", "keyword") in [(i.label, i.kind) for i in found.items]


@pytest.mark.parametrize("marked", ["# os.‸", "x = 1 # impo‸", "x = 1.‸", "x = 1_000.‸"])
async def test_nothing_is_offered_in_comments_and_numbers(bridge: JediBridge, marked: str) -> None:
    assert (await bridge.complete(*cut(marked))).items == ()


@pytest.mark.parametrize("before", ["'#'; ", "x = '''#\n'''; ", 'f("a\\"#"); ', "x1."])
async def test_a_hash_in_a_string_is_no_comment(bridge: JediBridge, before: str) -> None:
    code = "x1 = 'text'\n" + before + ("" if before.endswith(".") else "x1.") + "upp‸"
    assert [item.label for item in (await bridge.complete(*cut(code))).items] == ["upper"]


async def test_a_long_list_is_cut_and_says_so(bridge: JediBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_ITEMS", 10)
    found = await bridge.complete(*cut("import os\nos.‸"))
    assert len(found.items) == 10
    assert found.incomplete


async def test_details_come_with_resolve(bridge: JediBridge) -> None:
    found = await bridge.complete(*cut("def greet(name: str) -> str:\n    '''Say *hello*.'''\ngree‸"))
    detail = await bridge.resolve(found.items[0].token)
    assert detail == CompletionDetail("greet(name: str) -> str", "Say \\*hello\\*.", "Say *hello*.")


async def test_details_of_the_list_before_are_still_there(bridge: JediBridge) -> None:
    first = await bridge.complete(*cut("def greet(): 'Hi.'\ngr‸"))
    await bridge.complete(*cut("x = 1\ny = 2\ndef greet(): 'Hi.'\ngre‸"))
    assert (await bridge.resolve(first.items[0].token)).plain == "Hi."


@pytest.mark.parametrize("token", ["", "99:0", "1:99", "x:y", "-1:0", "1", "1:-1", "²:0"])
async def test_an_unknown_token_has_no_details(bridge: JediBridge, token: str) -> None:
    await bridge.complete(*cut("impo‸"))
    assert await bridge.resolve(token) == CompletionDetail()


async def test_hover_shows_signature_and_documentation(bridge: JediBridge) -> None:
    snapshot, offset = cut("def greet(name: str) -> str:\n    '''Say [hello](command:x).'''\ngre‸et")
    found = await bridge.hover(snapshot, offset)
    assert found is not None
    assert found.markdown.startswith("```python\ndef greet(name: str) -> str\n```\n\nSay ")
    assert "[hello](" not in found.markdown
    assert "Say [hello](command:x)." in found.plain
    assert snapshot.text[found.start : found.end] == "greet"


async def test_hover_names_a_module_as_it_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (package / "__init__.py").touch()
    bridge = JediBridge(root=tmp_path)
    try:
        found = await bridge.hover(*cut("def to‸tal(): pass\n", package / "cart.py"))
    finally:
        bridge.close()
    assert found is not None
    assert "Defined in `shop.cart`" in found.markdown


async def test_hover_on_this_platforms_os_path(bridge: JediBridge) -> None:
    found = await bridge.hover(*cut("import os\nos.path.jo‸in"))
    assert found is not None
    assert "def join(" in found.markdown
    assert f"Defined in `{'ntpath' if sys.platform == 'win32' else 'posixpath'}`" in found.markdown


@pytest.mark.parametrize("marked", ["# wo‸rd", "'wo‸rd'", "12‸3", "‸", "a ‸ b", "x = ‸(1)", "no‸such"])
async def test_nothing_to_say_is_no_hover(bridge: JediBridge, marked: str) -> None:
    assert await bridge.hover(*cut(marked)) is None


async def test_hover_on_keywords_and_variables(bridge: JediBridge) -> None:
    keyword = await bridge.hover(*cut("fo‸r x in y: pass"))
    assert keyword is not None
    assert keyword.plain.startswith("for\n")
    variable = await bridge.hover(*cut("count = 3\ncou‸nt"))
    assert variable is not None
    assert variable.plain == "count: int"


HARD_TEXTS = {
    "crlf": "x = 1\r\nname = 'v'\r\nname\r\n",
    "lone cr": "x = 1\rname = 'v'\rname\r",
    "bom": "\ufeffname = 'v'; name\n",
    "form feed": "\fname = 'v'\n\f\nname\n",
    "astral": "'😀𐀀'; name = '😀'; '😀'; name\n",
    "tabs": "if 1:\n\tname = 'v'\n\tif 2:\n\t\tname\n",
    "separators": "'\u2028\x85\v\x1c'; name = 'v'\n'\u2029'; name\n",
    "mixed": "\ufeffx = '😀'\r\nname = 'v'\rx = '\u2028'; name\n",
}


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS.keys())
async def test_positions_are_right_in_hard_texts(bridge: JediBridge, text: str) -> None:
    snapshot = snap(text)
    defined, used = text.index("name"), text.rindex("name")
    found = await bridge.hover(snapshot, used + 2)
    assert found is not None
    assert (found.plain, found.start, found.end) == ("name: str", used, used + 4)
    (place,) = await bridge.definitions(snapshot, used)
    assert snapshot.lines.offset(place.start) == defined
    assert snapshot.lines.offset(place.end) == defined + 4
    assert place.line_text == snapshot.lines.line(place.start.line)
    completed = await bridge.complete(snapshot, used + 3)
    assert "name" in [item.label for item in completed.items]
    assert (completed.start, completed.end) == (used, used + 3)
    assert [s.name_start for s in await bridge.symbols(snapshot) if s.name == "name"] == [defined]


async def test_definitions_in_other_files(bridge: JediBridge, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_bytes("\ufeff'''Doc.'''\r\n'😀'; thing = 1\r\n".encode())
    snapshot, offset = cut("from other import thing\nth‸ing", tmp_path / "main.py")
    (place,) = await bridge.definitions(snapshot, offset)
    assert place.path == other
    assert (place.start, place.end) == (Position(1, 5), Position(1, 10))
    assert place.line_text == "'😀'; thing = 1"
    (module,) = await bridge.definitions(*cut("import ot‸her", tmp_path / "main.py"))
    assert (module.path, module.start, module.end) == (other, Position(0, 0), Position(0, 0))


async def test_definition_in_an_unsaved_version_of_the_file(bridge: JediBridge, tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("old = 1\n")
    (place,) = await bridge.definitions(*cut("new = 1\nne‸w", path))
    assert (place.path, place.start) == (path, Position(0, 0))


async def test_signatures_and_the_active_parameter(bridge: JediBridge) -> None:
    found = await bridge.signatures(*cut("def f(a, b=1, *rest, c): pass\nf(1, ‸"))
    assert found is not None
    signature = found.signatures[found.active]
    assert signature.label == "f(a, b=1, *rest, c)"
    assert [signature.label[p.start : p.end] for p in signature.parameters] == ["a", "b=1", "*rest", "c"]
    assert signature.active_parameter == 1
    past = await bridge.signatures(*cut("def f(a): pass\nf(1, 2, ‸"))
    assert past is not None
    assert past.signatures[0].active_parameter is None
    assert await bridge.signatures(*cut("x = 1‸")) is None


async def test_questions_past_the_end_are_no_error(bridge: JediBridge, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("", "x = 1", "x = 1\r\n", "\ufeff"):
        await bridge.complete(snap(text), len(text))
        await bridge.hover(snap(text), len(text))
        await bridge.signatures(snap(text), len(text))
    await bridge.complete(snap("x = 1\r\n"), 6)  # between \r and \n
    await bridge.complete(snap("\ufeff"), 0)  # before the byte order mark
    assert not caplog.records


async def test_a_huge_document_is_answered_empty_at_once(bridge: JediBridge) -> None:
    snapshot = snap("x = 1\n" * (MAX_CHARS // 5))
    start = time.monotonic()
    assert (await bridge.complete(snapshot, 3)).items == ()
    assert await bridge.hover(snapshot, 0) is None
    assert await bridge.signatures(snapshot, 3) is None
    assert await bridge.definitions(snapshot, 0) == ()
    assert await bridge.symbols(snapshot) == ()
    assert time.monotonic() - start < 0.5, "nothing was parsed"


async def test_a_failure_of_jedi_is_logged_once_and_answered_empty(
    fresh: JediBridge, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(answers, "completion_list", fail)
    with caplog.at_level(logging.WARNING, logger="zicoder.assist"):
        for _ in range(3):
            assert (await fresh.complete(*cut("impo‸"))).items == ()
    assert [record.getMessage() for record in caplog.records] == [
        "No completion: jedi failed with RecursionError: too deep"
    ]


async def test_a_cancelled_question_does_not_stop_the_next(bridge: JediBridge) -> None:
    tasks = [asyncio.create_task(bridge.complete(*cut("import os\nos.‸"))) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await bridge.complete(*cut("impo‸"))).items


def test_search_paths_into_the_project_are_left_out(tmp_path: Path) -> None:
    root, other = tmp_path / "project", tmp_path / "libraries"
    paths = [".", str(root), str(root / "src"), str(other), "", str(other / ".." / "project")]
    variables = {"PYTHONPATH": (";" if sys.platform == "win32" else ":").join(paths), "HOME": "/h"}
    assert _safe_variables(variables, root) == {"PYTHONPATH": str(other), "HOME": "/h"}
    assert _safe_variables({"PYTHONPATH": "."}, None) == {}
