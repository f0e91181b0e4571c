"""From what became of each case to shares, and how sure they are: pairs of answers to the same case are compared."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tests.bench._harness import median

__all__ = ["difference", "mcnemar", "summary"]

ROUNDS = 10_000


class Judged(Protocol):
    """What one contestant did with one case."""

    package: str
    kind: str
    repaired: bool
    same: bool
    offered: bool
    maker: str
    input_tokens: int
    output_tokens: int


def summary(rows: Mapping[str, Mapping[str, Judged]]) -> dict[str, Any]:
    """Shares in per cent and medians, over all cases, by package and by kind of mistake."""
    pairs = list(rows.values())
    if not pairs:
        return {}
    plain, ours = ([pair[who].repaired for pair in pairs] for who in ("plain", "ours"))
    return {
        **{who: _one([pair[who] for pair in pairs]) for who in ("plain", "ours")},
        "difference": difference(plain, ours),
        "mcnemar_p": mcnemar(plain, ours),
        "by_package": _by(pairs, lambda row: row.package),
        "by_kind": _by(pairs, lambda row: row.kind),
        "ours_by_maker": _counted([pair["ours"] for pair in pairs if pair["ours"].repaired]),
    }


def _one(rows: Sequence[Judged]) -> dict[str, float]:
    return {
        "repaired": _share([row.repaired for row in rows]),
        "as_released": _share([row.same for row in rows]),
        "offered": _share([row.offered for row in rows]),
        "offered_but_wrong": _share([row.offered and not row.repaired for row in rows]),
        "input_tokens": median([row.input_tokens for row in rows], 0),
        "output_tokens": median([row.output_tokens for row in rows], 0),
    }


def _share(values: Sequence[bool]) -> float:
    return round(100 * sum(values) / len(values), 1)


def _by(pairs: Sequence[Mapping[str, Judged]], key: Callable[[Judged], str]) -> dict[str, str]:
    """Repaired of all, plain and ours, by some property of the case."""
    groups: dict[str, list[Mapping[str, Judged]]] = defaultdict(list)
    for pair in pairs:
        groups[key(pair["plain"])].append(pair)
    return {
        name: " ".join(f"{who} {sum(p[who].repaired for p in group)}/{len(group)}" for who in ("plain", "ours"))
        for name, group in sorted(groups.items())
    }


def _counted(rows: Sequence[Judged]) -> dict[str, int]:
    return {maker: sum(row.maker == maker for row in rows) for maker in sorted({row.maker for row in rows})}


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """The exact two-sided p-value of McNemar's test: how likely so uneven a split of the unequal pairs is by chance."""
    better = sum(b and not a for a, b in zip(first, second, strict=True))
    worse = sum(a and not b for a, b in zip(first, second, strict=True))
    unequal = better + worse
    tail = sum(math.comb(unequal, k) for k in range(min(better, worse) + 1)) / 2**unequal
    return round(min(1.0, 2 * tail), 5)


def difference(first: Sequence[bool], second: Sequence[bool]) -> dict[str, float]:
    """How many points more the second has, with a 95 % interval by a bootstrap over the pairs."""
    gains = [100 * (b - a) for a, b in zip(first, second, strict=True)]
    chance = random.Random(0)
    means = sorted(sum(chance.choices(gains, k=len(gains))) / len(gains) for _ in range(ROUNDS))
    low, high = means[int(0.025 * ROUNDS)], means[int(0.975 * ROUNDS)]
    return {"points": round(sum(gains) / len(gains), 1), "low": round(low, 1), "high": round(high, 1)}
