"""What is read off the lines around a cursor, in any language and in hostile text."""

from __future__ import annotations

import pytest

from zicoder.context.place import Place
from zicoder.text import Snapshot


def at(marked: str) -> Place:
    offset = marked.index("¦")
    return Place.at(Snapshot(uri="file:///a", text=marked.replace("¦", "")), offset, "a.py")


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("from shop.cart import Cart, Line as Row\nx¦", {"Cart": "shop.cart", "Line": "shop.cart", "Row": "shop.cart"}),
        ("from .cart import (\n    Cart,\n    Line,\n)\nx¦", {"Cart": ".cart", "Line": ".cart"}),
        ("import { Cart, type Line } from './cart'\nx¦", {"Cart": "./cart", "Line": "./cart"}),
        ("import Cart, {\n  Line,\n} from './cart'\nx¦", {"Cart": "./cart", "Line": "./cart"}),
        ("const { Cart, Line } = require('./cart');\nx¦", {"Cart": "./cart", "Line": "./cart"}),
        ("var cart = require('./cart');\nx¦", {"cart": "./cart"}),
        ("import com.shop.Cart;\nx¦", {"Cart": "com.shop.Cart"}),
        ("use crate::shop::{Cart};\nx¦", {"Cart": "crate::shop::{Cart}"}),
    ],
)
def test_imported_names_and_their_modules(text: str, imported: dict[str, str]) -> None:
    assert imported.items() <= at(text).imported.items()


def test_imported_names_near_the_cursor_come_first_and_common_words_do_not_come() -> None:
    place = at(
        "from shop import Cart, Unused\n\n\ndef pay(cart):\n"
        '    """Take the money that the customer has in a purse."""\n'
        "    # money for nothing\n    for line in range(len(cart)):\n        checked = verify(line)\n"
        "        total = Cart(¦\n    return total\n"
    )
    assert place.names[0] == "Cart"
    assert {"verify", "checked", "Unused"} <= set(place.names)
    assert not {"for", "range", "len", "return", "customer", "money", "self"} & set(place.names)
    assert place.names.index("verify") < place.names.index("Unused")


def test_its_own_path_is_known_in_any_case() -> None:
    assert at("x¦").is_own("A.py")
    assert not at("x¦").is_own("b.py")


@pytest.mark.parametrize(
    "text",
    [
        "x" * (1 << 20),
        "name = value; " * 80_000,
        " ".join(f"name_{n}" for n in range(10_000)),
        "\n".join(f"name_{n} = other_{n}" for n in range(10_000)),
        "from a import (" * 50_000,
        "import {" * 50_000,
        "import a," * 50_000,
        "use a::{" * 50_000,
        "\ud800" * 1000,
        "",
    ],
)
def test_hostile_text_gives_a_small_answer(text: str) -> None:
    for offset in {0, len(text) // 2, len(text)}:
        place = Place.at(Snapshot(uri="file:///a", text=text), offset, "a.py")
        assert len(place.snippet) < 10_000
        assert len(place.names) <= 40
        assert len(place.imported) <= 160
