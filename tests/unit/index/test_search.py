"""Search over a real index: what is asked for comes first, whatever is asked does no harm."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from indexed import EMBEDDER, MAX_BYTES, function, indexing, open_store, put

from zicoder.index.code_index import CodeIndex
from zicoder.index.readers import Readers
from zicoder.index.search import Scope, Searcher
from zicoder.index.unsaved import Unsaved

FILES = {
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


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    root = tmp_path_factory.mktemp("shop")
    for path, content in FILES.items():
        put(root / "project", path, content)
    readers = Readers(root / "project", max_bytes=MAX_BYTES, count=1)
    store = open_store(root / "index")

    async def build() -> None:
        async with indexing(store, readers, root / "project") as indexer:
            await indexer.update()

    asyncio.run(build())
    readers.close()
    searcher = Searcher(store, EMBEDDER, Unsaved(EMBEDDER.dimension))
    yield searcher
    searcher.close()


# --- what is found


def test_a_name_finds_its_definition_first(searcher: Searcher) -> None:
    first = searcher.search("compute_total_price")[0]
    assert (first.path, first.qualified) == ("shop/cart.py", "Cart.compute_total_price")
    assert first.text.lstrip().startswith("def compute_total_price")
    assert FILES["shop/cart.py"].split("\n")[first.start].strip() == "def compute_total_price(self):"


def test_a_question_finds_code_before_tests_and_vendored_code(searcher: Searcher) -> None:
    found = [hit.path for hit in searcher.search("where is the customer's card charged")]
    assert found[0] == "shop/checkout.py"
    found = [hit.path for hit in searcher.search("compute total price of the cart", 50)]
    assert found.index("shop/cart.py") < found.index("tests/test_cart.py")
    assert found.index("shop/cart.py") < found.index("vendor/lib/cart.py")


def test_the_other_spelling_of_a_name_is_found_too(searcher: Searcher) -> None:
    found = {hit.path for hit in searcher.search("computeTotalPrice")}
    assert {"shop/cart.py", "web/app.ts"} <= found


def test_lines_are_those_of_the_file(searcher: Searcher) -> None:
    for hit in searcher.search("cart", k=50):
        lines = FILES[hit.path].split("\n")
        assert hit.text.rstrip("\n") == "\n".join(lines[hit.start : hit.end]).rstrip("\n")


def test_similar_code_is_found_outside_the_file_it_comes_from(searcher: Searcher) -> None:
    snippet = "total = sum(article.price * quantity for article, quantity in lines)"
    assert searcher.similar(snippet, 3)[0].path == "shop/cart.py"
    assert "shop/cart.py" not in {hit.path for hit in searcher.similar(snippet, 5, outside="shop/cart.py")}


def test_definitions_and_callers_of_a_name(searcher: Searcher) -> None:
    defined = searcher.definitions(["compute_total_price"])
    assert [hit.path for hit in defined][:1] == ["shop/cart.py"]
    assert {hit.path for hit in defined} == {"shop/cart.py", "vendor/lib/cart.py"}
    assert [hit.path for hit in searcher.callers("compute_total_price")] == ["shop/checkout.py", "tests/test_cart.py"]
    assert searcher.definitions([]) == searcher.definitions(["nowhere"]) == searcher.callers("") == []


# --- where


def test_languages_and_folders_narrow_the_search(searcher: Searcher) -> None:
    def found(**scope: object) -> set[str]:
        return {hit.path for hit in searcher.search("cart", 50, Scope(**scope))}  # type: ignore[arg-type]

    assert found(languages=("typescript",)) == {"web/app.ts"}
    assert found(languages=("typescript", "markdown")) == {"web/app.ts", "docs/cart.md"}
    assert found(languages=("cobol",)) == set()
    assert found(path="docs") == found(path="docs/") == found(path="./docs") == {"docs/cart.md"}
    assert found(path="**/cart.py") >= {"shop/cart.py", "shop_old/cart.py", "vendor/lib/cart.py"}
    assert found(path="shop\\cart.py") == {"shop/cart.py"}
    assert found(path="it's 100%") <= {"it's 100%/odd.py"}
    assert found(path="100%") == set(), "a percent sign is no wild card"


def test_a_folder_is_not_every_folder_that_begins_like_it(searcher: Searcher) -> None:
    for path in ("shop", "shop/"):
        found = {hit.path for hit in searcher.search("cart", 50, Scope(path=path))}
        assert found == {"shop/cart.py", "shop/checkout.py"}


@pytest.mark.parametrize("hostile", ["x' OR '1'='1", "'; DROP TABLE chunks; --", "%", "\0", "\ud83d", "[", "'" * 99])
def test_a_scope_is_never_read_as_sql(searcher: Searcher, hostile: str) -> None:
    assert searcher.search("cart", scope=Scope(languages=(hostile,))) == []
    assert searcher.search("cart", scope=Scope(path=hostile)) == []
    assert searcher.search("cart", scope=Scope(path=f"shop/{hostile}")) == []
    assert searcher.search("cart") != []


# --- whatever is asked

HOSTILE = [
    "", " \t\n", "\0", "\0cart\0", "\ud83d", "cart \udc00", "😀", "...", "()[]{}", "'", '"', "\\", "-", "*", "%",
    "a" * 10_000, "cart " * 2000, " ".join(f"word{n}" for n in range(2000)), "AND", "OR", "NOT", "cart AND NOT cart",
    '"compute total', "+cart -price", "symbol:cart", "cart~2", "cart^3", "car*", "c?rt", "(cart", "cart)", "/cart/",
    "[a TO z]", "x' OR '1'='1", "'; DROP TABLE chunks; --", "=Cart", "\u202ecart",
    "\ufb01 \u01c5 \u0130", "\uff11\uff12", "\U0001d518", "a\u0301" * 500,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query[:16]))
def test_any_query_is_answered(searcher: Searcher, query: str) -> None:
    version = searcher.store.version()
    for hits in (
        searcher.search(query),
        searcher.similar(query, 5),
        searcher.definitions([query]),
        searcher.definitions(query.split()),
        searcher.callers(query),
    ):
        assert all(hit.path in FILES for hit in hits)
    if not any(c.isalnum() for c in query):
        assert searcher.search(query) == []
    assert searcher.store.version() == version


def test_operators_are_words_like_any_other(searcher: Searcher) -> None:
    plain = [hit.path for hit in searcher.search("cart total price")]
    assert [hit.path for hit in searcher.search('+cart* "total" -price~')] == plain


def test_any_number_of_answers(searcher: Searcher) -> None:
    assert searcher.search("cart", 0) == searcher.search("cart", -5) == []
    assert len(searcher.search("cart", 1)) == 1
    many = searcher.search("cart", 10**12)
    assert len(many) == len({(hit.path, hit.start) for hit in many})
    assert searcher.definitions(["Cart"], 0) == searcher.callers("Cart", 0) == []
    assert searcher.definitions(["Cart"], 10**6)


# --- the facade: damage is mended behind the back of who asks


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[CodeIndex]:
    for path, content in FILES.items():
        put(tmp_path / "project", path, content)
    async with CodeIndex(tmp_path / "project", tmp_path / "index") as index:
        yield index


async def test_before_it_is_open_every_answer_is_empty(index: CodeIndex) -> None:
    assert await index.search("cart") == await index.symbols("cart") == []
    assert await index.similar("cart") == await index.definitions(["cart"]) == await index.callers("cart") == []


async def test_after_it_was_closed_too(index: CodeIndex) -> None:
    await index.update()
    assert await index.search("cart")
    await index.close()
    assert await index.search("cart") == await index.symbols("cart") == []


@pytest.mark.parametrize("pattern", ["data/*.lance", "_indices/*/*.lance", "_versions/*.manifest"])
async def test_damage_is_mended_and_never_raised(index: CodeIndex, tmp_path: Path, pattern: str) -> None:
    await index.update()
    expected = await index.symbols("cart")
    await index.close()
    for place in (tmp_path / "index" / "chunks.lance").glob(pattern):
        place.write_bytes(random.Random(0).randbytes(500))
    async with CodeIndex(index.root, tmp_path / "index") as again:
        await again.open()
        await asyncio.gather(*(again.search(query) for query in ("cart", "price", "compute_total_price")))
        await again.settled()
        await again.update()
        assert (await again.search("compute_total_price"))[0].path == "shop/cart.py"
        assert await again.symbols("cart") == expected


async def test_an_index_that_disappears_while_it_is_open_is_made_again(index: CodeIndex, tmp_path: Path) -> None:
    await index.update()
    shutil.rmtree(tmp_path / "index" / "chunks.lance")
    await index.search("compute_total_price")
    await index.settled()
    put(index.root, "new.py", function("brand_new"))
    await index.update()
    assert (await index.search("compute_total_price"))[0].path == "shop/cart.py"
    assert [symbol.name for symbol in await index.symbols("brand_new")] == ["brand_new"]


async def test_many_searches_while_the_index_is_made_anew(index: CodeIndex, tmp_path: Path) -> None:
    await index.update()
    damaged = index._store
    stop = asyncio.Event()

    async def ask() -> int:
        answers = 0
        while not stop.is_set():
            await asyncio.sleep(0)
            answers += len(await index.search("cart")) + len(await index.symbols("cart"))
        return answers

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    await asyncio.gather(index._make_anew(damaged), index._make_anew(damaged))
    await asyncio.gather(index.update(), index.update())
    stop.set()
    await asyncio.gather(*asking)
    assert (await index.search("compute_total_price"))[0].path == "shop/cart.py"
    assert (await index.size()).files == len(FILES)


async def test_a_file_that_is_gone_is_found_by_no_look_up(index: CodeIndex) -> None:
    await index.update()
    assert await index.search("compute_total_price")
    for path in index.root.rglob("*.py"):
        path.unlink()
    await index.update()
    assert [hit.path for hit in await index.search("compute_total_price") if hit.path.endswith(".py")] == []
    assert await index.definitions(["compute_total_price"]) == await index.callers("compute_total_price") == []


async def test_what_was_read_is_counted(index: CodeIndex) -> None:
    assert (await index.update()).bytes_read > 0
    assert (await index.update()).bytes_read == 0
    (index.root / "more.py").write_text("answer = 42\n")
    assert (await index.update()).bytes_read == len("answer = 42\n")
