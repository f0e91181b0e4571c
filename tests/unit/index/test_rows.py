"""Rows kept in memory: those of the table, whatever was written to it since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.index import rows as module
from zicoder.index.rows import FEW, Block, Rows, Source, State

DIMENSION = 4


def outside(table: Any, paths: Sequence[str]) -> Any:
    return np.flatnonzero([path not in paths for path in table["path"].to_pylist()])


class Table:
    """Rows by id, each id's number in its columns; counts how rows were asked for."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        self.commit = 0
        self.name = ""
        self.asked: list[int | None] = []
        source = Source(
            lambda: State(self.name, self.commit), lambda: np.asarray(self.ids, np.uint64), self.read,
            pa.concat_tables, outside, ("id", "path"),
        )  # fmt: skip
        self.rows = Rows(source, DIMENSION)

    def read(self, ids: Sequence[int] | None, columns: Sequence[str]) -> Any:
        self.asked.append(None if ids is None else len(ids))
        wanted = self.ids if ids is None else [row for row in ids if row in self.ids]
        flat = np.repeat(np.asarray([1 + row % 100 for row in wanted], np.int8), DIMENSION)
        every = {
            "id": pa.array([f"row {row}" for row in wanted], pa.string()),
            "path": pa.array([f"{self.name}{row % 5}" for row in wanted], pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), DIMENSION),
        }
        return pa.table({"_rowid": pa.array(wanted, pa.uint64()), **{name: every[name] for name in columns}})

    def write(self, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        self.commit += 1


def shown(block: Block) -> dict[int, str]:
    """What each row of a block says; its vector must be the row's, too."""
    records = block.records(np.arange(len(block.ids)))
    assert block.vectors.matrix[:, 0].tolist() == [1 + row % 100 for row in block.ids.tolist()]
    assert block.vectors.scales.shape == block.ids.shape
    return dict(zip(block.ids.tolist(), (record[0] for record in records if record), strict=True))


def expected(ids: Sequence[int]) -> dict[int, str]:
    return {row: f"row {row}" for row in sorted(ids)}


@given(st.lists(st.lists(st.integers(0, 40), unique=True), max_size=6))
def test_a_block_equals_the_table_after_any_commits(commits: list[list[int]]) -> None:
    table = Table([])
    for ids in commits:
        table.write(ids)
        assert shown(table.rows.block()) == expected(ids)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sets(st.integers(0, 4), max_size=2), st.integers(0, 700)), max_size=5))
def test_a_block_follows_commits_that_it_is_told_of(commits: list[tuple[set[int], int]]) -> None:
    table = Table(range(20))
    table.rows.block()
    for gone, many in commits:
        before = State("", table.commit)
        last = max(table.ids, default=0)
        new = list(range(last + 1, last + 1 + many))
        table.write([*(row for row in table.ids if row % 5 not in gone), *new])
        read = (lambda: table.read(new, ("id", "path", "vector"))) if new else None  # noqa: B023 - called at once
        table.rows.follow(before, State("", table.commit), [str(path) for path in gone], read)
        assert shown(table.rows.block()) == expected(table.ids)


def test_only_new_rows_are_fetched() -> None:
    table = Table(range(10))
    table.rows.block()
    table.rows.block()
    table.write([*range(1, 10), 12, 11])
    assert shown(table.rows.block()) == expected([*range(1, 10), 11, 12])
    table.write(range(FEW + 30))
    table.rows.block()
    assert table.asked == [None, 2, None]


def test_a_row_that_a_look_up_found_before_its_commit_was_known_is_asked_for() -> None:
    table = Table(range(3))
    table.rows.block()
    table.ids.append(7)
    assert 7 in shown(table.rows.block(having=np.asarray([2, 7], np.uint64)))


def test_a_table_that_was_made_anew_is_read_anew() -> None:
    table = Table(range(3))
    table.rows.block()
    table.name = "another"
    assert table.rows.block().records(np.asarray([1])) == [("row 1", "another1")]


def test_of_a_large_table_columns_are_fetched_for_each_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    table = Table(range(4))
    table.rows.block()
    for ids in (range(8), range(1, 9), range(2)):
        table.write(ids)
        assert shown(table.rows.block()) == expected(ids)
    table.write(range(8))
    block = table.rows.block()
    table.write(range(1, 8))
    assert block.records(np.asarray([0, 3])) == [(), ("row 3", "3")]
