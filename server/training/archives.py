"""Reads source files out of wheels and npm tarballs without unpacking them. Never runs what is inside."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["LANGUAGES", "SourceFile", "sources_of"]

LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".java": "java",
    ".kt": "kotlin",
    ".swift": "swift",
    ".c": "c",
    ".h": "cpp",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
}
_LARGEST_FILE = 400_000
_LONGEST_MEAN_LINE = 110
_SKIPPED_DIRECTORIES_TEXT = (
    "test tests testing __tests__ __mocks__ spec specs _vendor vendor vendored _vendored extern externals "
    "third_party thirdparty node_modules locale locales lang i18n min deps bundled _pytest_vendor fixtures "
    "migrations"
)
_SKIPPED_DIRECTORIES = frozenset(_SKIPPED_DIRECTORIES_TEXT.split())
_SKIPPED_ENDINGS = ("_pb2.py", "_pb2_grpc.py", ".min.js", ".d.ts", ".test.js", ".test.ts", ".spec.js", ".spec.ts")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a package, decoded."""

    path: str
    language: str
    text: str


def sources_of(archive: Path, *, without: frozenset[str] = frozenset()) -> Iterator[SourceFile]:
    """Files in a known language, less tests, vendored, minified and generated ones and directories in `without`."""
    for path, content in _members(archive, without):
        text = content.decode("utf-8", errors="replace")
        if len(text) / (text.count("\n") + 1) <= _LONGEST_MEAN_LINE:
            yield SourceFile(path, LANGUAGES[PurePosixPath(path).suffix], text)


def _wanted(path: str, size: int, without: frozenset[str]) -> bool:
    name = PurePosixPath(path)
    directories = {part.lower() for part in name.parts[:-1]}
    return (
        name.suffix in LANGUAGES
        and 0 < size <= _LARGEST_FILE
        and not path.endswith(_SKIPPED_ENDINGS)
        and not name.name.startswith("test_")
        and not directories & _SKIPPED_DIRECTORIES
        and not directories & without
    )


def _members(archive: Path, without: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if _wanted(entry.filename, entry.file_size, without):
                    yield entry.filename, wheel.read(entry)
        return
    with tarfile.open(archive) as tarball:
        for member in tarball:
            if member.isfile() and _wanted(member.name, member.size, without):
                stream = tarball.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
