"""Definitions written whole, put into a file by their names."""

from __future__ import annotations

import pytest

from zicoder.agents.edits.by_name import with_definitions
from zicoder.agents.edits.document import Document
from zicoder.agents.edits.proposing import propose
from zicoder.agents.edits.reader import parse

SHOP = '''"""Shop."""

import math

LIMIT = 3


def total(items):
    return sum(items)


class Cart:
    """A cart."""

    size = 0

    def add(self, item):
        self.size += 1

    @property
    def empty(self):
        return not self.size


def close():
    pass
'''


def put(content: str, text: str = SHOP, language: str = "python") -> str | None:
    made = with_definitions(Document.of(text), content.split("\n"), language)
    return None if made is None else made.text


def test_a_function_of_the_same_name_is_replaced() -> None:
    assert put("def total(items):\n    return math.fsum(items)\n") == SHOP.replace("sum(items)", "math.fsum(items)")


def test_a_new_one_stands_behind_the_one_it_was_written_behind() -> None:
    after = put("def total(items):\n    return sum(items)\n\n\ndef mean(items):\n    return total(items) / len(items)")
    assert after == SHOP.replace(
        "    return sum(items)\n",
        "    return sum(items)\n\n\ndef mean(items):\n    return total(items) / len(items)\n",
    )


def test_a_new_one_alone_comes_to_the_end() -> None:
    assert put("def mean(items):\n    return 0") == SHOP + "\n\ndef mean(items):\n    return 0\n"


def test_a_method_finds_its_class() -> None:
    after = put(
        "class Cart:\n    def add(self, item):\n        self.size += 2\n\n    def clear(self):\n        self.size = 0"
    )
    assert after is not None
    assert "self.size += 2\n\n    def clear(self):\n        self.size = 0\n\n    @property" in after
    assert "size = 0\n\n    def add" in after, "what was not written stays"
    assert "@property" in after


def test_a_method_without_its_class_finds_its_place() -> None:
    after = put("def add(self, item):\n    self.size += 5")
    assert after == SHOP.replace("        self.size += 1", "        self.size += 5")


def test_imports_come_along() -> None:
    after = put("import re\nimport math\n\ndef close():\n    re.purge()")
    assert after == SHOP.replace("import math\n", "import math\nimport re\n").replace("    pass", "    re.purge()")


@pytest.mark.parametrize(
    "content",
    ["print('hello')\n\ndef total(items):\n    return 0", "LIMIT = 4", "", "no code at all ("],
    ids=["code of its own", "no definition", "nothing", "prose"],
)
def test_anything_else_is_left_to_others(content: str) -> None:
    assert put(content) is None


def test_a_name_that_is_defined_twice_is_not_guessed() -> None:
    twice = "class A:\n    def go(self):\n        pass\n\n\nclass B:\n    def go(self):\n        pass\n"
    assert put("def go(self):\n    return 1", twice) is None


def test_line_ends_stay() -> None:
    after = put("def close():\n    return 1\n", SHOP.replace("\n", "\r\n"))
    assert after == SHOP.replace("    pass", "    return 1").replace("\n", "\r\n")


def test_another_language() -> None:
    text = "export function a(): number {\n  return 1;\n}\n\nexport class B {\n  go() {\n    return 1;\n  }\n}\n"
    after = put("export function a(): number {\n  return 2;\n}", text, "typescript")
    assert after == text.replace("  return 1;\n}\n\nexport class", "  return 2;\n}\n\nexport class")


def test_an_answer_with_a_place_and_a_fence_is_an_edit() -> None:
    answer = (
        "I add it.\n\nshop.py:7-9\n```python\ndef total(items):\n    return 0\n\n\ndef tax(x):\n    return x\n```\n"
    )
    proposal, remarks = propose(parse(answer), {"shop.py": SHOP}.get, files=["shop.py"])
    assert not [each for each in remarks if each.is_problem]
    assert proposal.files[0].after == SHOP.replace(
        "    return sum(items)\n", "    return 0\n\n\ndef tax(x):\n    return x\n"
    )


def test_a_new_file_in_several_fences_is_one_file() -> None:
    answer = (
        "new.py:1-2\n```python\nclass A:\n    x = 1\n```\n"
        "\nnew.py:4-5\n```python\n    def go(self):\n        pass\n```\n"
        "\nnew.py\n```python\ndef f():\n    pass\n```\n"
    )
    proposal, remarks = propose(parse(answer), {"shop.py": SHOP}.get, files=["shop.py"])
    assert not [each for each in remarks if each.is_problem]
    assert proposal.files[0].after == (
        "class A:\n    x = 1\n\n    def go(self):\n        pass\n\n\ndef f():\n    pass\n"
    )
