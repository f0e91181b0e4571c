"""What a hover says of a name that the project defines."""

from __future__ import annotations

from collections.abc import Sequence

from zicoder.assist.hover.facts import facts_of, word_at
from zicoder.index.search import Hit
from zicoder.index.symbols import Symbol
from zicoder.text import Snapshot


def hit(path: str, line: int, symbol: str, signature: str = "", language: str = "go") -> Hit:
    return Hit(path, line, line + 3, language, "function", symbol, symbol, signature, f"{signature}\n}}", 1.0)


class Project:
    """What an index answers."""

    def __init__(self, defined: Sequence[Hit], used: Sequence[Hit] = ()) -> None:
        self._defined, self._used = list(defined), list(used)

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        return self._defined

    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]:
        return self._used

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        return []

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        return []


async def test_declaration_and_nearest_uses() -> None:
    own = hit("shop/a.go", 4, "Total", "func Total(prices []int) int")
    used = [hit("z.go", 1, "main"), hit("shop/b.go", 8, "Bill"), hit("shop/a.go", 40, "Sum"), own]
    facts = await facts_of("Total", index=Project([own], used), language="go", own="shop/a.go")
    assert facts.declaration == "```go\nfunc Total(prices []int) int\n```\n\nDefined in `shop/a.go:5`"
    assert facts.uses == "Used in 3 places: `shop/a.go:41`, `shop/b.go:9`, `z.go:2`"
    assert facts.plain_uses == "Used in 3 places: shop/a.go:41, shop/b.go:9, z.go:2"


async def test_uses_of_a_name_with_several_definitions_are_not_counted() -> None:
    defined = [hit("a.go", 1, "Close", "func Close()"), hit("b.go", 1, "Close", "func Close()")]
    facts = await facts_of("Close", index=Project(defined, [hit("c.go", 1, "main")]), language="go", own="a.go")
    assert "`a.go:2`" in facts.declaration
    assert "`b.go:2`" in facts.declaration
    assert facts.uses == ""


async def test_other_languages_and_short_names_are_left_out() -> None:
    index = Project([hit("a.py", 1, "Total", "def Total()", "python")])
    assert (await facts_of("Total", index=index, language="go", own="a.go")).declaration == ""
    assert (await facts_of("x", index=index, language="python", own="a.go")).declaration == ""


async def test_markup_in_code_stays_code() -> None:
    bad = hit("a`b.go", 1, "Total", "func Total() // ```\n[x](command:y)")
    facts = await facts_of("Total", index=Project([bad]), language="go", own="")
    assert facts.declaration.startswith("````go\n")
    assert "``a`b.go:2``" in facts.declaration


def test_words() -> None:
    snapshot = Snapshot("u", "fo_o.bär(1x)")
    assert [word_at(snapshot, at) for at in (0, 2, 4, 5, 10)] == [(0, 4), (0, 4), (0, 4), (5, 8), (10, 10)]
