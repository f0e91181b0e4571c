"""A named set of things that plug-ins can add to through Python entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from zicoder.errors import InputError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to things of one kind.

    What is registered in code wins over an entry point of the same name, so a plug-in can add but not replace.
    Entry points are loaded one by one, when asked for by name.
    """

    def __init__(self, kind: str, *, group: str) -> None:
        self._kind = kind
        self._group = group
        self._known: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that adds a thing under `name`. Raises ValueError when the name is taken."""

        def add(thing: T) -> T:
            if name in self._known:
                raise ValueError(f"{self._kind} {name!r} is registered twice")
            self._known[name] = thing
            return thing

        return add

    def get(self, name: str) -> T:
        """The thing called `name`. Raises InputError that lists the known names."""
        if name not in self._known:
            found = [e for e in entry_points(group=self._group) if e.name == name]
            if not found:
                raise InputError(f"There is no {self._kind} called {name!r}.", hint=f"Known: {', '.join(self)}.")
            self._known[name] = found[0].load()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """Sorted names, those of plug-ins included."""
        return iter(sorted({*self._known, *(e.name for e in entry_points(group=self._group))}))
