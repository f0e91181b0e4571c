"""Where a Python name can be imported from: the project, the standard library, installed packages. Ranked.

Files are read, as text and within limits; nothing is imported or run.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from zicoder.assist.actions.action import Index
from zicoder.assist.actions.python_imports import Import
from zicoder.text import common_prefix

__all__ = ["Installed", "candidates", "module_of"]

MOST = 6
"""Candidates that are offered for one name."""
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
_DEFINED = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+([^\W\d]\w*)|^([^\W\d]\w*)[ \t]*(?::[^=\n]+)?=(?!=)", re.M)


async def candidates(name: str, *, index: Index | None, root: Path | None, own: Path | None, installed: Installed,
                     used: str = "") -> list[Import]:  # fmt: skip
    """What to import for a name that is not defined, best first. `own`: the file that needs it; `used`: its text."""
    found: dict[Import, None] = {}
    if index is not None and root is not None:
        for each in await _in_use(name, index):
            found[each] = None
        for each in await _of_project(name, index, root, own):
            found[each] = None
    imported = {match[1].partition(".")[0] for match in re.finditer(r"^\s*(?:from|import)\s+([\w.]+)", used, re.M)}
    for each in _of_stdlib(name):
        found[each] = None
    for each in sorted(installed.having(name), key=lambda each: (each.module not in imported, each.module)):
        found[each] = None
    alias = _ALIASES.get(name)
    if alias and (alias.partition(".")[0] in sys.stdlib_module_names or installed.has(alias)):
        found[Import(alias, alias=name)] = None
    return list(found)[:MOST]


async def _in_use(name: str, index: Index) -> list[Import]:
    """How the project's own files import the name, the most usual way first."""
    counted: Counter[Import] = Counter()
    for hit in await index.callers(name, 40):
        if hit.language != "python":
            continue
        for match in _FROM_LINE.finditer(hit.text):
            names = re.split(r"[\s,()]+", match[2].partition("#")[0])
            if name in names and "as" not in names and match[1].strip("."):
                counted[Import(match[1], name)] += 0 if match[1].startswith(".") else 1
        for match in _AS_LINE.finditer(hit.text):
            if match[2] == name:
                counted[Import(match[1], alias=name)] += 1
    return [each for each, number in counted.most_common() if number]


async def _of_project(name: str, index: Index, root: Path, own: Path | None) -> list[Import]:
    """Where the project defines the name, near files first."""
    found: list[tuple[int, str, Import]] = []
    for symbol in await index.symbols(name, 60):
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
