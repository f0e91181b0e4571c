"""Explanations on disk: one small file each, named by what it explains, the oldest removed when there are too many.

Blocking; for threads. What it must never do: raise. A folder that cannot be written holds nothing, and that is all.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

__all__ = ["Explanation", "Explanations"]

MOST = 4_000
"""Files; with the file system's blocks, 16 MB."""
MOST_BYTES = 4_096
EVERY = 32
"""Writes after which they are counted."""
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A few sentences, and who wrote them."""

    text: str
    model: str = ""


class Explanations:
    """Those in one folder, which other processes may use, too."""

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        self._folder = folder
        self._most = most
        self._written = 0

    def get(self, key: str) -> Explanation | None:
        """What is there under a key."""
        try:
            data = self._path(key).read_bytes()[: MOST_BYTES + 1]
            value: Any = json.loads(data) if len(data) <= MOST_BYTES else None
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        table = cast("dict[str, Any]", value)
        text, model = table.get("text"), table.get("model", "")
        return Explanation(text, model) if isinstance(text, str) and isinstance(model, str) and text else None

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation."""
        data = json.dumps(asdict(explanation), ensure_ascii=False).encode("utf-8", "replace")
        if len(data) > MOST_BYTES:
            return
        path = self._path(key)
        other = path.with_name(f"{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(data)
            other.replace(path)
        self._written += 1
        if self._written % EVERY == 1:
            self._prune()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(key)
        return self._folder / f"{key}.json"

    def _prune(self) -> None:
        """Remove those that were written longest ago, a tenth more than there are too many."""
        found: list[tuple[float, str]] = []
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found.append((entry.stat().st_mtime, entry.path))
        if len(found) <= self._most:
            return
        for _, path in sorted(found)[: len(found) - self._most + self._most // 10]:
            with contextlib.suppress(OSError):
                Path(path).unlink()
