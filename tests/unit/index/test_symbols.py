"""Names while they are typed: exact, by prefix, by humps, then anywhere inside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.index.symbols import Symbol, SymbolTable, placed

NAMES = [
    "getUserName", "get_user_name", "get", "getUser", "forget", "target_get", "User", "HTTPServer", "gun", "begun",
    "begin_unit_named", "__init__", "x", "Übergröße", "名前",
]  # fmt: skip


def symbol(name: str, qualified: str = "", path: str = "a.py", line: int = 0) -> Symbol:
    return Symbol(name, qualified or name, "function", path, line)


TABLE = SymbolTable(symbol(name) for name in NAMES)


def names(query: str, limit: int = 100, table: SymbolTable = TABLE) -> list[str]:
    return [found.name for found in table.find(query, limit)]


def test_exact_then_prefix_then_inside() -> None:
    found = names("get")
    assert found[0] == "get"
    assert found[1] == "getUser", "of those that begin so the shortest"
    assert set(found[1:4]) == {"getUser", "getUserName", "get_user_name"}
    assert set(found[4:]) == {"forget", "target_get"}


def test_humps() -> None:
    for query in ("gUN", "GUN", "getUN", "gUserN", "getUserNa"):
        assert {"getUserName", "get_user_name"} <= set(names(query)), query
    found = names("gun")
    assert found[0] == "gun"
    assert found.index("getUserName") < found.index("begun"), "humps before anywhere inside"
    assert "HTTPServer" in names("HS")
    assert "begin_unit_named" not in names("gUN"), "the first letter begins the name"


@pytest.mark.parametrize("query", ["get_", "get_u", "GET_USER"])
def test_underscores_are_part_of_what_is_typed(query: str) -> None:
    assert names(query)[0] == "get_user_name"


def test_a_dot_asks_for_the_enclosing_scope() -> None:
    table = SymbolTable(
        [symbol("get", "A.get"), symbol("get", "B.get"), symbol("get"), symbol("get_all", "pkg.A.get_all")]
    )
    assert [found.qualified for found in table.find("A.get")] == ["A.get", "pkg.A.get_all"]
    assert [found.qualified for found in table.find("a::get")] == ["A.get", "pkg.A.get_all"]
    assert [found.qualified for found in table.find("B.g")] == ["B.get"]
    assert table.find("C.get") == table.find("A.") == []


def test_letters_of_any_script() -> None:
    assert names("über") == ["Übergröße"]
    assert names("名") == ["名前"]


def test_the_limit_cuts_the_worst() -> None:
    table = SymbolTable(symbol(f"name{n}") for n in range(500))
    assert len(names("name", 10, table)) == 10
    assert names("name7", 1, table) == ["name7"]
    assert names("name", 0, table) == []


@pytest.mark.parametrize(
    "query", ["", " ", ".", "::", "...", "\0", "\n", "(", "[a-z", "*", "\\", "^$", "\ud83d", "a\nb"]
)
def test_what_is_no_name_finds_nothing(query: str) -> None:
    assert names(query) == []
    assert SymbolTable(()).find(query) == SymbolTable(()).find("get") == []


def test_a_hostile_query_takes_no_time() -> None:
    table = SymbolTable(symbol("a" * 200 + f"b{n}") for n in range(300))
    for query in ("a" * 5000, "aA" * 500, "a_" * 500, "a.b" * 500, "aAaAaAaAaAaAaAaAaAx"):
        table.find(query)


def test_line_ends_in_a_name_do_not_shift_the_others() -> None:
    table = SymbolTable([symbol("one\ntwo"), symbol("three")])
    assert names("three", table=table) == ["three"]


def test_a_name_inside_a_chunk_gets_its_own_line() -> None:
    inside = Symbol("LIMIT", "LIMIT", "module", "a.py", 10, row=7)
    [found] = placed([inside], lambda rows: ["import re\n\nMAX_LIMIT = 1\nLIMIT = 2\n" for _ in rows])
    assert (found.line, found.row) == (13, None)
    [gone] = placed([inside], lambda rows: ["" for _ in rows])
    assert gone.line == 10


@given(st.lists(st.text(max_size=12), max_size=20), st.text(max_size=8))
def test_every_name_that_begins_with_the_query_is_found(every: list[str], query: str) -> None:
    table = SymbolTable(symbol(name) for name in every)
    found = names(query, 1000, table)
    assert len(found) <= len(every)
    name = query.strip().replace("::", ".")
    if name and "." not in name and "\n" not in name:
        assert {n for n in every if n.lower().startswith(name.lower()) and "\n" not in n} <= set(found)
