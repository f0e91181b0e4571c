"""Paths that a model wrote: which file of the project is meant, and that it is one.

Owns the lexical rules only; it never touches the disk, so links are `disk`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from pathlib import PurePosixPath

from zicoder.errors import InputError

__all__ = ["project_path", "resolve", "same_name", "spelled"]

LONGEST_PATH = 1_000
LONGEST_NAME = 255
NAMES_SHOWN = 5

_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_REPOSITORY = re.compile(r"\.git|git~\d+", re.IGNORECASE)
"""The second is the short name that Windows gives to the first."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that a person does not see; some file systems ignore them within a name."""


def project_path(written: str) -> str:
    """A path relative to the project, with slashes.

    Refused alike on every system is what leads out of the project on any of them, and the repository's own data.
    Raises InputError.
    """
    path = written.strip().replace("\\", "/")
    reason = _refusal(path)
    if reason:
        shown = written.strip()[:100].encode("ascii", "backslashreplace").decode()
        raise InputError(f"The path `{shown}` {reason}.", hint="Give a path relative to the project's top folder.")
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _refusal(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts:
        return "names no file"
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        return "is absolute"
    if ".." in parts:
        return "leads out of its folder (`..`)"
    if len(path) > LONGEST_PATH or any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in parts):
        return "is too long"
    if any(unicodedata.category(char) in _UNSEEN for char in path):
        return "holds characters that nobody can see"
    if any(char in '<>:"|?*' for char in path):
        return "holds a character that a file name cannot have everywhere"
    if any(part != part.rstrip(". ") or _DEVICES.fullmatch(part) for part in parts):
        return "is no file name on Windows"
    if any(_REPOSITORY.fullmatch(part) for part in parts):
        return "belongs to the repository's own data"
    return ""


def resolve(written: str, exists: Callable[[str], bool], files: Collection[str]) -> str:
    """The existing file that a written path means, or the path itself, normalised, when none does.

    Forgiven are another case, missing folders in front (`a.py` for the only `src/a.py`) and surplus ones
    (`project/src/a.py`), but for a path that begins with `./`. Raises InputError for a path outside the project, or
    when several files may be meant.
    """
    path = spelled(project_path(written), files)
    if exists(path) or written.strip().startswith("./"):
        return path
    within = [file for file in files if file.casefold().endswith(f"/{path.casefold()}")]
    if len(within) > 1:
        shown = ", ".join(f"`{file}`" for file in sorted(within)[:NAMES_SHOWN])
        raise InputError(f"`{path}` may mean several files: {shown}.", hint="Give the whole path.")
    if within:
        return within[0]
    parts = path.split("/")
    shorter = ("/".join(parts[skipped:]) for skipped in range(1, len(parts)))
    return next((rest for rest in shorter if exists(rest)), path)


def spelled(path: str, files: Collection[str]) -> str:
    """A path as a known file is spelled, where only the case differs: on some disks it is the same file."""
    if path in files:
        return path
    folded = path.casefold()
    return next((file for file in files if file.casefold() == folded), path)


def same_name(path: str, files: Collection[str]) -> list[str]:
    """Files elsewhere that are called like a path without a folder."""
    name = PurePosixPath(path).name
    return sorted(file for file in files if file != path and PurePosixPath(file).name == name)
