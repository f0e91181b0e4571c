"""Where a Python name can be imported from: the project, the standard library, installed packages. Ranked.

Files are read, as text and within limits; nothing is imported or run.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from zicoder.assist.actions.action import Index
from zicoder.assist.actions.python_imports import Import
from zicoder.text import common_prefix

if TYPE_CHECKING:  # LanceDB takes a second to import
    from zicoder.index.search import Hit
    from zicoder.index.symbols import Symbol

__all__ = ["Candidates", "Installed", "candidates", "module_of"]

MOST = 6
"""Candidates that are offered for one name."""
MOST_HEADS = 20
"""Files whose imports are read for one name."""
HEAD_BYTES = 16_000
CLEARLY = 3
"""So much more usual a way must be than the next to be the project's way."""
MAX_PACKAGES = 600
MAX_INIT_BYTES = 128_000
MAX_NAMES = 3_000
SOURCE_FOLDERS = frozenset(("src", "lib", "python", "server"))
"""Folders that hold packages without being one."""

_ALIASES = {
    "np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "mpl": "matplotlib", "sns": "seaborn",
    "tf": "tensorflow", "jnp": "jax.numpy", "nx": "networkx", "xr": "xarray", "pa": "pyarrow", "pl": "polars",
    "sp": "scipy", "sa": "sqlalchemy", "dt": "datetime", "ET": "xml.etree.ElementTree", "mp": "multiprocessing",
    "npt": "numpy.typing", "gpd": "geopandas", "go": "plotly.graph_objects", "px": "plotly.express", "st": "streamlit",
}  # fmt: skip
_FROM_LINE = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)", re.M)
_AS_LINE = re.compile(r"^[ \t]*import[ \t]+([\w.]+)[ \t]+as[ \t]+(\w+)", re.M)
_PLAIN_LINE = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)$", re.M)
_DEFINED = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+([^\W\d]\w*)|^([^\W\d]\w*)[ \t]*(?::[^=\n]+)?=(?!=)", re.M)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What to import, best first."""

    imports: tuple[Import, ...]
    sure: bool
    """Whether the first is the way that the project itself goes, or the only one."""


async def candidates(name: str, *, index: Index | None, root: Path | None, own: Path | None, installed: Installed,
                     used: str = "") -> Candidates:  # fmt: skip
    """What to import for a name that is not defined. `own`: the file that needs it; `used`: its text."""
    in_use: list[tuple[Import, int]] = []
    found: dict[Import, None] = {}
    if index is not None and root is not None:
        hits, symbols = await asyncio.gather(index.callers(name, 40), index.symbols(name, 60))
        in_use = await asyncio.to_thread(_in_use, name, hits, root, own)
        found |= dict.fromkeys(each for each, _ in in_use)
        found |= dict.fromkeys(await asyncio.to_thread(_of_project, name, symbols, root, own))
    imported = {_top(match[1]) for match in re.finditer(r"^\s*(?:from|import)\s+([\w.]+)", used, re.M)}
    for each in _of_stdlib(name):
        found[each] = None
    here = _own_package(own, root) if root is not None and own is not None else ""
    for each in sorted(installed.having(name), key=lambda each: (each.module not in imported, each.module)):
        if not here or _top(each.module) != _top(here):  # the project itself, as it was installed
            found[each] = None
    alias = _ALIASES.get(name)
    if alias and (alias.partition(".")[0] in sys.stdlib_module_names or installed.has(alias)):
        found[Import(alias, alias=name)] = None
    usual = bool(in_use) and (len(in_use) == 1 or in_use[0][1] >= CLEARLY * in_use[1][1])
    styled = [_in_style(each, here, used) for each in found][:MOST]
    return Candidates(tuple(dict.fromkeys(styled)), usual or len(found) == 1)


def _top(module: str) -> str:
    return module.partition(".")[0]


def _own_package(own: Path, root: Path) -> str:
    """The dotted name of the package that a file is in."""
    module = module_of(own, root)
    return module if own.stem == "__init__" else module.rpartition(".")[0]


def _in_style(wanted: Import, package: str, used: str) -> Import:
    """The same written relative to the file's package, where its other imports are."""
    top = _top(package)
    if not top or _top(wanted.module) != top or not wanted.name or wanted.alias == wanted.module:
        return wanted
    relative = re.search(r"^from[ \t]+\.", used, re.M) is not None
    if not relative or re.search(rf"^(?:from|import)[ \t]+{re.escape(top)}\b", used, re.M):
        return wanted
    steps = package.split(".")
    parts = wanted.module.split(".")
    shared = common_prefix(steps, parts)
    return replace(wanted, module="." * (len(steps) - shared + 1) + ".".join(parts[shared:]))


def _in_use(name: str, hits: Sequence[Hit], root: Path, own: Path | None) -> list[tuple[Import, int]]:
    """How the project's own files import the name and how often, the most usual way first. Blocking.

    How others import from the package that `own` is part of is not how that package does it itself.
    """
    home = _top(_own_package(own, root)) if own is not None else ""
    counted: Counter[Import] = Counter()
    texts: dict[str, str] = {}
    for hit in hits:
        if hit.language == "python" and root / hit.path != own:
            texts[hit.path] = f"{texts.get(hit.path, '')}{hit.text}\n"
    for path, text in list(texts.items())[:MOST_HEADS]:
        package = _own_package(root / path, root)
        made = _imports_in(_head(root / path) + text, name, package)
        outside = _top(package) != home
        counted.update(each for each in made if not (outside and home and _top(each.module) == home))
    return counted.most_common(MOST)


def _imports_in(text: str, name: str, package: str) -> set[Import]:
    """The imports of a text that bind a name, with absolute modules."""
    found: set[Import] = set()
    for match in _FROM_LINE.finditer(text):
        module = _absolute(match[1], package)
        for part in re.sub(r"#[^\n]*", "", match[2]).strip("() \t\n\\").split(","):
            original, _, alias = (each.strip() for each in part.strip().partition(" as "))
            if (alias or original) == name and original.isidentifier() and module:
                found.add(Import(module, original, alias if alias != original else ""))
    for match in _AS_LINE.finditer(text):
        if match[2] == name:
            found.add(Import(match[1], alias=name))
    for match in _PLAIN_LINE.finditer(text):
        if name in [each.strip() for each in match[1].split(",")]:
            found.add(Import(name))
    return found


def _absolute(module: str, package: str) -> str:
    """A module as its full name, "" where the file's own is not known."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parts = package.split(".") if package else []
    if level - 1 >= len(parts):
        return ""
    return ".".join(filter(None, [*parts[: len(parts) - level + 1], module[level:]]))


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _of_project(name: str, symbols: Sequence[Symbol], root: Path, own: Path | None) -> list[Import]:
    """Where the project defines the name, near files first. Blocking."""
    found: list[tuple[int, str, Import]] = []
    for symbol in symbols:
        path = root / symbol.path
        if symbol.name != name or symbol.qualified not in ("", name) or path == own or path.suffix != ".py":
            continue
        module = module_of(path, root, own)
        if module:
            found.append((_distance(path, own), module, Import(module, name)))
    return [each for _, _, each in sorted(found, key=lambda item: item[:2])]


def _distance(path: Path, own: Path | None) -> int:
    """Steps between two files' folders; tests come last, since little is imported from there."""
    aside = 100 if any(part in ("tests", "test") for part in path.parts) else 0
    if own is None:
        return aside
    shared = common_prefix(path.parent.parts, own.parent.parts)
    return aside + len(path.parent.parts) + len(own.parent.parts) - 2 * shared


def module_of(path: Path, root: Path, own: Path | None = None) -> str:
    """The dotted name under which a file of the project is imported; "" for one that cannot be."""
    parts = [path.stem] if path.stem != "__init__" else []
    folder = path.parent
    while folder != root and (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    beside = own is not None and own.parent == folder and not (folder / "__init__.py").exists()
    if folder != root and folder.is_relative_to(root) and not beside and folder.name not in SOURCE_FOLDERS:
        parts = [*folder.relative_to(root).parts, *parts]
        if parts[0] in SOURCE_FOLDERS:
            parts = parts[1:]
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def _of_stdlib(name: str) -> list[Import]:
    found = [Import(name)] if name in sys.stdlib_module_names and not name.startswith("_") else []
    return found + [Import(module, name) for module in _stdlib().get(name, ())][:3]


@cache
def _stdlib() -> dict[str, list[str]]:
    """Modules by the name that they have, those that are imported most first."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    text = files("zicoder.assist.actions").joinpath("stdlib_names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        module, *names = line.split(" ")
        for name in names:
            table[name].append(module)
    return dict(table)


class Installed:
    """What is installed on a search path: top-level modules, and the names that packages show at their top.

    Read once, in whatever thread asks first.
    """

    def __init__(self, path: Sequence[str] = ()) -> None:
        self._path = tuple(path)
        self._turn = threading.Lock()
        self._modules: dict[str, Path] | None = None
        self._names: dict[str, list[str]] = {}

    @property
    def ready(self) -> bool:
        """Whether `having` answers at once."""
        return self._modules is not None

    def read(self) -> None:
        """Look through the search path. Blocking, for part of a second."""
        with self._turn:
            if self._modules is not None:
                return
            modules = dict(_top_level(self._path))
            names: defaultdict[str, list[str]] = defaultdict(list)
            for module, place in list(modules.items())[:MAX_PACKAGES]:
                for name in _shown_names(place):
                    names[name].append(module)
            self._names = dict(names)
            self._modules = modules

    def has(self, module: str) -> bool:
        """Whether a module's top-level package is installed."""
        return module.partition(".")[0] in (self._modules or {})

    def having(self, name: str) -> list[Import]:
        """The module of this name, and the packages that show the name; [] before `read`."""
        modules = self._modules or {}
        found = [Import(name)] if name in modules and name not in sys.stdlib_module_names else []
        return found + [Import(module, name) for module in self._names.get(name, ())]


def _top_level(path: Iterable[str]) -> Iterable[tuple[str, Path]]:
    for folder in path:
        if not re.search(r"(?:site|dist)-packages$", folder.rstrip("/\\")):
            continue
        try:
            entries = sorted(Path(folder).iterdir())
        except OSError:
            continue
        for entry in entries:
            name = entry.name.partition(".")[0]
            if not name.isidentifier() or name.startswith("_"):
                continue
            if entry.suffix == ".py":
                yield name, entry
            elif entry.suffix in ("", ".so", ".pyd") and (entry.suffix or (entry / "__init__.py").is_file()):
                yield name, entry / "__init__.py" if not entry.suffix else entry


def _shown_names(place: Path) -> list[str]:
    """The public names that a module's own text defines or imports."""
    if place.suffix != ".py":
        return []
    try:
        with place.open("rb") as file:
            text = file.read(MAX_INIT_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    found: dict[str, None] = {}
    for match in _DEFINED.finditer(text):
        found[match[1] or match[2]] = None
    for match in _FROM_LINE.finditer(text):
        if not match[1].startswith(("typing", "__future__")) and (match[1].startswith(".") or _inside(match[1], place)):
            for part in re.sub(r"#[^\n]*", "", match[2]).strip("() \t\n\\").split(","):
                found[part.split(" as ")[-1].strip()] = None
    return [name for name in found if name.isidentifier() and not name.startswith("_")][:MAX_NAMES]


def _inside(module: str, place: Path) -> bool:
    return module.partition(".")[0] == (place.parent.name if place.name == "__init__.py" else place.stem)
