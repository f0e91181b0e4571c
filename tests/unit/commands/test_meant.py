"""What of an answer is meant for a region: the answers are those that small models really give."""

from __future__ import annotations

import textwrap

import pytest

from zicoder.commands.docstrings import bare, with_each
from zicoder.commands.meant import beginning, documented, meant
from zicoder.commands.region import Region

CART = '''
"""A cart."""

from shop.prices import with_tax


class Cart:
    def remove(self, name):
        for index, item in enumerate(self.items):  # noqa: B909
            if item.name == name:
                del self.items[index]
                return True
        return False

    def total(self, country="DE"):
        total = 0
        for i in range(len(self.items)):
            total = total + self.items[i].price
        return with_tax(total, country)


def cheapest(carts):
    return min(carts, key=Cart.total)
'''.lstrip()
SHAPE = """
export class Circle {
  constructor(private radius: number) {}

  // old words
  area(): number {
    return Math.PI * this.radius ** 2;
  }
}

export function unit(): Circle {
  return new Circle(1);
}
""".lstrip()


def region(text: str, first: str, last: str, language: str = "python") -> Region:
    lines = text.split("\n")
    start = next(row for row, line in enumerate(lines) if first in line)
    end = next(row for row, line in enumerate(lines) if row >= start and last in line)
    name = "shop/cart.py" if language == "python" else "shape.ts"
    return Region(name, start, end, "\n".join(lines[start : end + 1]), language)


REMOVE = region(CART, "def remove", "return False")
TOTAL = region(CART, "def total", "return with_tax")


def test_a_method_is_taken_out_of_the_class_that_was_written_around_it() -> None:
    answer = (
        "class Discount:\n    def applied_to(self, amount):\n        return amount\n\n\nclass Cart:\n"
        '    def total(self, country="DE"):\n        return with_tax(sum(i.price for i in self.items), country)\n'
    )
    made = meant(TOTAL, answer, CART, keeps_parameters=True)
    assert made.code == 'def total(self, country="DE"):\n    return with_tax(sum(i.price for i in self.items), country)'
    assert not made.imports
    assert made.note == "Only `total` is taken from the answer."


def test_what_it_needs_comes_along() -> None:
    answer = (
        "import os\nfrom operator import attrgetter\n\ndef unused():\n    pass\n\ndef _total(cart):\n"
        "    return cart.total()\n\ndef cheapest(carts):\n    attrgetter\n    return min(carts, key=_total)\n"
    )
    made = meant(region(CART, "def cheapest", "return min"), answer, CART)
    assert made.code.startswith("def _total(cart):\n    return cart.total()\n\ndef cheapest(carts):")
    assert made.imports == ("from operator import attrgetter",)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("def with_tax(amount):\n    return amount", "does not hold `total`"),
        ("def total(self):\n    return with_tax(0, 'DE')", "changes the parameters of `total`"),
        ('def total(self, country="DE"):\n    return taxed(0, country)', "uses `taxed`, which nothing defines"),
        ("class A:\n    def total(self): ...\nclass B:\n    def total(self): ...", "more than once"),
    ],
)
def test_what_cannot_be_meant_is_said(answer: str, reason: str) -> None:
    made = meant(TOTAL, answer, CART, keeps_parameters=True)
    assert reason in made.reason
    assert not made.code


def test_lines_that_are_no_definition_are_taken_as_they_are() -> None:
    some = region(CART, "total = 0", "total = 0")
    assert meant(some, "total = sum(())", CART).code == "total = sum(())"


def test_a_method_alone_is_taken_where_the_grammar_needs_its_class() -> None:
    area = region(SHAPE, "// old words", "  }", "typescript")
    alone = "area(): number {\n  return 3 * this.radius ** 2;\n}"
    assert meant(area, alone, SHAPE).code == alone
    inside = meant(area, f"class Circle {{\n{textwrap.indent(alone, '  ')}\n}}", SHAPE)
    assert inside.code == alone


def test_documentation_changes_no_code() -> None:
    answer = (
        'def remove(self, name):\n    """Remove an item.\n\n    Returns:\n        Whether there was one.\n    """\n'
        '    raise ValueError(f"{name} is not there")\n'
    )
    made = documented(REMOVE, answer, CART)
    assert made.note
    assert not documented(REMOVE, answer.replace("raise", "...  # raise"), CART).note
    kept = textwrap.dedent(REMOVE.text).split("\n")
    assert made.code.split("\n") == [
        kept[0], '    """Remove an item.', "", "    Returns:", "        Whether there was one.", '    """', *kept[1:],
    ]  # fmt: skip


def test_errors_that_the_code_does_not_know_are_not_documented() -> None:
    google = (
        'def remove(self, name):\n    """Remove an item.\n\n    Args:\n        name: of the item\n\n    Raises:\n'
        '        ValueError: If the item\n            is not there.\n\n    Note:\n        None.\n    """\n'
    )
    assert documented(REMOVE, google, CART).code.split("\n")[1:9] == [
        '    """Remove an item.', "", "    Args:", "        name: of the item", "",
        "    Note:", "        None.", '    """',
    ]  # fmt: skip
    fields = 'def remove(self, name):\n    """Remove.\n\n    :param name: of it\n    :raises KeyError: never\n    """\n'
    assert "KeyError" not in documented(REMOVE, fields, CART).code
    raising = CART.replace("        return False", "        raise KeyError(name)")
    assert "KeyError" in documented(region(raising, "def remove", "raise KeyError"), fields, raising).code


def test_docstrings_are_found_by_name_wherever_they_were_written() -> None:
    cart = region(CART, "class Cart", "return with_tax")
    answer = 'class ShoppingCart:\n    def remove(self, name):\n        """Take \\\\d out."""\n        ...\n'
    made = documented(cart, answer, CART)
    assert '        """Take \\\\d out."""\n        for index' in made.code
    assert made.code.count('"""') == 2
    again = Region(cart.path, cart.first, cart.last, made.code, "python")
    other = documented(again, 'def remove(self, name):\n    """Say "no"."""', CART.replace(cart.text, made.code))
    assert '"""Say "no"."""' in other.code
    assert other.code.count('"""') == 2


def test_a_bare_docstring_is_the_functions() -> None:
    assert '"""Empty it."""' in documented(REMOVE, '"""Empty it."""', CART).code


def test_an_answer_without_documentation_is_refused() -> None:
    assert documented(REMOVE, "def remove(self, name):\n    return False", CART).reason
    assert documented(REMOVE, "def remove(self, name", CART).reason


def test_a_comment_is_documentation_where_the_language_has_no_other() -> None:
    area = region(SHAPE, "// old words", "  }", "typescript")
    answer = "class Circle {\n  /**\n   * The area.\n   */\n  area() {\n    return 3;\n  }\n}"
    made = documented(area, answer, SHAPE)
    assert made.code == (
        "  /**\n   * The area.\n   */\n  area(): number {\n    return Math.PI * this.radius ** 2;\n  }"
    )
    unit = region(SHAPE, "export function", "}", "typescript")
    good = "/** A circle. */\nexport function unit(): Circle {\n  return new Circle(1);\n}"
    assert documented(unit, good, SHAPE).code == good
    assert "not document" in documented(unit, good.split("\n", 1)[1].replace("1", "2"), SHAPE).reason


def test_an_answer_begins_with_what_is_certain() -> None:
    assert beginning(TOTAL, "name") == ("```python\n    def total", "")
    assert beginning(TOTAL, "head") == ('```python\n    def total(self, country="DE"):\n', "")
    assert beginning(TOTAL, "docstring") == (
        '```python\n    def total(self, country="DE"):\n        """', '"""',
    )  # fmt: skip
    cart = region(CART, "class Cart", "return with_tax")
    assert beginning(cart, "docstring") == ('```python\nclass Cart:\n    """', "")
    assert beginning(region(CART, "total = 0", "total = 0"), "head") == ("", "")
    unit = region(SHAPE, "export function", "}", "typescript")
    assert beginning(unit, "head") == ("```typescript\nexport function unit", "")
    assert beginning(unit, "docstring") == ("", "")


def test_a_body_on_the_line_of_its_head_is_no_beginning() -> None:
    text = "def f(): return 1\n"
    one = Region("a.py", 0, 0, text.rstrip(), "python")
    assert beginning(one, "head") == ("```python\ndef f", "")
    assert beginning(one, "docstring") == ("", "")


def test_the_parts_of_a_class_are_documented_one_by_one() -> None:
    cart = region(CART, "class Cart", "return with_tax")
    parts = bare(cart)
    assert [part.text.split("\n")[0].strip() for part in parts] == [
        "class Cart:", "def remove(self, name):", 'def total(self, country="DE"):',
    ]  # fmt: skip
    answers = {
        parts[0].first: 'class Cart:\n    """What is bought."""',
        parts[1].first: "    def remove(self, name:",
        parts[
            2
        ].first: f'    {TOTAL.text.split(chr(10))[0].strip()}\n        """Say what to pay.\n\n        With taxes."""',
    }
    made = with_each(cart, answers)
    assert made.startswith('class Cart:\n    """What is bought."""\n    def remove(self, name):\n        for index')
    assert '        """Say what to pay.\n\n        With taxes.\n        """\n        total = 0' in made
    documented_now = Region(cart.path, 0, made.count("\n"), made, "python")
    assert [part.text.split("\n")[0].strip() for part in bare(documented_now)] == ["def remove(self, name):"]
