"""Where on the disk a path leads that a model wrote, and opening exactly that.

Owns what counts as inside a project, and which files hold secrets. A path is resolved once, links included; what was
judged is what is opened. It decides nothing: `policy` does.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zicoder.errors import ToolError
from zicoder.index.skip import Skip, name_reason

__all__ = ["Place", "Places", "is_secret", "open_judged"]

MAX_PATH = 4096
"""Characters. Longer ones are no path of any system."""

_WINDOWS = sys.platform == "win32"
_DRIVE = re.compile(r"[A-Za-z]:|[\\/]{2}|\\")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_SECRET_FOLDERS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".git"})
"""`.git` for what `.git/config` may hold: addresses with a password in them."""
_SECRET_FILES = frozenset(
    {".git-credentials", ".npmrc", ".pypirc", ".htpasswd", ".vault-token", "credentials", "credentials.json"}
    | {"shadow", "gshadow", "service-account.json", "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    asked: str
    """As it was written."""
    real: Path
    """Absolute, without a link in it."""
    relative: str | None
    """Below the project's root, with slashes ("" for the root itself); None if it lies outside."""
    named: str | None
    """The same before links were followed: a rule for the name of a link holds, too."""
    secret: bool
    folder: str
    """The absolute folder that it lies in, or that it is."""

    @property
    def shown(self) -> str:
        """The path as a person reads it."""
        return str(self.real) if self.relative is None else self.relative or "."


def is_secret(path: str) -> bool:
    """Whether a file of this path is one that holds keys or passwords, by its name or by that of a folder."""
    parts = [part.lower() for part in re.split(r"[\\/]", path) if part]
    if not parts:
        return False
    return (
        name_reason(parts[-1]) is Skip.SECRET
        or parts[-1] in _SECRET_FILES
        or any(part in _SECRET_FOLDERS for part in parts)
    )


class Places:
    """The paths of one project. Resolving touches the disk: call it in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def resolve(self, path: str) -> Place:
        """Where a path leads, relative ones from the root. It need not exist.

        Raises ToolError for what is no path here: empty, with control characters, a drive of another system.
        """
        if problem := _malformed(path):
            raise ToolError(f"{_short(path)} is no path that can be used: {problem}.")
        text = os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111 - keeps what cannot be expanded
        lexical = os.path.normpath(os.path.join(self.root, text))  # noqa: PTH118 - `..` is judged before links as well
        try:
            real = Path(os.path.realpath(os.path.join(self.root, text)))  # noqa: PTH118
        except (OSError, ValueError) as error:
            raise ToolError(f"{_short(path)} cannot be followed.") from error
        if os.path.islink(real):  # noqa: PTH114 - unlike Path's, it takes a name that is too long for a name
            raise ToolError(f"{_short(path)} is a link that leads back to itself.")
        relative, named = self._below(str(real)), self._below(lexical)
        secret = is_secret(relative if relative is not None else str(real)) or is_secret(named or "")
        folder = real if os.path.isdir(real) else real.parent  # noqa: PTH112
        return Place(path, real, relative, named, secret, str(folder))

    def _below(self, place: str) -> str | None:
        """Compared as text, so another spelling of the root on a disk that folds case counts as outside: it asks."""
        root = os.path.normcase(self.root)
        if os.path.normcase(place) == root:
            return ""
        base = root if root.endswith(os.sep) else root + os.sep
        return place[len(base) :].replace(os.sep, "/") if os.path.normcase(place).startswith(base) else None


def open_judged(place: Place) -> BinaryIO:
    """Open a file for reading, if it still is where it was when it was judged.

    A swap of the last part is refused by the system (where it has O_NOFOLLOW), one of a folder on the way is seen
    after opening. Left over: a hard link, which looks like any other file, and outside Linux a folder that is swapped
    there and back again between two system calls.

    Raises ToolError: not there, no regular file, or swapped.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):  # a pipe must not block
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(place.real, flags)
    except FileNotFoundError as error:
        raise ToolError(f"There is no file {place.shown}.") from error
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "bad name"
        raise ToolError(f"{place.shown} cannot be opened ({reason}).") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise ToolError(f"{place.shown} is {what}.")
        if not _still_there(descriptor, status, place.real):
            raise ToolError(f"{place.shown} was replaced while it was opened.")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _still_there(descriptor: int, status: os.stat_result, real: Path) -> bool:
    if sys.platform == "linux":
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}") == str(real)  # noqa: PTH115 - compared as text
        except OSError:
            pass  # no /proc
    try:
        return os.path.realpath(real) == str(real) and os.path.samestat(status, os.lstat(real))
    except OSError:
        return False


def _malformed(path: str) -> str:
    if not path.strip():
        return "it is empty"
    if len(path) > MAX_PATH:
        return "it is too long"
    if any(ord(c) < 32 or ord(c) == 127 for c in path):
        return "it holds control characters"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "it holds characters that are none"
    if not _WINDOWS:
        return "it is a path of Windows" if _DRIVE.match(path) and not path.startswith("//") else ""
    parts = [part for part in re.split(r"[\\/]", os.path.splitdrive(path)[1]) if part not in {"", ".", ".."}]
    if path[:2] in {"\\\\", "//"} or any(":" in part for part in parts):
        return "it names a device, a server or a stream"
    if any(part != part.rstrip(". ") or _DEVICE.fullmatch(part) for part in parts):
        return "Windows reads it as another name"
    return ""


def _short(path: str) -> str:
    return repr(path if len(path) <= 80 else f"{path[:77]}...")
