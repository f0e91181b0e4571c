"""The messages between the indexer and the processes that read files, and how they are framed.

Framed as the engine's are. A `Read` goes down the child's stdin and is answered by
exactly one `ReadResult` on its stdout. End of input ends the child.
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from zicoder.engine import protocol
from zicoder.index.walk import Skip

__all__ = ["FileRows", "Read", "ReadResult", "Row", "read_frame", "write_frame"]

MAX_FRAME = 512 * 1024 * 1024
"""Rows of a batch of files are more than what the engine sends; a longer frame means that the two sides lost step."""


class Read(msgspec.Struct, frozen=True):
    """Read, judge, cut and embed these files of a project.

    `unsaved` holds the texts of documents that an editor has open with changes, by path: they count, not the disk.
    `plainly` cuts by lines, after a grammar failed on them.
    """

    root: str
    paths: list[str]
    max_bytes: int
    unsaved: dict[str, str] = {}
    plainly: bool = False


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One chunk as the store keeps it, without its file's path and hash and without its vector."""

    id: str
    text_hash: str
    language: str
    kind: str
    symbol: str
    qualified: str
    signature: str
    start: int
    end: int
    text: str
    words: str
    names: str
    defines: str


class FileRows(msgspec.Struct, frozen=True):
    """What became of one file: its rows and vectors (`vectors.quantised`, row after row), or why it has none."""

    path: str
    file_hash: str
    rows: list[Row]
    vectors: bytes
    skip: Skip | None = None


class ReadResult(msgspec.Struct, frozen=True):
    """The answer to a `Read`, file by file in the same order, or what went wrong inside."""

    files: list[FileRows]
    error: str = ""


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one frame. Raises OSError when the other side is gone."""
    stream.write(protocol.framed(body))
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The body of the next frame, None at the end of input. Raises msgspec.DecodeError for what cannot be a frame."""
    return protocol.read_frame(stream, MAX_FRAME)
