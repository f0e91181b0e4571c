"""Which tests tell of a piece of code, and what their output says: for commands that mend code by its tests.

Reads test files as text and output as pytest and others write it. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

__all__ = ["condensed", "failing_ids", "failing_reasons", "failing_source", "is_test", "related_tests"]

MOST_READ = 400
"""Test files that are looked into."""
MOST_FILES = 3
MOST_CHARS = 1_800
MOST_IDS = 5
_TEST_FILE = re.compile(
    r"(?i:(^|/)(test|tests|conftest)\.py$|(^|/)test_[^/]*$|[._-](test|spec|tests)\.\w+$)"
    r"|[a-z0-9](Tests?|Spec)\.(java|kt|scala|groovy|cs|php|swift)$"
)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::[^\n]*?)?)(?: - .*)?$", re.MULTILINE)
_SECTION = re.compile(r"^_{3,} (.+?) _{3,}$", re.MULTILINE)
_FRAME_END = re.compile(r"^(?:(?:_ ){5,}_?|\S+:\d+: .*)$", re.MULTILINE)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def is_test(path: str) -> bool:
    """Whether a file is one of tests, by its name."""
    return _TEST_FILE.search(path) is not None


def related_tests(
    names: Sequence[str], path: str, paths: Iterable[str], read: Callable[[str], str | None]
) -> tuple[str, ...]:
    """The test files that mention the first of these names that any does, those named like the file at `path` first.

    If none is mentioned, those named like the file. Blocking; `read` gives a file's text, None for one that must not be
    read.
    """
    stem = PurePosixPath(path).stem.strip("_").lower()
    tests = [each for each in paths if is_test(each) and PurePosixPath(each).suffix == PurePosixPath(path).suffix]
    tests = sorted(tests, key=lambda each: stem not in each.lower())[:MOST_READ]
    texts = {test: read(test) or "" for test in tests}
    for name in names:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        counts = {test: len(word.findall(text)) for test, text in texts.items()}
        ranked = [(stem not in PurePosixPath(test).stem.lower(), -n, test) for test, n in counts.items() if n]
        if ranked:
            return tuple(test for *_, test in sorted(ranked)[:MOST_FILES])
    return tuple(test for test in tests if stem in PurePosixPath(test).stem.lower())[:MOST_FILES]


def failing_ids(output: str) -> tuple[str, ...]:
    """The tests that failed, as pytest names them for another run; a few of them at most."""
    found = (match.strip() for match in _FAILED.findall(_ANSI.sub("", output)))
    return tuple(dict.fromkeys(each for each in found if " " not in each))[:MOST_IDS]


def failing_reasons(output: str) -> dict[str, str]:
    """What was wrong with each test that failed, by the test, as pytest's summary says it; "" if it does not."""
    lines = (re.match(r"(?:FAILED|ERROR) (\S+)(?: - (.*))?$", line) for line in _ANSI.sub("", output).splitlines())
    return {found[1]: (found[2] or "").strip() for found in lines if found}


def condensed(output: str) -> str:
    """The first failure, short: the test up to the line that failed, and what was wrong. Else the end of the output."""
    first = _first_failure(output)
    if not first:
        return _ANSI.sub("", output).strip()[-MOST_CHARS:]
    source, wrong = first
    return f"{source}\n{wrong}".strip()[-MOST_CHARS:]


def failing_source(output: str) -> str:
    """The first failing test's own lines, as far as the output shows them; "" if it does not."""
    first = _first_failure(output)
    return re.sub(r"^(?:[> ] {3}|E .*)", lambda m: "    " if m[0][0] == ">" else "", first[0], flags=re.MULTILINE) \
        if first else ""  # fmt: skip


def _first_failure(output: str) -> tuple[str, str] | None:
    """The first frame of the first failure that pytest shows, and all lines that say what was wrong."""
    output = _ANSI.sub("", output)
    heads = list(_SECTION.finditer(output))
    if not heads:
        return None
    end = heads[1].start() if len(heads) > 1 else output.find("\n====", heads[0].end())
    section = output[heads[0].end() : end if end > 0 else len(output)].strip("\n")
    stop = _FRAME_END.search(section)
    frame = section[: stop.start() if stop else len(section)]
    lines = [line for line in frame.split("\n") if line.strip() and not line.startswith("E ")]
    wrong = [line for line in section.split("\n") if line.startswith("E ")]
    return "\n".join(lines[-25:]), "\n".join(wrong[:12])
