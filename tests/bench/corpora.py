"""The sources that the index is measured on: pinned releases, fetched once through pip and npm, checked, unpacked.

Owns the table of packages (corpora.toml) and the cache they lie in. Must never import or run a fetched package, nor
unpack an archive whose hash is not the recorded one. (pip asks an sdist's build backend for its name and version.)

`zi bench corpora` fetches everything and checks every question against the sources.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from platformdirs import user_cache_path

__all__ = ["SIZES", "SOURCES", "CorpusError", "Role", "Source", "assemble", "source", "sources"]

Registry = Literal["pypi", "npm"]
Role = Literal["tune", "report", "size", "completion-tune", "completion-report", "repair-tune", "repair-report"]


class CorpusError(Exception):
    """A package could not be fetched, or is not what was recorded."""


@dataclass(frozen=True)
class Source:
    name: str
    registry: Registry
    version: str
    sha256: str
    """Of the archive as the registry serves it: an sdist, or an npm tarball."""
    licence: str
    language: str
    role: Role
    """`tune`: the code may be tuned on it. `report`: measured only. `size`: material to grow an index with. The roles
    with `completion-` are for inline completion alone, so that the questions to the index stay what they were; those
    with `repair-` carry tests, and are the only ones that are run, by `zi bench repair`, in copies and confined."""
    leave_out: tuple[str, ...] = ()
    """Folders and files, relative to the package, that its repository would not hold: build output, bundled code."""

    @property
    def folder(self) -> str:
        """Its folder in the cache; another one as soon as any byte of it would differ."""
        key = hashlib.sha256("\n".join((self.sha256, *self.leave_out)).encode()).hexdigest()[:8]
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}-{key}"


def _table() -> tuple[Source, ...]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["source"]
    return tuple(Source(**{**row, "leave_out": tuple(row.get("leave_out", ()))}) for row in rows)


_TABLE = _table()

SOURCES: dict[str, Source] = {entry.name: entry for entry in _TABLE}

SIZES: dict[str, tuple[str, ...]] = {
    "10k": ("express", "commander", "better-sqlite3"),
    "100k": ("flask", "click", "httpx", "rich"),
    "470k": ("django",),
    "1M": ("django", "networkx", "scrapy", "aiohttp", "fastify", "rich"),
}
"""About that many lines of code -> the packages that hold them, side by side. See `assemble`."""


def sources(role: Role | None = None) -> tuple[Source, ...]:
    """All packages of a role, in the table's order."""
    return tuple(entry for entry in _TABLE if role is None or entry.role == role)


def source(name: str) -> Path:
    """The folder of a package's sources, fetched if it is not in the cache.

    Nobody may write into it: it is shared by all benchmarks. Raises KeyError for a name that is not in the table,
    CorpusError if the package cannot be fetched or its hash is wrong.
    """
    entry = SOURCES[name]
    folder = cache() / "sources" / entry.folder
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix="fetch-", ignore_cleanup_errors=True) as temporary:
        work = Path(temporary)
        archive = _download(entry, work / "download")
        verify(entry, archive)
        unpack(archive, work / "tree", entry.leave_out)
        try:
            (work / "tree").replace(folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster, with the same bytes
                raise
    return folder


def cache() -> Path:
    """Where everything fetched lies; moved by ZI_BENCH_DIR."""
    own = os.environ.get("ZI_BENCH_DIR")
    return Path(own).resolve() if own else user_cache_path("zicoder", appauthor=False) / "bench"


def assemble(size: str, into: Path) -> Path:
    """Copy the packages of one entry of SIZES side by side into a folder of that name under `into`, and return it."""
    root = into / size
    for name in SIZES[size]:
        shutil.copytree(source(name), root / SOURCES[name].folder)
    return root


def _download(entry: Source, into: Path) -> Path:
    into.mkdir()
    if entry.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise CorpusError(f"npm is not installed, and {entry.name} comes from its registry.")
        command = [npm, "pack", "--ignore-scripts", f"{entry.name}@{entry.version}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", entry.name, "--dest", str(into), f"{entry.name}=={entry.version}"]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    files = [path for path in into.iterdir() if path.name.endswith((".tar.gz", ".tgz"))]
    if done.returncode or len(files) != 1:
        why = done.stderr.strip().splitlines()[-1:] or ["no archive came"]
        raise CorpusError(f"{entry.name} {entry.version} could not be fetched: {why[0]}")
    return files[0]


def verify(entry: Source, archive: Path) -> None:
    """Raise CorpusError unless an archive has the bytes that were recorded."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        raise CorpusError(f"{entry.name} {entry.version} has the hash {found}, not the recorded {entry.sha256}.")


def unpack(archive: Path, into: Path, leave_out: Sequence[str] = ()) -> None:
    """Unpack regular files without their first folder. Links, devices and paths that lead outside are not unpacked."""
    into.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name.replace("\\", "/")).parts[1:]
            path = "/".join(parts)
            if not (parts and member.isfile()) or ".." in parts or any(_within(path, prefix) for prefix in leave_out):
                continue
            target = into.joinpath(*parts)
            if not target.resolve().is_relative_to(into.resolve()):
                continue
            stream = tar.extractfile(member)
            if stream is None:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with stream, target.open("wb") as file:
                shutil.copyfileobj(stream, file)


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def main(argv: Sequence[str]) -> int:
    """Fetch every package and check every question; 1 if an answer is missing."""
    from tests.bench.questions import faults

    for entry in sources():
        print(f"{entry.name:<20} {entry.role:<7} {source(entry.name)}")
    wrong = faults()
    print("\n".join(wrong) or "every answer is in the sources")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
