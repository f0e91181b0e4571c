"""Tests as a model wrote them: taken apart, put right, and put into a file."""

from __future__ import annotations

import pytest

from zicoder.commands.written_tests import (
    Subject,
    checks_in,
    joined,
    merged,
    names_of_tests,
    split,
    tidied,
    with_only,
    without,
)

GOOD = "from shop.cart import total\n\n\ndef test_a():\n    assert total([]) == 0\n"
CART = Subject("shop.cart", frozenset({"Cart", "total", "limit"}))


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "def test_a():\n    assert total([]) == 0\n",
            "from shop.cart import total\n\n\ndef test_a():\n    assert total([]) == 0\n",
        ),
        (
            "from your_module import total\n\ndef test_a():\n    with pytest.raises(TypeError):\n        total()\n",
            "import pytest\nfrom shop.cart import total\n\n\n"
            "def test_a():\n    with pytest.raises(TypeError):\n        total()\n",
        ),
        (
            "import pytest\n\ndef total(x):\n    return sum(x)\n\ndef test_a():\n    assert total([1]) == 1\n",
            "import pytest\nfrom shop.cart import total\n\n\ndef test_a():\n    assert total([1]) == 1\n",
        ),
        (
            "import cart\n\n\ndef test_a():\n    assert cart.total([]) == 0\n",
            "from shop import cart\n\n\ndef test_a():\n    assert cart.total([]) == 0\n",
        ),
        (
            f'{GOOD}\n\nif __name__ == "__main__":\n    test_a()\n',
            GOOD,
        ),
        (
            f"{GOOD}\n\ndef test_b():\n    assert tot(",
            GOOD,
        ),
        (
            "from shop.cart import total\n\n\ndef test_a():\n    assert total([]) == 0\n    assert total([]) == 0\n"
            "    assert total\n",
            "from shop.cart import total\n\n\ndef test_a():\n    assert total([]) == 0\n",
        ),
        (
            '"""Tests."""\n\ndef test_a():\n    assert Cart()\n',
            '"""Tests."""\n\nfrom shop.cart import Cart\n\n\ndef test_a():\n    assert Cart()\n',
        ),
        ("def total(x):\n    return 1\n", ""),
        ("this is no Python", ""),
        ("", ""),
    ],
    ids=[
        "import", "wrong module", "pasted code", "module", "program", "broken off", "twins", "docstring", "no test",
        "prose", "nothing",
    ],
)  # fmt: skip
def test_an_answer_is_put_right(code: str, wanted: str) -> None:
    assert tidied(code, CART) == wanted


SUITE = (
    "import unittest\n\n\nclass TestCart(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, 1)\n\n"
    "    def test_b(self):\n        x = 2\n        self.assertEqual(x, 2)\n        self.assertEqual(x, 3)\n\n\n"
    "def test_c():\n    assert True == 1\n"
)


def test_tests_are_named_as_pytest_names_them() -> None:
    assert names_of_tests(SUITE) == ("TestCart::test_a", "TestCart::test_b", "test_c")
    assert names_of_tests("def (") == ()


def test_tests_are_taken_out() -> None:
    assert names_of_tests(without(SUITE, ["TestCart::test_a"])) == ("TestCart::test_b", "test_c")
    gone = without(SUITE, ["TestCart::test_a", "TestCart::test_b"])
    assert "class TestCart" not in gone
    assert names_of_tests(gone) == ("test_c",)


def test_a_test_is_taken_apart_into_its_checks_and_keeps_those_that_are_good() -> None:
    apart, parts = split(SUITE, ["TestCart::test_b", "test_c"])
    assert names_of_tests(apart) == (
        "TestCart::test_a", "TestCart::test_b_check_0", "TestCart::test_b_check_1", "test_c",
    )  # fmt: skip
    assert parts == {
        "TestCart::test_b_check_0": ("TestCart::test_b", 0),
        "TestCart::test_b_check_1": ("TestCart::test_b", 1),
    }
    assert apart.count("x = 2") == 2
    assert checks_in(SUITE, "TestCart::test_b") == ("self.assertEqual(x, 2)", "self.assertEqual(x, 3)")
    assert "self.assertEqual(x, 3)" not in with_only(SUITE, "TestCart::test_b", [0])
    compile(apart, "apart", "exec")


def test_checks_that_share_a_line_are_left_together() -> None:
    code = "def test_a():\n    assert 1; assert 0\n"
    assert checks_in(code, "test_a") == ()
    assert split(code, ["test_a"]) == (code, {})


def test_new_tests_come_to_the_end_of_a_file_and_their_imports_to_its_top() -> None:
    old = '"""Old."""\n\nimport os\n\n\ndef test_a():\n    assert os\n'
    new = "import os\nimport re\n\n\ndef test_a():\n    assert re\n\n\ndef test_b():\n    assert re.escape\n"
    after = merged(old, new)
    assert after == (
        '"""Old."""\n\nimport os\nimport re\n\n\ndef test_a():\n    assert os\n\n\ndef test_a_2():\n    assert re\n\n\n'
        "def test_b():\n    assert re.escape\n"
    )
    assert merged(after, "def test_b():\n    assert re.escape\n") == after


def test_of_two_tests_with_one_name_the_new_one_counts() -> None:
    kept = "def test_a():\n    assert 1\n\n\ndef test_b():\n    assert 2\n"
    after = joined(kept, "def test_b():\n    assert 3\n")
    assert names_of_tests(after) == ("test_a", "test_b")
    assert "assert 3" in after
    assert "assert 2" not in after
