"""What is known of the names around a cursor, kept while somebody types; and names of languages without an analysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from zicoder.complete.guidance import GuideKeeper
from zicoder.complete.guidance_code import CodeNames
from zicoder.index.search import Hit
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot


def cut(marked: str, language: str = "python", path: Path | None = None) -> tuple[Snapshot, int]:
    text = marked.replace("‸", "", 1)
    return Snapshot(uri="untitled:x", text=text, language=language, path=path), marked.index("‸")


class Known:
    """An analysis that knows one guide, and counts how it is asked."""

    def __init__(self, guide: Guide) -> None:
        self.answer = guide
        self.asked: list[bool] = []

    async def guide(self, snapshot: Snapshot, offset: int, *, around: bool = True) -> Guide:
        self.asked.append(around)
        return self.answer


SEND = Guide(here=("send", "stop"), members={"self": ("send",)}, arguments={"get": ("url",)})
CODE = """class A:
    def f(self):
        x = 1
        self.‸
        y = 2

class B:
    def g(self):
        pass
"""


async def keeper_at(marked: str, guide: Guide = SEND) -> tuple[GuideKeeper, Known]:
    known = Known(guide)
    keeper = GuideKeeper({"python": known})
    await keeper.prepare(*cut(marked))
    return keeper, known


async def test_typing_goes_on_within_what_was_prepared() -> None:
    keeper, _ = await keeper_at(CODE)
    assert keeper.guide(*cut(CODE)) == SEND
    typed = keeper.guide(*cut(CODE.replace("self.‸", "self.se‸")))
    assert typed is not None
    assert (typed.here, typed.typed) == (SEND.here, "se")


async def test_deleting_within_the_word_is_followed() -> None:
    keeper, _ = await keeper_at(CODE.replace("self.‸", "self.sen‸"))
    found = keeper.guide(*cut(CODE.replace("self.‸", "self.s‸")))
    assert found is not None
    assert found.typed == "s"


@pytest.mark.parametrize(
    "now",
    [
        CODE.replace("self.‸", "self.send(‸"),
        CODE.replace("self.‸", "other.‸"),
        CODE.replace("self.‸", "self.send()\n        ‸"),
    ],
)
async def test_elsewhere_in_the_function_only_the_names_around_hold(now: str) -> None:
    keeper, _ = await keeper_at(CODE)
    found = keeper.guide(*cut(now))
    assert found is not None
    assert found.here == ()
    assert found.members == SEND.members


@pytest.mark.parametrize(
    ("lines", "members", "arguments"),
    [
        ("self.items = []\n        n = len(self.‸", ("send", "items"), True),
        ("self.items = []\n        n = len(self.it‸", ("send", "items"), True),
        ("self.it‸", ("send",), True),
        ("other.items = self\n        self.‸", ("send",), True),
        ("self = other()\n        self.‸", None, True),
        ("self = self.‸", ("send",), True),
        ("x = self = self.‸\n        self = 3", None, True),
        ("self: Other = other()\n        self.‸", None, True),
        ("x, self = other()\n        self.‸", None, True),
        ("x = self = other()\n        self.‸", None, True),
        ("(x, self) = other()\n        self.‸", None, True),
        ("foo(); self = 1\n        self.‸", None, True),
        ("for self in others:\n            self.‸", None, True),
        ("with other() as self:\n            self.‸", None, True),
        ("if (self := other()):\n            self.‸", None, True),
        ("from others import get, self\n        self.‸", None, False),
        ("if self == other():\n            self.‸", ("send",), True),
        ("get = other\n        self.‸", ("send",), False),
        ("client.get += other\n        self.‸", ("send",), False),
    ],
)
async def test_what_was_typed_since_is_not_forbidden(
    lines: str, members: tuple[str, ...] | None, arguments: bool
) -> None:
    guide = Guide(members={"self": ("send",), "y": ("real",)}, arguments={"get": ("url",), "client.get": ("url",)})
    keeper, _ = await keeper_at(CODE, guide)
    found = keeper.guide(*cut(CODE.replace("self.‸", lines)))
    assert found is not None
    assert found.members.get("self") == members
    assert found.members["y"] == ("real",)
    assert ("client.get" in found.arguments) == arguments


@pytest.mark.parametrize("line", ["a, b, c\n", "0x" + "f" * 70 + "\n", "for for for \n", "1, 2, 3, 4,\n"])
async def test_after_a_paste_nothing_is_known_and_nobody_waits(line: str) -> None:
    guide = Guide(members={"self": ("send",), "y": ("real",)})
    keeper, _ = await keeper_at(CODE, guide)
    pasted = line * 20_000
    assert keeper.guide(*cut(CODE.replace("self.‸", f"x = {pasted}        self.‸"))) is None


async def test_nothing_holds_in_another_definition() -> None:
    keeper, _ = await keeper_at(CODE)
    assert keeper.guide(*cut(CODE.replace("‸", "").replace("pass", "‸"))) is None


@pytest.mark.parametrize("now", ["# self.‸", "'self.‸", '"""\n        self.‸'])
async def test_nothing_holds_in_a_string_or_a_comment(now: str) -> None:
    keeper, known = await keeper_at(CODE)
    marked = CODE.replace("self.‸", now)
    assert keeper.guide(*cut(marked)) is None
    await keeper.prepare(*cut(marked))
    assert known.asked == [True]


async def test_typing_in_one_line_does_not_have_everything_analysed_again() -> None:
    keeper, known = await keeper_at(CODE.replace("self.‸", "x‸"))
    for line in ("x = ‸", "x = self‸", "x = self.‸", "x = self.se‸", "x = self.send(‸"):
        await keeper.prepare(*cut(CODE.replace("self.‸", line)))
    assert known.asked == [True, False, False]
    assert known.answer.members == SEND.members
    await keeper.prepare(*cut(CODE.replace("x = 1", "x = 3")))
    assert known.asked[-1] is True


async def test_unknown_languages_and_forgotten_documents_have_none() -> None:
    keeper, known = await keeper_at(CODE)
    await keeper.prepare(*cut("x.‸", "cobol"))
    keeper.forget("untitled:x")
    assert keeper.guide(*cut(CODE)) is None
    assert known.asked == [True]


# --- languages without an analysis


class Index:
    """An index in which each name is defined in the file that holds it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        paths = [p.name for p in self.root.iterdir() if f"class {names[0]} " in p.read_text()]
        return [Hit(path, 0, 1, "typescript", "class", names[0], names[0], "", "", 1.0) for path in paths]


SHOP = """export class Shop extends Base {
  private readonly doors: Map<string, Door> = new Map();
  #till = 0;
  constructor(private owner: string) {
    super();
  }
  @Input() label?: string;
  get size(): number {
    return this.doors.size;
  }
  async open<T>(when: T): Promise<void> {
    const x = this.‸;
  }
}
"""
BASE = "export class Base {\n  close(): void {\n    const local = 1;\n  }\n}\n"


async def ask(tmp_path: Path, marked: str, language: str = "typescript") -> Guide:
    snapshot, offset = cut(marked, language, tmp_path / "shop.ts")
    return await CodeNames(lambda: Index(tmp_path)).guide(snapshot, offset)


async def test_members_of_a_class_and_its_base(tmp_path: Path) -> None:
    (tmp_path / "base.ts").write_text(BASE)
    guide = await ask(tmp_path, SHOP)
    assert {"doors", "#till", "owner", "label", "size", "open", "close", "constructor"} <= set(guide.here)
    assert not {"x", "local", "when", "string"} & set(guide.here)
    assert guide.members["this"] == guide.here


async def test_an_unknown_base_may_add_anything(tmp_path: Path) -> None:
    assert await ask(tmp_path, SHOP) == Guide()


async def test_a_class_in_java(tmp_path: Path) -> None:
    code = "public class A {\n  final List<String> rows = x();\n  int n;\n  void f() {\n    use(this.r‸);\n  }\n}\n"
    guide = await ask(tmp_path, code, "java")
    assert {"rows", "n", "f", "hashCode"} <= set(guide.here)
    assert guide.typed == "r"


@pytest.mark.parametrize(
    "inner",
    ["    items.map(function (x) {\n      x = this.‸\n    });", "    const o = {\n      f() {\n        x = this.‸\n"],
)
async def test_another_this_is_not_guessed_at(tmp_path: Path, inner: str) -> None:
    code = "class A {\n  name = 1;\n  f() {\n" + inner + "\n  }\n}\n"
    assert (await ask(tmp_path, code)).here == ()


async def test_a_field_of_javascript_may_be_new(tmp_path: Path) -> None:
    code = "class A {\n  constructor() {\n    this.a = 1;\n    this.‸\n  }\n}\n"
    guide = await ask(tmp_path, code, "javascript")
    assert guide.here == ()
    assert "a" in guide.members["this"]


MODULE = (
    "export const one = 1;\nexport async function two() {}\nclass Three {}\nexport { Three as Drei };\nconst no = 1;\n"
)


async def test_names_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "numbers.ts").write_text(MODULE)
    guide = await ask(tmp_path, "import { one, t‸ } from './numbers.js';\n")
    assert guide == Guide(here=("Drei", "one", "two", "type"), typed="t", listed=True)


@pytest.mark.parametrize("more", ["export * from './x';", "export const { a } = b;", "module.exports = {};"])
async def test_exports_that_are_not_all_seen(tmp_path: Path, more: str) -> None:
    (tmp_path / "numbers.ts").write_text(MODULE + more)
    assert await ask(tmp_path, "import { ‸ } from './numbers';") == Guide()


async def test_files_outside_the_project_are_not_read(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.ts").write_text(MODULE)
    assert await ask(root, "import { ‸ } from '../secret';") == Guide()


async def test_very_long_lines_cost_no_time(tmp_path: Path) -> None:
    keeper, known = await keeper_at("import " * 100_000 + "x.‸")
    assert known.asked == [True]
    assert keeper.guide(*cut("import " * 100_000 + "x.y‸")) is not None
    assert await ask(tmp_path, "class A implements" + " " * 200_000 + "(\n  x = this.‸\n}\n") == Guide()
