"""Where the tests of a file belong: in the file that has some, else where a project of its kind keeps them.

Looks at the names of files alone. Runs nothing and asks no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from zicoder.commands.failing import is_test

__all__ = ["Home", "home_of"]

_AFFIXES = re.compile(
    r"^(?:test_)?(?P<bare>.+?)(?:[._-](?:tests?|spec)|(?<=[a-z0-9])(?:Tests?|Spec))?$"
)  # test_cart, cart_test, cart.spec, CartTest
_PATTERNS = {
    ".py": "test_{}", ".js": "{}.test", ".jsx": "{}.test", ".mjs": "{}.test", ".ts": "{}.test", ".tsx": "{}.test",
    ".go": "{}_test", ".java": "{}Test", ".kt": "{}Test", ".rb": "test_{}", ".php": "{}Test",
}  # fmt: skip
"""The name of a file of tests where the project shows no other, by the suffix of what is tested."""
_FOLDERS = {".py": "tests", ".rb": "test", ".php": "tests"}
"""Languages whose tests stand in a folder of their own; those of others stand beside the code, or mirror it."""
_MAIN, _TEST = "src/main/", "src/test/"


@dataclass(frozen=True, slots=True)
class Home:
    """Where tests belong."""

    path: str
    is_new: bool
    example: str
    """Another file of tests, whose style counts; "" if there is none."""


def home_of(path: str, related: Sequence[str], paths: Iterable[str]) -> Home | None:
    """The home of the tests of the file at `path`; None where its language has no files of tests.

    `related` are the files of tests that mention the code, `paths` are those of the project, all with slashes.
    """
    file = PurePosixPath(path)
    if is_test(path):
        return Home(path, is_new=False, example="")
    known = [each for each in paths if PurePosixPath(each).suffix == file.suffix]
    tests = [each for each in known if is_test(each) and _bare(each) != PurePosixPath(each).stem]
    named = [each for each in tests if _bare(each).lower() == file.stem.strip("_").lower()]
    if found := next((each for each in related if each in named), None) or _nearest(path, named):
        return Home(found, is_new=False, example="")
    if file.suffix not in _PATTERNS:
        return None
    example = _nearest(path, tests)
    return Home(_new(file, tests, known), is_new=True, example=example)


def _new(file: PurePosixPath, tests: Sequence[str], known: Sequence[str]) -> str:
    patterns = Counter(_pattern(test) for test in tests)
    pattern = patterns.most_common(1)[0][0] if patterns else _PATTERNS[file.suffix]
    name = pattern.replace("{}", file.stem.strip("_") or file.stem) + file.suffix
    if _MAIN in f"{file.as_posix()}":
        return (PurePosixPath(file.as_posix().replace(_MAIN, _TEST, 1)).parent / name).as_posix()
    every = frozenset(known)
    beside = [test for test in tests if (PurePosixPath(test).parent / (_bare(test) + file.suffix)).as_posix() in every]
    if tests and 2 * len(beside) < len(tests):
        folder = Counter(PurePosixPath(test).parent for test in tests).most_common(1)[0][0]
    elif tests or file.suffix not in _FOLDERS:
        folder = file.parent
    else:
        folder = PurePosixPath(_FOLDERS[file.suffix])
    return (folder / name).as_posix()


def _bare(path: str) -> str:
    """What a file of tests is about, by its name."""
    stem = PurePosixPath(path).stem
    found = _AFFIXES.match(stem)
    return found["bare"] if found else stem


def _pattern(path: str) -> str:
    stem = PurePosixPath(path).stem
    return stem.replace(_bare(path), "{}", 1)


def _nearest(path: str, among: Sequence[str]) -> str:
    """The one that shares most folders with a path, "" if there are none."""
    own = PurePosixPath(path).parts[:-1]

    def shared(other: str) -> int:
        parts = PurePosixPath(other).parts[:-1]
        return sum(1 for a, b in zip(own, parts, strict=False) if a == b)

    return max(sorted(among), key=shared, default="")
