"""What a class offers, and blocks of plain text, without a grammar."""

from __future__ import annotations

import itertools
import random

import pytest

from zicoder.context.outline import MOST_LINES, blocks_of, doc_line, members_of

PYTHON = '''class Client(Base):
    """Sends requests."""

    retries: int = 3

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
    ) -> None:
        self.url = url
        self._pool: Pool = Pool(url)

    def __repr__(self) -> str:
        return self.url

    @property
    def open(self) -> bool:
        return not self._pool.closed

    async def send(self, request: Request) -> Response:
        if request.empty:
            return None
        return await self._pool.send(request)


class Other:
    def unrelated(self) -> None: ...
'''
TYPESCRIPT = """export class Cart extends Base {
  private lines: Line[] = [];

  constructor(private readonly currency: string) {
    super();
    this.total = 0;
  }

  /** Adds a line. */
  add(article: Article, quantity = 1): void {
    for (const line of this.lines) {
      line.check(article);
    }
  }
}

function after(x) {
  return x;
}
"""


def test_a_python_class_shows_its_methods_fields_and_attributes() -> None:
    assert members_of(PYTHON.split("\n"), 0).split("\n") == [
        "class Client(Base):",
        "    _pool",
        "    retries: int = 3",
        "    def __init__(self, url: str, *, timeout: float = 5.0) -> None:",
        "    def open(self) -> bool:",
        "    async def send(self, request: Request) -> Response:",
    ]


def test_a_typescript_class_shows_its_methods_and_fields() -> None:
    assert members_of(TYPESCRIPT.split("\n"), 0).split("\n") == [
        "export class Cart extends Base",
        "  total",
        "  private lines: Line[] = [];",
        "  constructor(private readonly currency: string)",
        "  add(article: Article, quantity = 1): void",
    ]


def test_what_has_no_members_gives_nothing() -> None:
    assert members_of(["x = 1", "y = 2"], 0) == ""
    assert members_of([], 0) == ""
    assert members_of(["class Empty: ..."], 0) == ""


@pytest.mark.parametrize(
    ("text", "doc"),
    [
        ('def f():\n    """Does it.\n\n    More."""\n', "Does it."),
        ("def f():\n    '''One line.'''\n", "One line."),
        ("/**\n * Does it.\n *\n * @return x\n */\nfunction f() {}", "Does it."),
        ("// Does it.\nfunc f() {}", "Does it."),
        ("/// Does it.\nfn f() {}", "Does it."),
        ("def f():\n    return 1  # no doc\n", ""),
        ("", ""),
    ],
)
def test_the_first_line_of_documentation(text: str, doc: str) -> None:
    assert doc_line(text) == doc


def test_blocks_hold_every_line_once_and_begin_at_definitions() -> None:
    text = PYTHON * 4
    blocks = blocks_of(text)
    assert blocks[0].start == 0
    assert all(a.end <= b.start for a, b in itertools.pairwise(blocks))
    assert all(block.end - block.start <= MOST_LINES for block in blocks)
    shown = "\n".join(block.text for block in blocks)
    assert {line.strip() for line in text.split("\n")} <= {line.strip() for line in shown.split("\n")} | {""}


def test_hostile_text_takes_no_time() -> None:
    rng = random.Random(1)
    for text in (
        "x" * (1 << 20),
        "(" * 200_000,
        "class A:\n" + "    def " * 100_000,
        "class A:\n" + "    f(\n" * 20_000,
        "a " * 200_000 + "(",
        "<" * 100_000,
        "".join(rng.choice("abc(){}[]<>:=,. \n\t\"'#/*") for _ in range(200_000)),
    ):
        for block in blocks_of(text):
            assert len(block.text) < 20_000
        assert len(members_of(text.split("\n"), 0)) < 20_000
        doc_line(text)
