"""Rows of unsaved text, as search weighs them beside those of the store."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from indexed import EMBEDDER, function

from zicoder.index.reader import rows_of
from zicoder.index.unsaved import Corpus, Unsaved


def test_text_without_chunks_hides_the_file_all_the_same() -> None:
    unsaved = Unsaved(EMBEDDER.dimension)
    unsaved.put(rows_of("a.py", b"", EMBEDDER))
    assert (unsaved.paths, unsaved.rows()) == (frozenset({"a.py"}), [])
    unsaved.drop("a.py")
    unsaved.drop("never.py")
    assert (unsaved.paths, unsaved.hash_of("a.py")) == (frozenset(), None)


def test_vectors_are_those_of_the_text() -> None:
    unsaved = Unsaved(EMBEDDER.dimension)
    unsaved.put(rows_of("a.py", function("parse_header").encode(), EMBEDDER))
    [row] = unsaved.rows()
    assert row.vector.dtype == np.float32
    assert float(np.linalg.norm(row.vector)) == pytest.approx(1, abs=0.01)


def test_rare_words_weigh_more_and_an_empty_index_does_no_harm() -> None:
    corpus = Corpus.of(["common rare", "common x", "common y", "common z"])
    text = Counter(["common", "rare", "q"])
    assert corpus.bm25(["rare"], text) > corpus.bm25(["common"], text) > corpus.bm25(["absent"], text) == 0
    assert Corpus.of([]).bm25(["rare"], text) >= 0
