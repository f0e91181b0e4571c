"""Which files belong to the index: the walk over a project, and the same judgement for one path.

Honours `.gitignore` with git's semantics (nested ones, those of the repository above the project, and
`.git/info/exclude`; the user's global excludes are not read), `.zicoderignore` with the same syntax and the last word,
and knows folders that are evidently output. A tracked file that a rule ignores counts as ignored.

It follows no link, opens nothing but ignore files, and never reads a file that is to be indexed: what its bytes say is
asked by the reader, through `content_reason`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zicoder.errors import InputError
from zicoder.index.ignore import MAX_BYTES as MAX_IGNORE_BYTES
from zicoder.index.ignore import Rules, byte_text
from zicoder.index.skip import HEAD_BYTES, OUTPUT, OUTPUT_BESIDE, OUTPUT_WITH, Skip, content_reason, name_reason

__all__ = [
    "HEAD_BYTES",
    "IGNORE_FILES",
    "MAX_FILE_BYTES",
    "FileFilter",
    "Found",
    "Skip",
    "Walk",
    "Walked",
    "content_reason",
    "walk",
]

MAX_FILE_BYTES = 1 << 20
"""A hand-written file is hardly ever larger: the largest in Django and NumPy have 300 KiB."""

OWN, GIT = ".zicoderignore", ".gitignore"
IGNORE_FILES = frozenset({OWN, GIT})
MAX_EXAMPLES = 5

_REPOSITORY = ".git"
_WINDOWS = sys.platform == "win32"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that belongs to the index, as far as its name and size can tell."""

    path: str
    """Project-relative, parts joined by "/", as it is on disk."""
    size: int
    """Bytes."""
    mtime_ns: int


@dataclass
class Walked:
    """What a whole walk found."""

    files: list[Found]
    skipped: Counter[Skip]
    """A folder that was not entered counts once."""
    examples: dict[Skip, list[str]]
    """At most `MAX_EXAMPLES` paths a reason, folders with a slash at their end."""


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    """Project-relative with a slash at its end; "" for the root."""
    own: tuple[Rules, ...]
    """Of `.zicoderignore` files, the deepest first."""
    git: tuple[Rules, ...]

    def verdict(self, name: str, *, folder: bool) -> tuple[bool | None, bool | None]:
        """What our rules, and what git's, say about an entry."""
        path = byte_text(self.path + name)
        return _verdict(self.own, path, folder), _verdict(self.git, path, folder)


def _verdict(rules: tuple[Rules, ...], path: str, folder: bool) -> bool | None:
    for these in rules:
        if (verdict := these.verdict(path, folder=folder)) is not None:
            return verdict
    return None


class FileFilter:
    """Judges the paths of one project. Its answer for a path is the one that a walk gives.

    `max_bytes`: larger files are left out. `ignore`: further rules in gitignore syntax, relative to the root, above all
    others. What it read of ignore files it keeps until `reload`; one object may serve several threads.

    Raises `InputError` if the root is no folder.
    """

    def __init__(self, root: Path, *, max_bytes: int = MAX_FILE_BYTES, ignore: Sequence[str] = ()) -> None:
        try:
            self.root = root.resolve(strict=True)
            if not self.root.is_dir():
                raise InputError(f"{root} is a file, not a folder.", hint="Give the folder of the project.")
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"There is no folder {root}, or it cannot be read.") from error
        self.max_bytes = max_bytes
        self._base = os.path.join(self.root, "")  # noqa: PTH118 - a text; a Path for every file takes seconds
        self._bases = {os.path.normcase(base) for base in (self._base, os.path.join(os.path.abspath(root), ""))}  # noqa: PTH100, PTH118
        self._fold_case = _folds_case(self.root)
        extra = Rules("\n".join(ignore).encode("utf-8", "surrogateescape"), fold_case=self._fold_case)
        self._extra = (extra,) if extra else ()
        self._folders: dict[str, _Folder] = {}

    def reload(self) -> None:
        """Forgets what was read of ignore files and of folders."""
        self._folders = {}

    def absolute(self, path: str) -> str:
        """The place on disk of a project-relative path."""
        return self._base + (path.replace("/", os.sep) if _WINDOWS else path)

    def relative(self, place: str) -> str | None:
        """The project-relative path of an absolute one; "" for the root, None if it lies outside."""
        for base in self._bases:
            if os.path.normcase(place).startswith(base):
                return place[len(base) :].replace(os.sep, "/")
            if os.path.normcase(place) == base[:-1]:
                return ""
        return None

    def reason(self, path: str, *, size: int | None = None) -> Skip | None:
        """Why this project-relative path is not in the index, or None if it is.

        With `size` (bytes) the file need not be on disk: text that is not saved, or a file that was deleted.
        """
        *above, name = path.split("/")
        if not name or any(part in {"", ".", ".."} for part in path.split("/")):
            return Skip.NAME
        folder = self._folder_of(above)
        if isinstance(folder, Skip):
            return folder
        if skip := self.entry_reason(folder, name, folder_entry=False):
            return skip
        try:
            status = os.lstat(self.absolute(path))
        except (FileNotFoundError, NotADirectoryError):
            if size is None:
                return Skip.VANISHED
            return name_reason(name) or self._size_reason(size)
        except (OSError, ValueError):
            return Skip.UNREADABLE
        return self.file_reason(name, status, size=size)

    def folder_reason(self, path: str) -> Skip | None:
        """Why a walk does not enter this folder, or None if it does."""
        folder = self._folder_of(path.split("/"))
        return folder if isinstance(folder, Skip) else None

    def entry_reason(self, folder: _Folder, name: str, *, folder_entry: bool) -> Skip | None:
        """What rules and names say about an entry of a folder."""
        if not _is_text(name):
            return Skip.NAME
        if name == _REPOSITORY or (self._fold_case and name.lower() == _REPOSITORY):
            return Skip.IGNORED
        own, git = folder.verdict(name, folder=folder_entry)
        if own is not None:
            return Skip.IGNORED if own else None
        if git or (folder_entry and self._is_output(folder, name)):
            return Skip.IGNORED
        return None

    def file_reason(self, name: str, status: os.stat_result, *, size: int | None = None) -> Skip | None:
        """What the kind, the name and the size of a file say that no rule ignores."""
        if _is_link(status):
            return Skip.LINK
        if not stat.S_ISREG(status.st_mode):
            return Skip.UNREADABLE
        return name_reason(name) or self._size_reason(status.st_size if size is None else size)

    def top(self, names: Collection[str] | None = None) -> _Folder:
        """The root with its rules."""
        return self._with_rules(_Folder("", self._extra, _rules_above(self.root, self._fold_case)), names)

    def enter(self, parent: _Folder, name: str, names: Collection[str] | None = None) -> _Folder | Skip:
        """A folder that `entry_reason` let pass. `names` are its entries, if they are known."""
        folder = _Folder(f"{parent.path}{name}/", parent.own, parent.git)
        if any(self._holds(folder, tag, names) for tag in OUTPUT_WITH):
            own, _ = parent.verdict(name, folder=True)
            if own is None:
                return Skip.IGNORED
        return self._with_rules(folder, names)

    def _folder_of(self, parts: list[str]) -> _Folder | Skip:
        folders = self._folders  # a reload meanwhile must not get what was read before it
        folder = folders.get("")
        if folder is None:
            folder = folders[""] = self.top()
        for name in parts:
            path = f"{folder.path}{name}/"
            if known := folders.get(path):
                folder = known
                continue
            if skip := self.entry_reason(folder, name, folder_entry=True):
                return skip
            try:
                status = os.lstat(self.absolute(path[:-1]))
            except (OSError, ValueError):
                status = None
            if status is not None and _is_link(status):
                return Skip.LINK
            if status is None or not stat.S_ISDIR(status.st_mode):
                folder = _Folder(path, folder.own, folder.git)  # not there (any more): its own rules are not either
                continue
            entered = self.enter(folder, name)
            if isinstance(entered, Skip):
                return entered
            folders[path] = folder = entered
        return folder

    def _with_rules(self, folder: _Folder, names: Collection[str] | None) -> _Folder:
        own = self._rules(folder, OWN) if names is None or OWN in names else None
        git = self._rules(folder, GIT) if names is None or GIT in names else None
        extra = len(self._extra)
        return _Folder(
            folder.path,
            (*self._extra, own, *folder.own[extra:]) if own else folder.own,
            (git, *folder.git) if git else folder.git,
        )

    def _rules(self, folder: _Folder, name: str) -> Rules:
        data = _read(self.absolute(folder.path + name))
        return Rules(data, base=folder.path, fold_case=self._fold_case)

    def _is_output(self, folder: _Folder, name: str) -> bool:
        return name in OUTPUT or any(self._holds(folder, file, None) for file in OUTPUT_BESIDE.get(name, ()))

    def _holds(self, folder: _Folder, name: str, names: Collection[str] | None) -> bool:
        if names is not None:
            return name in names
        return os.path.lexists(self.absolute(folder.path + name))

    def _size_reason(self, size: int) -> Skip | None:
        return Skip.TOO_LARGE if size > self.max_bytes else None


@dataclass
class Walk:
    """One pass over a project: iterate it for the files, in a steady order. The rest fills up as it goes."""

    files: FileFilter
    skipped: Counter[Skip] = field(default_factory=Counter[Skip])
    examples: dict[Skip, list[str]] = field(default_factory=dict[Skip, list[str]])

    def __iter__(self) -> Iterator[Found]:
        for folder, entries in self._folders():
            for entry in entries:
                if found := self._file(folder, entry):
                    yield found

    def folders(self) -> Iterator[str]:
        """The folders whose files a walk looks at, "" (the root) first. Files are not judged or counted."""
        for folder, _ in self._folders():
            yield folder.path.rstrip("/")

    def _folders(self) -> Iterator[tuple[_Folder, list[os.DirEntry[str]]]]:
        """Every folder that is entered, with its entries that are no folders."""
        waiting: list[tuple[_Folder | None, str]] = [(None, "")]
        while waiting:
            parent, name = waiting.pop()
            path = f"{parent.path}{name}/" if parent else ""
            try:
                with os.scandir(self.files.absolute(path)) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self._skip(Skip.VANISHED if isinstance(error, FileNotFoundError) else Skip.UNREADABLE, path)
                continue
            names = {entry.name for entry in entries}
            folder = self.files.enter(parent, name, names) if parent else self.files.top(names)
            if isinstance(folder, Skip):
                self._skip(folder, path)
                continue
            below: list[tuple[_Folder | None, str]] = []
            others: list[os.DirEntry[str]] = []
            for entry in entries:
                if not _is_folder(entry):
                    others.append(entry)
                elif skip := self.files.entry_reason(folder, entry.name, folder_entry=True):
                    self._skip(skip, f"{folder.path}{entry.name}/")
                else:
                    below.append((folder, entry.name))
            waiting.extend(reversed(below))
            yield folder, others

    def _file(self, folder: _Folder, entry: os.DirEntry[str]) -> Found | None:
        path = folder.path + entry.name
        if (skip := self.files.entry_reason(folder, entry.name, folder_entry=False)) is None:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                skip = Skip.VANISHED
            except OSError:
                skip = Skip.UNREADABLE
            else:
                skip = self.files.file_reason(entry.name, status)
                if skip is None:
                    return Found(path, status.st_size, status.st_mtime_ns)
        self._skip(skip, path)
        return None

    def _skip(self, skip: Skip, path: str) -> None:
        self.skipped[skip] += 1
        examples = self.examples.setdefault(skip, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(path.encode("utf-8", "backslashreplace").decode())


def walk(root: Path, *, max_bytes: int = MAX_FILE_BYTES, ignore: Sequence[str] = ()) -> Walked:
    """Every file that belongs to the index. Raises `InputError` if `root` is no folder; see `FileFilter`."""
    pass_over = Walk(FileFilter(root, max_bytes=max_bytes, ignore=ignore))
    files = list(pass_over)
    return Walked(files, pass_over.skipped, pass_over.examples)


def _is_link(status: os.stat_result) -> bool:
    """Whether this is a symbolic link, or a junction of Windows, which is one in all but name."""
    return stat.S_ISLNK(status.st_mode) or (
        sys.platform == "win32" and status.st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not (_WINDOWS and _is_link(entry.stat(follow_symlinks=False)))
    except OSError:
        return False


def _is_text(name: str) -> bool:
    """Whether a name is one that UTF-8 can carry, as every store and editor wants it."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folds_case(root: Path) -> bool:
    """Whether the disk takes `A` and `a` for one name, asked of the root's own name."""
    other = root.with_name(root.name.swapcase()) if root.name else root
    if other.name == root.name:
        return sys.platform in {"win32", "darwin"}
    try:
        return other.samefile(root)
    except OSError:
        return False


def _read(place: str) -> bytes:
    """What an ignore file holds; nothing if it is no regular file (git does not follow a link there either)."""
    try:
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return b""
        with open(place, "rb") as file:  # noqa: PTH123 - see `FileFilter.__init__`
            return file.read(MAX_IGNORE_BYTES + 1)
    except (OSError, ValueError):
        return b""


def _rules_above(root: Path, fold_case: bool) -> tuple[Rules, ...]:
    """The rules of the repository that the root lies in: its `.gitignore` files above, its `.git/info/exclude`.

    None, if they ignore the root itself: whoever opens such a folder wants it.
    """
    top = next((folder for folder in (root, *root.parents) if os.path.lexists(folder / _REPOSITORY)), root)
    parts = root.relative_to(top).parts
    exclude = _read(str(top / _REPOSITORY / "info" / "exclude"))
    sources = [(exclude, 0)]
    sources += [(_read(str(top.joinpath(*parts[:depth], GIT))), depth) for depth in range(len(parts))]
    rules: list[Rules] = []
    for data, depth in sources:
        lead = "".join(f"{part}/" for part in parts[depth:])
        rules.insert(0, Rules(data, lead=lead, fold_case=fold_case))
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth])
        nearer = [
            Rules(data, base="".join(f"{p}/" for p in parts[:d]), fold_case=fold_case)
            for data, d in sources
            if d < depth
        ]
        if _verdict(tuple(reversed(nearer)), byte_text(path), True):
            return ()
    return tuple(these for these in rules if these)
