"""Finds what waits for itself, in plans and workflows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["find_cycle"]


def find_cycle(waits: Mapping[str, Sequence[str]]) -> list[str]:
    """Names that wait for each other in a circle, the first one again at the end; [] if there is none.

    Depth-first search with a stack of its own: a long chain must not exhaust Python's.
    """
    finished: set[str] = set()
    for start in waits:
        path: list[str] = []
        stack = [(start, iter(waits[start]))] if start not in finished else []
        while stack:
            name, others = stack[-1]
            if len(path) < len(stack):
                path.append(name)
            other = next((each for each in others if each in waits and each not in finished), None)
            if other is None:
                finished.add(name)
                stack.pop()
                path.pop()
            elif other in path:
                return [*path[path.index(other) :], other]
            else:
                stack.append((other, iter(waits[other])))
    return []
