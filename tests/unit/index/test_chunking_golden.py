"""One realistic sample of every language, cut as the cases in `tests/golden/chunks` say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from zicoder.index.chunking import chunks_of
from zicoder.index.chunking.grammars import GRAMMARS

CASES = {path.stem: path for path in (Path(__file__).parents[2] / "golden" / "chunks").glob("*.toml")}


@pytest.mark.parametrize("language", sorted(CASES))
def test_a_sample_is_cut_as_a_reader_would_cut_it(language: str) -> None:
    case: dict[str, Any] = tomllib.loads(CASES[language].read_text(encoding="utf-8"))
    found = [
        f"{c.kind} {c.qualified or '-'} {c.start + 1}-{c.end}" for c in chunks_of(case["source"], case["language"])
    ]
    assert found == case["expect"]


def test_every_language_has_a_sample() -> None:
    assert set(CASES) == set(GRAMMARS)
