"""Names for guided decoding, with the real jedi."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from zicoder.assist.jedi_bridge import JediBridge
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot


@pytest.fixture(scope="module")
def bridge() -> Iterator[JediBridge]:
    bridge = JediBridge()
    yield bridge
    bridge.close()


async def ask(bridge: JediBridge, marked: str, path: Path | None = None, *, around: bool = True) -> Guide:
    offset = marked.index("‸")
    text = marked.replace("‸", "", 1)
    snapshot = Snapshot(uri="untitled:x", text=text, language="python", path=path)
    return await bridge.guide(snapshot, offset, around=around, seconds=120)


SHOP = """
class Shop:
    def __init__(self, name: str) -> None:
        self.name = name
        self.open_doors = 2

    def close(self, *, slowly: bool = False) -> None: ...

    def shut(self) -> int:
        if self.open_doors:
"""


async def test_what_stands_behind_a_dot(bridge: JediBridge) -> None:
    guide = await ask(bridge, SHOP + "            return self.op‸")
    assert {"open_doors", "name", "close", "shut"} <= set(guide.here)
    assert "opening" not in guide.here
    assert guide.typed == "op"


async def test_unsaved_text_counts(bridge: JediBridge, tmp_path: Path) -> None:
    path = tmp_path / "shop.py"
    path.write_text("class Shop: ...\n")
    guide = await ask(bridge, SHOP + "            x = self.‸", path)
    assert "open_doors" in guide.here


async def test_receivers_and_calls_around_the_cursor(bridge: JediBridge) -> None:
    code = SHOP + "            self.close()\n            other: Shop = Shop('x')\n            ‸\n"
    guide = await ask(bridge, code)
    assert guide.here == ()
    assert "open_doors" in guide.members["self"]
    assert "close" in guide.members["other"]
    assert guide.arguments["self.close"] == ("slowly",)
    assert guide.arguments["Shop"] == ("name",)


async def test_only_the_place_itself_when_nothing_else_is_asked(bridge: JediBridge) -> None:
    guide = await ask(bridge, SHOP + "            return self.‸", around=False)
    assert guide.here
    assert not guide.members
    assert not guide.arguments


async def test_imports(bridge: JediBridge, tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("def saw(): ...\ndef drill(): ...\n")
    guide = await ask(bridge, "from tool import saw, dr‸", tmp_path / "main.py")
    assert "drill" in guide.here
    assert "saw" not in guide.here  # it is imported already
    assert guide.typed == "dr"
    assert guide.listed


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return x.‸",
        "from typing import Any\ndef f(x: Any):\n    return x.‸",
        "class A:\n    name = 1\n    def __getattr__(self, key): ...\nA().x = 1\na = A()\na.‸",
        "from nowhere import Base\nclass A(Base):\n    name = 1\n    def f(self):\n        return self.‸",
        "import nowhere\nnowhere.‸",
        "x = 1  # see x.‸",
        "x = 1.‸",
        SHOP.replace("self.open_doors = 2", "self.‸", 1),
    ],
    ids=["untyped", "Any", "__getattr__", "unknown base", "unknown module", "comment", "number", "new attribute"],
)
async def test_no_names_where_others_may_be_right(bridge: JediBridge, code: str) -> None:
    assert (await ask(bridge, code)).here == ()


async def test_a_name_that_the_document_uses_counts_though_it_is_not_seen_to_be_defined(bridge: JediBridge) -> None:
    code = SHOP + "            setattr(self, 'made_up', 1)\n            print(self.made_up)\n            ‸\n"
    assert "made_up" in (await ask(bridge, code)).members["self"]


async def test_a_call_that_takes_any_keyword_is_not_limited(bridge: JediBridge) -> None:
    guide = await ask(bridge, "def f(a, **more): ...\ndef g(a, b=1): ...\nf(1)\ng(1)\n‸")
    assert guide.arguments == {"g": ("a", "b")}


@pytest.mark.parametrize(
    "code", ["if x:\n    y = (‸\nelse:\n  z", "\ufeffimport this\r\nthis.‸\r\n", "def f(:\n  self.‸", "‸"]
)
async def test_broken_code_is_no_error(bridge: JediBridge, code: str, caplog: pytest.LogCaptureFixture) -> None:
    await ask(bridge, code)
    assert not caplog.records


async def test_a_newer_question_ends_an_older_one(bridge: JediBridge) -> None:
    code = SHOP + "            self.close()\n            ‸\n"
    old, new = await asyncio.gather(ask(bridge, code), ask(bridge, code))
    assert len(old.members) < len(new.members)
