"""The catalog: which models Zi Coder knows, what they are good for, and where their bytes may come from.

The data is catalog.toml. It is checked in full when it is loaded, so a slip in it cannot surface in mid-pull.
Nothing here touches the network or the store.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal, TypeAlias

import msgspec

from zicoder.errors import ModelError, UnknownModel
from zicoder.models.fim import TEMPLATES, FimTemplate

__all__ = ["Catalog", "HubSource", "ModelEntry", "Source", "WheelPiece", "WheelSource", "load_catalog", "parse_catalog"]

Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Bytes: TypeAlias = Annotated[int, msgspec.Meta(gt=0)]
FileName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[\w][\w.\-]*$")]
Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
"""Names go on command lines and into file names, so they hold nothing that needs quoting."""


class HubSource(msgspec.Struct, frozen=True, tag_field="kind", tag="hub", forbid_unknown_fields=True):
    """One file of one repository of the public hub, at a fixed commit."""

    repo: Annotated[str, msgspec.Meta(pattern=r"^[\w.\-]+/[\w.\-]+$")]
    revision: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}$")]
    file: FileName


class WheelPiece(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run of the model's bytes: one member of one wheel. `size` is the member's, unpacked."""

    project: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$")]
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9][A-Za-z0-9.!+]*$")]
    member: str
    size: Bytes

    def __post_init__(self) -> None:
        path = PurePosixPath(self.member)
        if path.is_absolute() or ".." in path.parts or "\\" in self.member:
            raise ValueError(f"the member path {self.member!r} leaves the wheel")

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.project}=={self.version}"


class WheelSource(msgspec.Struct, frozen=True, tag_field="kind", tag="wheels", forbid_unknown_fields=True):
    """Wheels whose members, put one after the other, are the model."""

    pieces: Annotated[tuple[WheelPiece, ...], msgspec.Meta(min_length=1)]


Source: TypeAlias = HubSource | WheelSource


class ModelEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model: what it is, and the sources that can deliver its bytes (best first)."""

    name: Name
    file: FileName
    size: Bytes
    sha256: Sha256
    licence: str
    parameters: str
    context_tokens: Annotated[int, msgspec.Meta(gt=0)]
    good_for: tuple[Literal["infill", "chat", "fallback", "embedding"], ...]
    summary: str
    fim: str = ""
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if self.fim and self.fim not in TEMPLATES:
            raise ValueError(f"there is no FIM template {self.fim!r}")
        for source in self.sources:
            if isinstance(source, WheelSource) and sum(piece.size for piece in source.pieces) != self.size:
                raise ValueError(f"the pieces of {self.name!r} do not add up to its size")

    @property
    def suffix(self) -> str:
        """Of the file's name, with its dot: it says what format the bytes have."""
        return PurePosixPath(self.file).suffix

    @property
    def fim_template(self) -> FimTemplate | None:
        """Tokens that mark the hole; None for a model that only writes left to right."""
        return TEMPLATES[self.fim] if self.fim else None


class Catalog(Mapping[str, ModelEntry]):
    """Model entries by name, in the order of the file."""

    def __init__(self, entries: tuple[ModelEntry, ...]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        if len(self._entries) != len(entries):
            raise ModelError("The model catalog names one model twice.")

    def __getitem__(self, name: str) -> ModelEntry:
        """The entry called `name`. Raises KeyError; `find` is for names a person typed."""
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> ModelEntry:
        """The entry called `name`. Raises UnknownModel with the closest match, else with every name."""
        if name in self._entries:
            return self._entries[name]
        wanted = name.lower()
        close = [known for known in self._entries if known.startswith(wanted)] if wanted else []
        close = close or difflib.get_close_matches(wanted, self._entries, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(self._entries)}."
        raise UnknownModel(f"There is no model called {name!r}.", hint=hint)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: tuple[ModelEntry, ...]


def parse_catalog(text: str) -> Catalog:
    """Check and build a catalog from TOML. Raises ModelError that says which field is wrong."""
    try:
        return Catalog(msgspec.convert(tomllib.loads(text), _File).models)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ModelError(f"The model catalog is not valid: {error}.") from error


@cache
def load_catalog() -> Catalog:
    """The catalog that ships with the package. It is immutable, so one copy serves everyone."""
    return parse_catalog((resources.files("zicoder.models") / "catalog.toml").read_text(encoding="utf-8"))
