"""The far definitions of a file that code at the cursor may use."""

from __future__ import annotations

import random

from zicoder.context.heads import heads_of, offered

PYTHON = """def helper(value: int) -> int:
    return value


def rarely_used(): ...


class Store:
    def open(self, path): ...

    def close(self):
        helper(1)


class Cart(Store):
    def __init__(self):
        self.lines = []
        self._total: float = 0.0
        if self.add == self.unset: ...

    def add(self, article):
        return helper(article)

    def remove(self, article):
        helper(2)

    async def total(
        self,
        *,
        tax: float,
    ) -> float:
        return helper(3)


class Elsewhere:
    def unrelated(self): ...
"""
LINES = PYTHON.splitlines()


def test_helpers_and_the_methods_of_the_class_and_its_bases_are_offered_in_the_order_of_the_file() -> None:
    cursor = LINES.index("        helper(2)")
    assert offered(LINES, cursor, range(cursor - 1, cursor + 1), 1000).split("\n") == [
        "def helper(value: int) -> int:",
        "def rarely_used(): ...",
        "class Store:",
        "    def open(self, path): ...",
        "    def close(self):",
        "class Cart(Store):",
        "    def add(self, article):",
        "    async def total(self, *, tax: float) -> float:",
        "class Elsewhere:",
        "    self._total, self.lines",
    ]


def test_what_the_file_uses_often_comes_first_when_there_is_little_room() -> None:
    cursor = LINES.index("class Elsewhere:")
    assert offered(LINES, cursor, range(cursor, cursor + 3), 40) == "def helper(value: int) -> int:"


def test_it_is_the_same_for_every_line_of_a_function() -> None:
    first = LINES.index("        *,")
    near = range(first - 3, first + 6)
    assert len({offered(LINES, first + n, near, 200) for n in range(4)}) == 1


def test_definitions_of_languages_with_braces() -> None:
    text = """export async function load(url) {
}
const parse = (text) => {
};
app.use = function use(fn) {
};
public class Cart extends Base {
  private int total(Tax tax) {
    if (tax.none()) {
    }
    while (true) {
    }
  }
}
func (s *Server) Serve(addr string) error {
}
pub(crate) fn run(args: Args) -> u8 {
}"""
    names = ["load", "parse", "app.use", "Cart", "total", "Serve", "run"]
    assert [head.name for head in heads_of(text.splitlines())] == names


def test_hostile_text_gives_a_small_answer() -> None:
    rng = random.Random(5)
    for text in (
        "def " * 100_000,
        "def f(\n" * 20_000,
        "\n".join(" " * n + f"def f_{n}():" for n in range(500)),
        "public " * 100_000,
        "a " * 100_000 + "(",
        "a<" * 100_000 + "(){",
        "a.b" * 100_000 + "=",
        "".join(rng.choice("ab (){}=.\n\t:,;") for _ in range(100_000)),
    ):
        lines = text.split("\n")
        for cursor in (0, len(lines) - 1, len(lines) + 5):
            assert len(offered(lines, cursor, range(0), 500)) < 2000
