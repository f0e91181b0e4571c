"""Which file a written path means, and which ones nobody may write."""

from __future__ import annotations

import pytest

from zicoder.agents.edits.headers import named_in_header, named_in_info, named_in_prose
from zicoder.agents.edits.paths import project_path, resolve
from zicoder.errors import InputError


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("src/a.py", "src/a.py"),
        ("./src//a.py", "src/a.py"),
        ("src\\sub\\a.py", "src/sub/a.py"),
        (".github/workflows/ci.yml", ".github/workflows/ci.yml"),
        ("app/(group)/[id]/page.tsx", "app/(group)/[id]/page.tsx"),
        (".gitignore", ".gitignore"),
    ],
)
def test_a_path_is_written_in_one_way(written: str, path: str) -> None:
    assert project_path(written) == path


@pytest.mark.parametrize(
    "written",
    [
        "", ".", "/etc/passwd", "\\\\server\\share\\a", "~/a.py", "C:\\a.py", "c:a.py", "../a.py", "src/../../a.py",
        "src/..\\..\\a.py",
        ".git/hooks/pre-commit", "sub/.GIT/config", "git~1/config", ".g\u200cit/config", "a.py:stream",
        "src/a.py ./x", "nul", "src/CON.txt", "a\x00.py", "src/a.py\n", "x" * 300, "a/" * 600 + "a.py", ".git./config",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_is_refused(written: str) -> None:
    if written == "src/a.py\n":  # only white space around it
        assert project_path(written) == "src/a.py"
        return
    with pytest.raises(InputError):
        project_path(written)


FILES = ["src/a.py", "src/sub/b.py", "tests/sub/b.py", "README.md"]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a.py", "src/a.py"),
        ("A.PY", "src/a.py"),
        ("project/src/a.py", "src/a.py"),
        ("src/sub/b.py", "src/sub/b.py"),
        ("readme.md", "README.md"),
        ("src/new.py", "src/new.py"),
    ],
)
def test_a_wrong_path_finds_its_file(written: str, path: str) -> None:
    assert resolve(written, FILES.__contains__, FILES) == path


def test_a_name_that_two_files_have_is_refused_and_both_are_named() -> None:
    with pytest.raises(InputError, match=r"`src/sub/b\.py`, `tests/sub/b\.py`"):
        resolve("b.py", FILES.__contains__, FILES)


@pytest.mark.parametrize(
    "line",
    [
        "src/a.py", "`src/a.py`", "### src/a.py", "### `src/a.py`:", "**src/a.py**", "**`src/a.py`**:",
        "File: src/a.py",
        "**File:** `src/a.py`", "# src/a.py", "// src/a.py", "<!-- src/a.py -->", "/* src/a.py */", "1. `src/a.py`",
        "- src/a.py", '"src/a.py"', "`src/a.py` (new file)", "src/a.py:12", "In `src/a.py`:", "## File: `src/a.py`",
        "filename: src/a.py", "Update src/a.py:", "src/a.py (modified)",
    ],
)  # fmt: skip
def test_a_line_that_names_a_file(line: str) -> None:
    named = named_in_header(line)
    assert named is not None
    assert named.path == "src/a.py"


@pytest.mark.parametrize(
    "line", ["", "Done.", "return x", "and/or", "x = a.b(c)", "=======", "1.5", "# Notes", "import os"]
)
def test_a_line_that_names_none(line: str) -> None:
    assert named_in_header(line) is None


@pytest.mark.parametrize(
    ("info", "path"),
    [
        ("python src/a.py", "src/a.py"),
        ("src/a.py", "src/a.py"),
        ("python:src/a.py", "src/a.py"),
        ('py title="src/my file.py"', "src/my file.py"),
        ("{.python file=src/a.py}", "src/a.py"),
        ("Dockerfile", "Dockerfile"),
        ("python", None),
        ("c++", None),
        ("asp.net", None),
        ("text/plain", None),
        ("12:15:src/a.py", None),
        ("", None),
    ],
)
def test_the_info_of_a_fence(info: str, path: str | None) -> None:
    named = named_in_info(info)
    assert (named.path if named else None) == path


def test_prose_names_a_file_only_if_it_names_one() -> None:
    named = named_in_prose("I changed `src/a.py` so that src/a.py works.")
    assert named is not None
    assert named.path == "src/a.py"
    assert named_in_prose("I changed src/a.py and src/b.py.") is None
    assert named_in_prose("It calls self.items and os.path, e.g. twice.") is None
