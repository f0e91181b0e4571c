"""Tests of a piece of code are found by its name, and pytest's output is read for what matters."""

from __future__ import annotations

import pytest

from zicoder.commands.failing import condensed, failing_ids, failing_source, is_test, related_tests

OUTPUT = """\
F.                                                                       [100%]
=================================== FAILURES ===================================
__________________________________ test_least __________________________________

    def test_least():
        values = [3, 1]
>       assert least(*values) == 1

tests/test_calc.py:6:\x20
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def least(a, b):
>       return a if a > b else missing
E       NameError: name 'missing' is not defined

calc.py:2: NameError
__________________________________ test_other __________________________________
E       assert False
=========================== short test summary info ============================
FAILED tests/test_calc.py::test_least - NameError: name 'missing' is not defined
FAILED tests/test_calc.py::TestMore::test_other - assert False
"""


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("tests/test_a.py", True),
        ("a_test.go", True),
        ("src/a.spec.ts", True),
        ("tests.py", True),
        ("a.test.js", True),
        ("testing.py", False),
        ("src/contest.py", False),
    ],
)
def test_a_file_of_tests_is_known_by_its_name(path: str, answer: bool) -> None:
    assert is_test(path) is answer


def test_files_that_mention_the_name_are_found_the_likeliest_first() -> None:
    files = {
        "calc.py": "def least(): ...",
        "tests/test_other.py": "least least",
        "tests/test_calc.py": "least",
        "tests/test_none.py": "leastwise",
        "tests/test_secret.py": None,
        "tests/calc.test.js": "least",
    }
    found = ("tests/test_calc.py", "tests/test_other.py")
    assert related_tests(["least"], "calc.py", files, files.get) == found
    assert related_tests(["inner", "least"], "calc.py", files, files.get) == found
    assert related_tests(["inner"], "calc.py", files, files.get) == ("tests/test_calc.py",)
    assert related_tests(["inner"], "more.py", files, files.get) == ()


def test_the_tests_that_failed_are_named() -> None:
    assert failing_ids(OUTPUT) == ("tests/test_calc.py::test_least", "tests/test_calc.py::TestMore::test_other")


def test_the_first_failure_is_the_test_and_what_was_wrong() -> None:
    text = condensed(OUTPUT)
    assert "assert least(*values) == 1" in text
    assert "NameError: name 'missing' is not defined" in text
    assert "a if a > b" not in text
    assert "test_other" not in text


def test_the_tests_own_lines_are_code() -> None:
    assert failing_source(OUTPUT).split("\n")[-1] == "        assert least(*values) == 1"


def test_output_that_is_not_understood_is_shown_from_its_end() -> None:
    assert condensed("x" * 9_000 + "the end").endswith("the end")
    assert len(condensed("x" * 9_000)) < 2_000
    assert failing_source("no") == ""
    assert failing_ids("ok 1\nnot ok 2") == ()
