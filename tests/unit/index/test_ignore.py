"""Ignore rules, compared with git itself."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zicoder.index.ignore import Rules, byte_text
from zicoder.index.walk import walk

PIECES = [
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "/",
    "/",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-c]",
    "[[:alpha:]]",
    "\\a",
    ".",
    "é",
    " ",
]
ODD = [
    "[",
    "[]a]",
    "[]-]",
    "[!]a]",
    "[a-]",
    "[\\]a]",
    "[[:foo:]]",
    "[[:a]",
    "\\",
    "\\*",
    "\\ ",
    "#",
    "!",
    "\t",
    "[b-a]",
    "[/]",
]
globs = st.lists(st.sampled_from(PIECES * 3 + ODD), min_size=1, max_size=6).map("".join)
lines = st.tuples(st.sampled_from(["", "", "!"]), globs, st.sampled_from(["", "", "/"])).map("".join)
ignore_text = st.lists(lines, max_size=4).map("\n".join)
names = st.sampled_from(["a", "b", "ab", "abc", "a.b", "é", "a b", "-", "]a", "[a", "a*", "#a", "!a", "\\a", "ba", "B"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*.log", "deep/down/x.log", True),
        ("/x.log", "deep/x.log", None),
        ("docs/*.md", "docs/a/b.md", None),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("**/z", "z", True),
        ("a/**", "a/b", True),
        ("*.py\n!keep.py", "x/keep.py", False),
        ("!keep.py\n*.py", "x/keep.py", True),
        ("\\#x", "#x", True),
        ("\\!x", "!x", True),
        ("# x", "# x", None),
        ("x   ", "x", True),
        ("x\\ ", "x ", True),
        ("x\r\ny", "x", True),
        ("\ufeffx", "x", True),
        ("x/", "x", None),
        ("X", "x", None),
        ("caf\u00e9*", "café.py", True),
    ],
)
def test_the_syntax(rules: str, path: str, ignored: bool | None) -> None:
    assert Rules(rules.encode()).verdict(byte_text(path), folder=False) is ignored


def test_case_is_folded_where_the_disk_does_so() -> None:
    rules = Rules(b"README\n*.PYC\n[A-C]x\n/Top/Down", fold_case=True)
    for path in ("readme", "x.pyc", "X.PyC", "bX", "top/down"):
        assert rules.verdict(path, folder=False), path
    assert Rules("É".encode(), fold_case=True).verdict(byte_text("é"), folder=False) is None  # as git: ASCII only


def test_rules_made_to_be_slow_are_not() -> None:
    rules = Rules(b"*a*a*a*a*a*a*a*a*a*b\n" + b"**/a/" * 30 + b"x\n" + b"x/" + b"**/a*a*a*a*b/" * 8 + b"y")
    begin = time.process_time()
    for path in ("a" * 250, "/".join("a" * 1500), "x/" + "/".join(["a" * 60] * 60)):
        assert rules.verdict(path, folder=False) is None
    assert time.process_time() - begin < 5  # with backtracking it takes longer than anybody would wait


def test_a_huge_ignore_file_is_cut_at_a_line() -> None:
    rules = Rules(b"first\n" + b"".join(b"/%d/x*\n" % number for number in range(100_000)))
    assert rules.verdict("first", folder=False)


def git(root: Path, *arguments: str, stdin: str = "") -> str:
    command = ["git", "-C", str(root), "-c", "core.excludesFile=/dev/null", "-c", "core.quotePath=false", *arguments]
    return subprocess.run(command, input=stdin.encode(), capture_output=True, check=False).stdout.decode()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    return root


BATCH = 40
"""Rules that one call of git judges: each gets a folder of its own."""


@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(cases=st.lists(st.tuples(ignore_text, st.lists(paths, min_size=6, max_size=6)), min_size=BATCH, max_size=BATCH))
def test_one_ignore_file_judges_as_git_does(repository: Path, cases: list[tuple[str, list[str]]]) -> None:
    asked: list[tuple[str, str, str]] = []
    for number, (text, wanted) in enumerate(cases):
        folder = repository / str(number)
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_bytes(text.encode())
        asked += [(str(number), text, path) for path in wanted]
    stdin = "".join(f"{number}/{path}\0" for number, _, path in asked)
    answer = git(repository, "check-ignore", "-z", "--no-index", "--stdin", stdin=stdin).split("\0")
    theirs = set(answer)
    for number, text, path in asked:
        assert _is_ignored(Rules(text.encode()), path) == (f"{number}/{path}" in theirs), (text, path)


def _is_ignored(rules: Rules, path: str) -> bool:
    """Of a path that is not on disk: it is a file, and what is above it are folders."""
    parts = path.split("/")
    return any(
        rules.verdict(byte_text("/".join(parts[:depth])), folder=depth < len(parts))
        for depth in range(1, len(parts) + 1)
    )


trees = st.fixed_dictionaries(
    {
        "files": st.lists(paths, min_size=3, max_size=12),
        "rules": st.dictionaries(st.sampled_from(["", "a", "b", "ab", "a/b", "a/a"]), ignore_text, max_size=4),
        "exclude": ignore_text,
    }
)


def grow(root: Path, files: list[str], rules: dict[str, str], name: str) -> None:
    for path in files:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x")
        except OSError:
            continue  # a folder is a file already, or the other way round
    for folder, text in rules.items():
        if (root / folder).is_dir():
            (root / folder / name).write_bytes(text.encode())


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(tree=trees)
def test_a_walk_finds_what_git_would_add(tmp_path_factory: pytest.TempPathFactory, tree: dict) -> None:
    root = tmp_path_factory.mktemp("tree")
    git(root, "init", "-q")
    grow(root, tree["files"], tree["rules"], ".gitignore")
    (root / ".git" / "info" / "exclude").write_bytes(tree["exclude"].encode())
    theirs = git(root, "ls-files", "-z", "--others", "--exclude-standard", "--cached").split("\0")
    assert sorted(found.path for found in walk(root).files) == sorted(filter(None, theirs))
