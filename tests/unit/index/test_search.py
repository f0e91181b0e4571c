"""Search over a real index: what is asked for comes first, whatever is asked does no harm."""

from __future__ import annotations

import pytest
from indexed import EMBEDDER, SHOP, build

from zicoder.index.search import Scope, Searcher
from zicoder.index.unsaved import Unsaved


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    root = tmp_path_factory.mktemp("shop")
    store = build(root / "project", root / "index", SHOP)
    return Searcher(store, EMBEDDER, Unsaved(EMBEDDER.dimension))


# --- what is found


def test_a_name_finds_its_definition_first(searcher: Searcher) -> None:
    first = searcher.search("compute_total_price")[0]
    assert (first.path, first.qualified) == ("shop/cart.py", "Cart.compute_total_price")
    assert first.text.lstrip().startswith("def compute_total_price")
    assert SHOP["shop/cart.py"].split("\n")[first.start].strip() == "def compute_total_price(self):"


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
        lines = SHOP[hit.path].split("\n")
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
        assert all(hit.path in SHOP for hit in hits)
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
