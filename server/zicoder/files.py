"""Files written whole or not at all: the new bytes go beside the file and then into its place, in one step.

The one home of that. Whoever reads sees the old bytes or the new ones, also after a crash. Must never decide what is
written or whether it may be; a link is followed by the caller, if it is to stay one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

__all__ = ["ANYBODY", "OWNER", "put", "stage", "write_whole"]

ANYBODY = 0o666
"""Permissions of a file that is none of a secret: less the umask, what any program's new file gets."""
OWNER = 0o600
TRIES = 8
"""On Windows, a program that has the file open for a moment, as scanners do, keeps it from being replaced."""
FIRST_WAIT_S = 0.005
"""Doubled with each try: 0.6 s at most."""


def write_whole(path: Path, data: bytes, *, new: int = ANYBODY) -> None:
    """Write a file, and its folders. Blocking. Raises OSError; then the file is what it was.

    A file that is there keeps its permissions; one that is not gets `new`, less the umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    put(stage(path, data, new=new), path)


def stage(path: Path, data: bytes, *, mode: int | None = None, new: int = ANYBODY) -> Path:
    """Write the bytes to the disk under another name beside `path`, whose folder exists; that name. Raises OSError.

    Its permissions are `mode`; without one, those of the file at `path`, or `new` less the umask if there is none.
    """
    mode = _mode_of(path) if mode is None else mode
    staged = path.with_name(f".zi-{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(staged, flags, new if mode is None else OWNER)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            staged.chmod(mode)
    except BaseException:
        _remove(staged)
        raise
    return staged


def put(staged: Path, path: Path) -> None:
    """Move what was staged into its place. Raises OSError; then it is gone, and the file is what it was."""
    wait_s = FIRST_WAIT_S
    for left in reversed(range(TRIES)):
        try:
            staged.replace(path)
        except PermissionError:
            if os.name != "nt" or not left:
                _remove(staged)
                raise
            time.sleep(wait_s)
            wait_s *= 2
        except BaseException:
            _remove(staged)
            raise
        else:
            return


def _mode_of(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _remove(staged: Path) -> None:
    with contextlib.suppress(OSError):
        staged.unlink()
