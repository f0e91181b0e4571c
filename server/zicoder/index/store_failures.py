"""What the store's libraries raise, made into our errors, and texts made fit for their predicates.

The one place that reads the wording of their messages. Must not import them.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import sys
from collections.abc import Generator, Iterable

from zicoder.errors import IndexDamaged, IndexFull, IndexOutdated

__all__ = ["nothing_of_use", "quoted", "sendable", "translated"]

log = logging.getLogger("zicoder.index")

_NO_ROOM = re.compile(
    r"no space left|quota exceeded|not enough space|file too large"
    + (r"|os error (39|112)\b" if sys.platform == "win32" else r"|os error (27|28)\b"),
    re.IGNORECASE,
)
_WHERE_IN_LANCE = re.compile(r", [^,\s]*(\.cargo|rustc)/.*")


@contextlib.contextmanager
def translated() -> Generator[None]:
    """The libraries raise nearly anything; what they say is logged, and a person reads a sentence."""
    try:
        yield
    except (IndexDamaged, IndexFull):
        raise
    except (TypeError, AttributeError, NameError):
        raise  # ours
    except Exception as error:
        if _NO_ROOM.search(str(error)) or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
            raise IndexFull(
                "The disk is full: the code index cannot grow.", hint="Free some space; it goes on by itself."
            ) from error
        log.debug("the store failed", exc_info=True)
        raise IndexDamaged(f"The code index cannot be read or written ({_first_line(error)}).") from error


def nothing_of_use(damage: IndexDamaged) -> bool:
    """Whether there is surely nothing at the location that is worth keeping."""
    return isinstance(damage, IndexOutdated) or "was not found" in str(damage)


def quoted(values: Iterable[str]) -> str:
    """Texts as a list of SQL's, for a predicate."""
    return sendable(", ".join("'" + value.replace("'", "''") + "'" for value in values))


def sendable(text: str) -> str:
    """Half a character, as editors can send it, is in no row; the libraries would fail as if the index were damaged."""
    return text.encode(errors="replace").decode()


def _first_line(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return _WHERE_IN_LANCE.sub("", first)[:200]
