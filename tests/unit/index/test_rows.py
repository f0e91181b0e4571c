"""Rows kept in memory: the same as fetched ones, whenever and however they came."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from zicoder.index.rows import FEW, Rows

DIMENSION = 4


class Table:
    """Rows `first` to `last` - 1 under ids of three times their number; counts what was asked."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.asked: list[int | None] = []
        self.read_all = threading.Event()

    def fetch(self, rows: Sequence[int] | None) -> Any:
        self.asked.append(None if rows is None else len(rows))
        numbers = range(self.last) if rows is None else [row // 3 for row in rows if row // 3 < self.last]
        flat = np.repeat(np.asarray(list(numbers), np.float16), DIMENSION)
        table = pa.table(
            {
                "_rowid": pa.array([number * 3 for number in numbers], pa.uint64()),
                "id": [f"row {number}" for number in numbers],
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), DIMENSION),
            }
        )
        if rows is None:
            self.read_all.set()
        return table


def rows_of(table: Table) -> Rows:
    return Rows(table.fetch, lambda: table.last, DIMENSION)


def test_rows_are_fetched_once() -> None:
    table = Table(10)
    rows = rows_of(table)
    assert rows.records([6, 0]) == {6: {"id": "row 2"}, 0: {"id": "row 0"}}
    assert rows.vectors([0, 6])[6].tolist() == [2.0] * DIMENSION
    assert table.asked == [2]


def test_rows_that_have_gone_are_left_out() -> None:
    rows = rows_of(Table(2))
    assert rows.records([3, 300]) == {3: {"id": "row 1"}}
    assert rows.vectors([300]) == {}
    assert rows.records([]) == {}


def test_all_rows_are_read_once_many_were_asked_for_and_new_ones_still_come() -> None:
    table = Table(FEW * 2)
    rows = rows_of(table)
    rows.records([3 * number for number in range(FEW)])
    assert table.read_all.wait(10)
    for thread in threading.enumerate():
        if thread.name == "zicoder-rows":
            thread.join(10)
    table.asked.clear()
    last = 3 * (table.last - 1)
    assert rows.records([last, 3]) == {last: {"id": f"row {table.last - 1}"}, 3: {"id": "row 1"}}
    assert rows.vectors([last])[last].tolist() == [float(np.float16(table.last - 1))] * DIMENSION
    assert table.asked == []
    table.last += 1
    new = 3 * (table.last - 1)
    assert rows.records([3, new])[new] == {"id": f"row {table.last - 1}"}
    assert table.asked == [1]
