"""The paths of a project, for looking up what a person wrote of one: whole, by its name, by how it begins. Pure.

Made once for a listing; each look-up then takes microseconds to a millisecond in a project of 50,000 files.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

__all__ = ["PathTable"]

NEAREST = 3
COMPARED = 2000
"""Names that a misspelled one is compared with: each comparison takes some ten microseconds."""


class PathTable:
    """Project-relative paths with slashes. Frozen."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths: Sequence[str] = sorted(paths)
        self._known = frozenset(self.paths)
        self._names = sorted((_name(path).lower(), path) for path in self.paths)
        self.folders: Sequence[str] = sorted(set(_folders(self.paths)))
        """With a slash at the end; the root is not among them."""
        self._folder_names = sorted((folder[:-1].rpartition("/")[2].lower() + "/", folder) for folder in self.folders)
        self._text = "\n".join(["", *(path.lower() for path in self.paths), ""])
        self._starts = _starts(self.paths)

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def __len__(self) -> int:
        return len(self.paths)

    def named(self, name: str) -> list[str]:
        """Paths whose last part is `name`, whatever its case; those of the same case first."""
        low = name.lower()
        first = bisect_left(self._names, (low, ""))
        found = [path for _, path in self._names[first : bisect_left(self._names, (low + "\0", ""))]]
        return sorted(found, key=lambda path: (_name(path) != name, path.count("/"), path))

    def ending(self, written: str) -> list[str]:
        """Paths that end in these parts: `store.py`, `models/store.py`."""
        low = "/" + written.lower().strip("/")
        return [path for path in self.named(_name(written)) if f"/{path.lower()}".endswith(low)]

    def below(self, folder: str) -> Sequence[str]:
        """Paths below a folder; "" is the root."""
        if not folder:
            return self.paths
        prefix = folder.rstrip("/") + "/"
        first = bisect_left(self.paths, prefix)
        return self.paths[first : bisect_left(self.paths, prefix[:-1] + "0", lo=first)]  # "0" follows "/"

    def folder(self, written: str) -> str | None:
        """A folder as it is on disk, with a slash at its end; None if there is none, or several are meant."""
        wanted = written.strip("/") + "/"
        if self.below(wanted):
            return wanted
        low = "/" + wanted.lower()
        found = [folder for folder in self.folders if f"/{folder.lower()}".endswith(low)]
        return found[0] if len(found) == 1 else None

    def nearest(self, written: str) -> list[str]:
        """Up to three paths whose names look like what was written."""
        name = _name(written.rstrip("/")).lower()
        if not name:
            return []
        alike = (n for n, _ in self._names if abs(len(n) - len(name)) <= 4 and (n[0] == name[0] or n[-4:] == name[-4:]))
        compared = list(dict.fromkeys(islice(alike, COMPARED)))
        close = difflib.get_close_matches(name, compared, n=NEAREST, cutoff=0.7)
        return [path for each in close for path in self.named(each)][:NEAREST]

    def completions(self, typed: str, limit: int = 20) -> list[str]:
        """Files and folders for what was typed so far, best first: by name, by path, then anywhere inside."""
        low = typed.lower()
        if not low:
            return [*islice((f for f in self.folders if f.count("/") == 1), limit), *self.paths[:limit]][:limit]
        found = chain(
            _beginning(self._names, low),
            _beginning(self._folder_names, low),
            self._from(self.folders, typed),
            self._from(self.paths, typed),
            self._containing(low, limit) if len(low) > 1 else (),
        )
        return [path for path in dict.fromkeys(islice(found, limit * 4)) if path != typed][:limit]

    def _from(self, paths: Sequence[str], typed: str) -> Iterator[str]:
        for number in range(bisect_left(paths, typed), len(paths)):
            if not paths[number].startswith(typed):
                return
            yield paths[number]

    def _containing(self, part: str, limit: int) -> Iterator[str]:
        at = 0
        for _ in range(limit):
            at = self._text.find(part, at)
            if at < 0:
                return
            number = bisect_right(self._starts, at) - 1
            if 0 <= number < len(self.paths):
                yield self.paths[number]
            at = self._text.find("\n", at + 1)
            if at < 0:
                return


def _beginning(named: Sequence[tuple[str, str]], prefix: str) -> Iterator[str]:
    for number in range(bisect_left(named, (prefix, "")), len(named)):
        name, path = named[number]
        if not name.startswith(prefix):
            return
        yield path


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folders(paths: Iterable[str]) -> Iterator[str]:
    known = ""
    for path in paths:
        folder = path[: path.rfind("/") + 1]
        while folder and not known.startswith(folder):  # sorted: what the one before had is told already
            yield folder
            folder = folder[: folder.rfind("/", 0, -1) + 1]
        known = path


def _starts(paths: Sequence[str]) -> list[int]:
    starts, at = list[int](), 1
    for path in paths:
        starts.append(at)
        at += len(path.lower()) + 1
    return starts
