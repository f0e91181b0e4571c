"""`zi doctor`: looks at every component and says what it is, where it is, and what to do about it.

It only looks: nothing is installed, fetched or created. Native code is loaded in a child process, because a broken
native library can take its process with it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

import zicoder
from zicoder.agents.sandbox import open_sandbox
from zicoder.commands.index import project_root
from zicoder.errors import ModelNotInstalled, ZiError
from zicoder.models.calibration import AGAIN, BUDGET, Measured
from zicoder.models.partial import human_bytes
from zicoder.models.store import ModelStore, data_dir
from zicoder.settings import Settings, load_settings, user_settings_path
from zicoder.workspace import cache_dir, chosen_infill, index_dir, log_dir

__all__ = ["Check", "examine"]

_LLAMA = "llama-cpp-python"
_GRAMMAR = "tree-sitter-"
_EXTRAS = {
    "local": "For local models: `pip install 'zicoder[local]'`.",
    "index": "For the code index: `pip install 'zicoder[index]'`.",
    "embeddings": "For better vectors in half the time: `pip install 'zicoder[embeddings]'`.",
    "chat": "For /commands and chat: `pip install 'zicoder[chat]'`.",
    "acp": "For editors that speak the Agent Client Protocol: `pip install 'zicoder[acp]'`.",
}
"""Parts that a user may leave out, and what to do to have them."""
_LOAD_SECONDS = 60
_LOAD_LLAMA = "import llama_cpp; llama_cpp.llama_backend_init(); print(llama_cpp.__file__)"
_LOW_MEMORY = 2 * 1000**3
"""Below this the default model (0.7 GB with its context) and an editor fight for memory."""
_EDITORS = {"code": "Visual Studio Code", "codium": "VSCodium", "nvim": "Neovim"}
_COMPILERS = ("cl", "clang") if sys.platform == "win32" else ("cc", "gcc", "clang")


@dataclass(frozen=True, slots=True)
class Check:
    """What was found out about one component.

    `ok` is None for something optional that is not there; `advice` says what to do, or "".
    """

    name: str
    ok: bool | None
    version: str = ""
    where: str = ""
    advice: str = ""


def examine() -> list[Check]:
    """Look at everything. A look that itself fails becomes a failed check; it never stops the others."""
    settings, problems = load_settings()
    checks: list[Check] = []
    looks: dict[str, Callable[[], Iterator[Check]]] = {
        "python": _python,
        "dependencies": _dependencies,
        "native": _native,
        "models": lambda: _models(settings),
        "measurement": lambda: _measured(settings),
        "code index": lambda: _index(settings),
        "folders": _folders,
        "machine": _machine,
        "sandbox": lambda: _sandbox(settings),
        "editors": _editors,
    }
    for name, look in looks.items():
        try:
            checks.extend(look())
        except (ZiError, OSError, metadata.PackageNotFoundError, subprocess.SubprocessError) as error:
            checks.append(Check(name, ok=False, advice=f"This could not be examined: {error}."))
    path = user_settings_path()
    if problems:
        checks += [Check("settings", ok=False, where=str(path), advice=str(problem)) for problem in problems]
    else:
        checks.append(Check("settings", ok=True, version="" if path.exists() else "defaults", where=str(path)))
    return checks


def _python() -> Iterator[Check]:
    yield Check("python", sys.version_info >= (3, 11), platform.python_version(), sys.executable)
    yield Check("zicoder", ok=True, version=zicoder.__version__, where=str(Path(zicoder.__file__).parent))


def _dependencies() -> Iterator[Check]:
    """Packages named by our own metadata: the needed ones, then those of the extras, each once."""
    seen = {_LLAMA}
    grammars: list[str | None] = []
    for requirement in metadata.requires("zicoder") or []:
        found = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if found is None or found[0] in seen or (extra is not None and extra[1] not in _EXTRAS):
            continue
        name = found[0]
        seen.add(name)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            package = None
        if name.startswith(_GRAMMAR):
            grammars.append(name if package is None else None)
        elif package is not None:
            yield Check(name, ok=True, version=package.version, where=str(package.locate_file("")))
        elif extra is None:
            yield Check(name, ok=False, advice="Install Zi Coder again: `pip install zicoder`.")
        else:
            yield Check(name, ok=None, advice=_EXTRAS[extra[1]])
    missing = ", ".join(filter(None, grammars))
    count = f"{grammars.count(None)} of {len(grammars)}"
    advice = f"Read as plain lines: {missing}. {_EXTRAS['index']}" if missing else ""
    yield Check("grammars", ok=None if missing else True, version=count, advice=advice)


def _native() -> Iterator[Check]:
    """llama.cpp: is it installed, and does its library load on this machine?"""
    try:
        version = metadata.version(_LLAMA)
    except metadata.PackageNotFoundError:
        advice = "For inline suggestions: `pip install 'zicoder[local]'`."
        compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
        yield Check(_LLAMA, ok=False, advice=advice)
        need = "" if compiler else "llama-cpp-python is built from source: install a C and C++ compiler first."
        yield Check("C compiler", ok=compiler is not None, where=compiler or "", advice=need)
        return
    try:
        # -P: a folder called "llama_cpp" where the user stands is not the library.
        done = subprocess.run(
            [sys.executable, "-P", "-c", _LOAD_LLAMA],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield Check(_LLAMA, ok=False, version=version, advice=f"It did not load within {_LOAD_SECONDS} seconds.")
        return
    if done.returncode == 0:
        yield Check(_LLAMA, ok=True, version=version, where=done.stdout.strip().splitlines()[-1])
        return
    reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    advice = (
        f"Its native library does not load ({reason}). Run `pip install --force-reinstall --no-cache-dir {_LLAMA}`."
    )
    yield Check(_LLAMA, ok=False, version=version, advice=advice)


def _models(settings: Settings) -> Iterator[Check]:
    store = ModelStore()
    for entry in store.catalog.values():
        name, size, where = f"model {entry.name}", human_bytes(entry.size), str(store.blob(entry))
        match store.state(entry):
            case "installed":
                yield Check(name, ok=True, version=size, where=where)
            case "damaged":
                advice = f"The file has a wrong size. Run `zi model pull {entry.name}`."
                yield Check(name, ok=False, version=size, where=where, advice=advice)
            case "partial":
                advice = f"Half fetched. `zi model pull {entry.name}` goes on."
                yield Check(name, ok=None, version=size, where=str(store.partial(entry)), advice=advice)
            case "absent":
                yield Check(name, ok=None, version=size, advice=f"Not installed. `zi model pull {entry.name}`")
    wanted = settings.model.infill
    if wanted == "none" or wanted.startswith("scripted:"):
        yield Check("inline suggestions", ok=None, version=wanted, advice="`model.infill` chooses no local model.")
        return
    try:
        chosen = chosen_infill(settings, store)
    except ModelNotInstalled as error:
        yield Check("inline suggestions", ok=False, advice=error.sentence)
    except ZiError as error:
        yield Check("inline suggestions", ok=False, version=wanted, advice=error.sentence)
    else:
        yield Check("inline suggestions", ok=True, version=chosen.name, where=str(chosen.path))


def _measured(settings: Settings) -> Iterator[Check]:
    """How fast the models are here, once that was measured."""
    for row in Measured(cache_dir(), settings.engine).rows().values():
        advice = "" if row.in_time else f"`auto` looks for {BUDGET}. {AGAIN}"
        yield Check(f"measured {row.name}", ok=True if row.in_time else None, version=row.sentence, advice=advice)


def _index(settings: Settings) -> Iterator[Check]:
    """The index of the project around the current folder."""
    if not settings.index.enabled:
        yield Check("code index", ok=None, advice="It is switched off (`zi.index.enabled`).")
        return
    if importlib.util.find_spec("lancedb") is None:
        advice = f"{_EXTRAS['index']} LanceDB has no build for Intel Macs, Windows on ARM and musl."
        yield Check("code index", ok=None, advice=advice)
        return
    root = project_root(Path.cwd())
    folder = index_dir(root)
    place = settings.index.location or str(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size == 0 and not settings.index.location:
        yield Check("code index", ok=None, where=place, advice=f"{root} has none yet: `zi index`, or open an editor.")
        return
    yield Check("code index", ok=True, version=f"{human_bytes(size)} for {root}", where=place)


def _folders() -> Iterator[Check]:
    folders = {
        "data folder": data_dir(),
        "cache folder": cache_dir(),
        "log folder": log_dir(),
    }
    for name, folder in folders.items():
        trouble = _not_writable(folder)
        yield Check(
            name, ok=not trouble, where=str(folder), advice=f"It cannot be written to: {trouble}." * bool(trouble)
        )
    store = ModelStore()
    free = shutil.disk_usage(_nearest(data_dir())).free
    default = next(iter(store.catalog.values()))
    tight = not store.installed() and free < default.size
    advice = f"{default.name} needs {human_bytes(default.size)}: free some space or set ZI_DATA_DIR." if tight else ""
    yield Check("disk space", ok=not tight, version=f"{human_bytes(free)} free", where=str(data_dir()), advice=advice)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one upwards that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _not_writable(folder: Path) -> str:
    """Why nothing can be written to `folder`, or "". Tried for real where it exists: permissions alone can lie."""
    nearest = _nearest(folder)
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    if nearest != folder:
        return "" if os.access(nearest, os.W_OK) else f"{nearest} is read-only"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _machine() -> Iterator[Check]:
    cores, threads = psutil.cpu_count(logical=False), psutil.cpu_count()
    yield Check("processor", ok=True, version=f"{cores or threads} cores, {threads} threads", where=platform.machine())
    memory = psutil.virtual_memory()
    low = memory.total < _LOW_MEMORY
    advice = "Little memory: use the small model, `zi model pull smollm2-135m`." if low else ""
    version = f"{human_bytes(memory.total)}, {human_bytes(memory.available)} available"
    yield Check("memory", ok=not low, version=version, advice=advice)


def _sandbox(settings: Settings) -> Iterator[Check]:
    """Where commands of agents run, after a trial."""
    found = asyncio.run(open_sandbox(project_root(Path.cwd()), settings.agent))
    yield Check("sandbox", ok=True if found.name else None, version=found.name or "", advice=found.why_none)


def _editors() -> Iterator[Check]:
    for command, name in _EDITORS.items():
        where = shutil.which(command)
        yield Check(
            name, ok=True if where else None, where=where or "", advice="" if where else f"no `{command}` on PATH"
        )
