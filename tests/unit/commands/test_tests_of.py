"""Where the tests of a file belong, by the names of the project's files."""

from __future__ import annotations

import pytest

from zicoder.commands.tests_of import Home, home_of


@pytest.mark.parametrize(
    ("path", "others", "home"),
    [
        ("shop/cart.py", ["tests/test_cart.py", "tests/test_till.py"], Home("tests/test_cart.py", False, "")),
        ("shop/cart.py", ["tests/test_till.py"], Home("tests/test_cart.py", True, "tests/test_till.py")),
        ("shop/cart.py", ["tests/till_test.py"], Home("tests/cart_test.py", True, "tests/till_test.py")),
        ("shop/cart.py", ["shop/till.py", "shop/test_till.py"], Home("shop/test_cart.py", True, "shop/test_till.py")),
        ("shop/_cart.py", ["conftest.py", "tests/conftest.py", "test.py"], Home("tests/test_cart.py", True, "")),
        ("src/cart.ts", [], Home("src/cart.test.ts", True, "")),
        ("src/cart.ts", ["src/till.ts", "src/till.spec.ts"], Home("src/cart.spec.ts", True, "src/till.spec.ts")),
        ("src/cart.ts", ["test/till.test.ts"], Home("test/cart.test.ts", True, "test/till.test.ts")),
        ("src/cart.ts", ["tests/test_cart.py"], Home("src/cart.test.ts", True, "")),
        ("cart/cart.go", [], Home("cart/cart_test.go", True, "")),
        ("src/main/java/shop/Cart.java", [], Home("src/test/java/shop/CartTest.java", True, "")),
        ("src/main/a/Cart.java", ["src/test/a/CartTest.java"], Home("src/test/a/CartTest.java", False, "")),
        ("lib/cart.rb", [], Home("test/test_cart.rb", True, "")),
        ("tests/test_cart.py", [], Home("tests/test_cart.py", False, "")),
    ],
)  # fmt: skip
def test_a_home_is_found(path: str, others: list[str], home: Home) -> None:
    assert home_of(path, (), [path, *others]) == home


def test_of_two_files_with_the_name_the_one_that_mentions_the_code_counts() -> None:
    paths = ["a/cart.py", "tests/a/test_cart.py", "tests/b/test_cart.py"]
    assert home_of("a/cart.py", ["tests/b/test_cart.py"], paths) == Home("tests/b/test_cart.py", False, "")
    assert home_of("a/cart.py", [], paths) == Home("tests/a/test_cart.py", False, "")


def test_a_language_without_files_of_tests_has_no_home() -> None:
    assert home_of("src/lib.rs", (), ["src/lib.rs"]) is None
    assert home_of("query.sql", (), []) is None
