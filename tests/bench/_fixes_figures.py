"""The figures of the bench of fixes, out of its rows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["summary"]

Rows = Mapping[str, Mapping[str, Any]]
RIGHT = ("exact", "same")


def summary(rows: Rows) -> dict[str, Any]:
    """Shares in percent, times in milliseconds and seconds; the keys say of what."""
    marked = [row for row in rows.values() if row["marked"]]
    preferred = [row for row in marked if row["preferred"]]
    wrong = [row for row in preferred if row["preferred"] not in RIGHT]
    by_kind: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows.values():
        by_kind[row["kind"]].append(row)
    return {
        "diagnostics": len(marked),
        "no diagnostic": len(rows) - len(marked),
        "fixed exactly": _share(marked, [row for row in marked if row["preferred"] == "exact"]),
        "fixed in meaning": _share(marked, [row for row in preferred if row["preferred"] in RIGHT]),
        "right one in the list": _share(marked, [row for row in marked if _listed(row)]),
        "fixed by checks": _share(marked, [row for row in preferred if row["gone"]]),
        "preferred": len(preferred),
        "preferred and wrong": _share(preferred, wrong),
        "list ms": _times(row["list_ms"][0] for row in marked if row["list_ms"]),
        "list ms, asked again": _times(each for row in marked for each in row["list_ms"][1:]),
        "kinds": {kind: _kind(each) for kind, each in sorted(by_kind.items())},
        **_model([row["model"] for row in marked if row["model"]]),
    }


def _kind(rows: list[Mapping[str, Any]]) -> dict[str, int]:
    marked = [row for row in rows if row["marked"]]
    return {
        "cases": len(rows),
        "marked": len(marked),
        "preferred right": sum(row["preferred"] in RIGHT for row in marked),
        "preferred wrong": sum(bool(row["preferred"]) and row["preferred"] not in RIGHT for row in marked),
        "only listed": sum(not row["preferred"] and _listed(row) for row in marked),
    }


def _model(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {}
    ours = [row["ours"] for row in rows if "ours" in row]
    plain = [row["plain"] for row in rows if "plain" in row]
    checked = [row for row in ours if row["state"] == "checked"]
    preferred = [row for row in ours if row["preferred"]]
    right = [row for row in ours if row["judgement"] in RIGHT]
    return {
        "model": {
            "cases": len(rows),
            "ours, right": _share(ours, right),
            "ours, preferred": len(preferred),
            "ours, preferred and wrong": _share(preferred, [row for row in preferred if row not in right]),
            "ours, checked": _share(ours, checked),
            "ours, checked and right": _share(ours, [row for row in checked if row["judgement"] in RIGHT]),
            "ours, checked but wrong": _share(checked, [row for row in checked if row["judgement"] not in RIGHT]),
            "ours, unchecked": _share(ours, [row for row in ours if row["state"] == "unchecked"]),
            "ours s": _times(row["seconds"] for row in ours),
            "plain, right": _share(plain, [row for row in plain if row["judgement"] in RIGHT]),
            "plain, wrong": _share(plain, [row for row in plain if row["judgement"] == "wrong"]),
            "plain s": _times(row["seconds"] for row in plain),
        }
    }


def _listed(row: Mapping[str, Any]) -> bool:
    return any(each in RIGHT for each in row["offers"])


def _share(whole: list[Any], part: list[Any]) -> float:
    return round(100 * len(part) / len(whole), 1) if whole else 0.0


def _times(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {"p50": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)], "most": ordered[-1]}
