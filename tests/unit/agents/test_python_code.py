"""What a piece of Python says of itself, also when it is half of something."""

from __future__ import annotations

import pytest

from zicoder.agents.edits.python_code import definitions, fixed_lines, name_at, shape

METHOD = """\
    @cached
    def least(self, a,
              b):
        '''Least.

        Of two.
        '''
        return a"""


@pytest.mark.parametrize(
    ("code", "name"),
    [(METHOD, "least"), ("const least = (a) => a", "least"), ("func least() {}", "least"), ("x + 1", "")],
)
def test_the_first_name(code: str, name: str) -> None:
    assert name_at(code) == name


def test_definitions_are_those_at_the_top() -> None:
    assert definitions("def a():\n    def b(): ...\nclass C: ...") == {"a", "C"}
    assert definitions("def a(:") == frozenset()


def test_layout_and_comments_are_not_its_shape() -> None:
    assert shape("  x = 1 # one") == shape("x=1")
    assert shape("x = 1") != shape("x = 2")
    assert shape("if (") == shape("  if (")


def test_heads_and_docstrings_are_no_statements() -> None:
    assert fixed_lines(METHOD) == {1, 2, 3, 4, 5, 6}
    assert fixed_lines("half of (") == frozenset()
