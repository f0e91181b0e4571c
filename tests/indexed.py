"""Small projects and their indexes, made of real parts: files, reader processes, LanceDB. For unit tests and e2e."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from zicoder.index.code_index import CodeIndex
from zicoder.index.frames import FileRows
from zicoder.index.indexer import Indexer
from zicoder.index.reader import rows_of
from zicoder.index.readers import Readers
from zicoder.index.search import Searcher
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Store
from zicoder.index.walk import FileFilter

COLUMNS = ("id", "path", "file_hash", "start", "end", "text", "words", "names", "defines", "vector")
MAX_BYTES = 4096
"""A small limit, so that a small file can be too large."""

EMBEDDER = StaticEmbedder.load()


SHOP = {
    "shop/cart.py": '''class Cart:
    """What a customer is about to buy."""

    def __init__(self, currency):
        self.lines = []
        self.currency = currency
        self.discount_rules = load_discount_rules(currency)

    def add_line(self, article, quantity):
        """Put an article into the cart, or more of it."""
        for line in self.lines:
            if line.article == article:
                line.quantity += quantity
                return line
        self.lines.append(Line(article, quantity))
        return self.lines[-1]

    def compute_total_price(self):
        """Sum of all lines after discounts."""
        total = sum(line.article.price * line.quantity for line in self.lines)
        for rule in self.discount_rules:
            total = rule.apply(total)
        return total

    def remove_line(self, article):
        """Take an article out of the cart, however many of it there are."""
        remaining = [line for line in self.lines if line.article != article]
        removed = len(self.lines) - len(remaining)
        self.lines = remaining
        return removed

    def describe_contents(self, formatter):
        """One row of text for each line, as the e-mail to the customer shows them."""
        rows = []
        for line in self.lines:
            rows.append(formatter.row(line.article.title, line.quantity, line.article.price))
        return formatter.table(rows)
''',
    "shop/checkout.py": '''from shop.cart import Cart


def check_out(cart, payment_provider):
    """Charge the customer's card for everything in the cart."""
    amount = cart.compute_total_price()
    receipt = payment_provider.charge(amount, cart.currency)
    if not receipt.accepted:
        raise PaymentRefused(receipt.reason)
    return receipt
''',
    "shop_old/cart.py": "def legacy_cart_import(path):\n    return read_csv_rows(path, delimiter=';')\n",
    "tests/test_cart.py": """from shop.cart import Cart


def test_compute_total_price_of_an_empty_cart():
    assert Cart("EUR").compute_total_price() == 0
""",
    "web/app.ts": "export function renderCartPage(cart: Cart) {\n  return `<h1>${cart.computeTotalPrice()}</h1>`;\n}\n",
    "vendor/lib/cart.py": "def compute_total_price(cart):\n    return sum(cart)\n",
    "docs/cart.md": "# The cart\n\nThe total price is computed after discounts.\n",
    "it's 100%/odd.py": "def odd_place():\n    return 1\n",
}
"""Files of a project that search is tried on, by path."""


T = TypeVar("T")


class PatientIndex(CodeIndex):
    """A code index whose look-ups are not given up: on a busy machine that would be an empty answer, and no failure."""

    async def __aenter__(self) -> Self:
        return self

    async def _ask(self, question: Callable[[Searcher], T], empty: T, deadline: float) -> T:
        return await super()._ask(question, empty, max(60.0, deadline))


def put(root: Path, path: str, content: str | bytes) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)


def function(name: str, body: str = "return alpha + beta") -> str:
    return f"def {name}(alpha, beta):\n    {body}\n"


def open_store(folder: Path, *, write: bool = True, anew: bool = False) -> Store:
    return Store.open(str(folder), dimension=EMBEDDER.dimension, vectors=EMBEDDER.name, write=write, anew=anew)


def rows(store: Store) -> list[tuple[Any, ...]]:
    """Everything that look-ups go by, in an order of its own."""
    return sorted((tuple(map(_frozen, row[1:])) for row in store.column(*COLUMNS)), key=lambda row: (row[1], row[3]))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def paths(store: Store) -> list[str]:
    return sorted(store.files())


@contextlib.asynccontextmanager
async def indexing(store: Store, readers: Readers, root: Path) -> AsyncIterator[Indexer]:
    indexer = Indexer(root, store, readers, FileFilter(root, max_bytes=MAX_BYTES))
    try:
        yield indexer
    finally:
        await indexer.close()


async def from_scratch(readers: Readers, root: Path, folder: Path) -> list[tuple[Any, ...]]:
    """The rows of an index that is built in one go."""
    shutil.rmtree(folder, ignore_errors=True)
    store = open_store(folder)
    async with indexing(store, readers, root) as indexer:
        await indexer.update()
    return rows(store)


def duplicates(found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Ids that occur twice, and paths that have rows of two contents."""
    every = list(found)
    ids = [row[0] for row in every]
    contents = {(row[1], row[2]) for row in every}
    by_path = [path for path, _ in contents]
    return [i for i in set(ids) if ids.count(i) > 1] + [p for p in set(by_path) if by_path.count(p) > 1]


def build(root: Path, folder: Path, files: Mapping[str, str]) -> Store:
    """A project of these files and its index."""
    for path, content in files.items():
        put(root, path, content)
    readers = Readers(root, max_bytes=MAX_BYTES, count=1)
    store = open_store(folder)

    async def update() -> None:
        async with indexing(store, readers, root) as indexer:
            await indexer.update()

    try:
        asyncio.run(update())
    finally:
        readers.close()
    return store


def functions_of(path: str, name: str = "something", functions: int = 3) -> FileRows:
    """Rows of a file of functions, made in this process."""
    text = "".join(f"def {name}_{n}(alpha):\n    return beta({n}, alpha)\n\n\n" for n in range(functions))
    return rows_of(path, text.encode(), EMBEDDER)


def make_store(folder: Path) -> Path:
    """An index of a few files, with its indexes worked in, to be copied."""
    store = open_store(folder)
    store.replace([functions_of(f"pkg/m{n}.py", f"fn{n}", functions=40) for n in range(3)])
    store.tend(thoroughly=True)
    return folder


def ask_everything(store: Store) -> None:
    """Every look-up of a store once."""
    store.files()
    store.hash_of("pkg/m1.py")
    vector = EMBEDDER.embed_query("beta of alpha")
    for found in (
        store.lexical(["beta", "fn1"], 10)(),
        store.named(["=fn1_3", "beta"], 10)(),
        store.nearest(vector, 10),
        store.within("path = 'pkg/m1.py'", 10),
    ):
        store.texts([row.row for row in found])
        store.similarities(vector, [row.row for row in found])
    store.column("symbol", "defines", "start")
    store.sample("words", 10)
