"""Vectors in bytes: as near as the full numbers, for every number of rows."""

from __future__ import annotations

import numpy as np
import pytest

from zicoder.index import vectors as module
from zicoder.index.vectors import ByteVectors, quantised

RANDOM = np.random.default_rng(3)


def unit(rows: int, dimension: int = 64) -> np.ndarray:
    made = RANDOM.normal(size=(rows, dimension)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_products_are_those_of_the_full_numbers() -> None:
    full, asked = unit(3000), unit(1)[0]
    kept = ByteVectors(quantised(full))
    places = np.asarray([5, 2999, 0])
    assert np.abs(kept.products(places, asked) - full[places] @ asked).max() < 0.005
    found, products = kept.nearest(asked, 20)
    assert np.abs(products - full[found] @ asked).max() < 0.005
    assert set(found[:5].tolist()) <= set(np.argsort(-(full @ asked))[:10].tolist())


def test_zeros_are_like_nothing() -> None:
    kept = ByteVectors(quantised(np.zeros((2, 64), np.float32)))
    assert kept.nearest(unit(1)[0], 5)[1].tolist() == [0.0, 0.0]
    assert ByteVectors(np.empty((0, 64), np.int8)).nearest(unit(1)[0], 5)[0].tolist() == []


def test_some_rows_only() -> None:
    full, asked = unit(500), unit(1)[0]
    found, _ = ByteVectors(quantised(full)).nearest(asked, 3, among=np.asarray([7, 9, 400]))
    assert found.tolist() == sorted([7, 9, 400], key=lambda row: -(full[row] @ asked))


@pytest.mark.parametrize("dimension", [8, 60, 256])
def test_of_very_many_rows_the_nearest_are_found_by_their_signs(
    monkeypatch: pytest.MonkeyPatch, dimension: int
) -> None:
    monkeypatch.setattr(module, "ROUGH_ROWS", 1000)
    full = unit(5000, dimension)
    kept = ByteVectors(quantised(full))
    for asked in (full[17], full[4999]):
        assert kept.nearest(asked, 10)[0][0] == kept.nearest(asked, 10, exact=True)[0][0]
