"""The process that reads files for the index: decodes, judges, cuts into chunks, splits into words, embeds.

A process of its own, because grammars are native code that meets hostile input, and because Python would otherwise
hold up the editor while it works. It runs at low priority and opens files of the project for reading, nothing else.
When its input ends the parent is gone, and so is it, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from zicoder.index.chunking import chunks_of
from zicoder.index.chunking.windows import windows
from zicoder.index.document import ChunkWords, row_of
from zicoder.index.frames import FileRows, Read, ReadResult, read_frame, write_frame
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.types import Chunk
from zicoder.index.vectors import quantised
from zicoder.index.walk import Skip, content_reason
from zicoder.text import language_of

__all__ = ["hash_of", "main", "reason_of", "rows_of", "text_of"]

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
LOWER_PRIORITY = 10


def hash_of(content: bytes) -> str:
    """What tells one content of a file from another."""
    return blake2b(content, digest_size=16).hexdigest()


def text_of(content: bytes) -> str:
    """The text of a file; bytes that are no text become U+FFFD."""
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8")
    return content.decode(encoding, errors="replace")


def reason_of(path: str, content: bytes) -> Skip | None:
    """Why a file with this content is not in the index, or None if it is."""
    if content[:2] in _WIDE_BOMS:
        content = text_of(content).encode(errors="replace")
    return content_reason(path, content)


def rows_of(path: str, content: bytes, embedder: StaticEmbedder, *, plainly: bool = False) -> FileRows:
    """Everything the index keeps of one file. `plainly`: by line windows, whatever the language."""
    file_hash = hash_of(content)
    skip = reason_of(path, content)
    if skip is not None:
        return FileRows(path, file_hash, [], b"", skip)
    text = text_of(content)
    language = language_of(Path(path))
    chunks: Sequence[Chunk] = windows(text, language) if plainly else chunks_of(text, language)
    words = [ChunkWords.of(chunk, path) for chunk in chunks]
    rows = [row_of(path, number, chunk, own) for number, (chunk, own) in enumerate(zip(chunks, words, strict=True))]
    vectors = embedder.embed_documents(words)
    return FileRows(path, file_hash, rows, quantised(vectors).tobytes())


def _read(request: Read, path: str, embedder: StaticEmbedder) -> FileRows:
    unsaved = request.unsaved.get(path)
    if unsaved is not None:
        return rows_of(path, unsaved.encode(errors="replace"), embedder, plainly=request.plainly)
    try:
        with (Path(request.root) / path).open("rb") as file:
            content = file.read(request.max_bytes + 1)  # it may have grown since it was listed
    except (FileNotFoundError, NotADirectoryError):
        return FileRows(path, "", [], b"", Skip.VANISHED)
    except (OSError, ValueError):
        return FileRows(path, "", [], b"", Skip.UNREADABLE)
    if len(content) > request.max_bytes:
        return FileRows(path, "", [], b"", Skip.TOO_LARGE)
    return rows_of(path, content, embedder, plainly=request.plainly)


def _listen(stdin: BinaryIO, requests: queue.Queue[bytes]) -> None:
    while (frame := read_frame(stdin)) is not None:
        requests.put(frame)
    os._exit(0)


def main() -> None:
    """Answer requests until the input ends."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between our frames
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(LOWER_PRIORITY)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(stdin, requests), daemon=True).start()
    embedder = StaticEmbedder.load()
    decode = msgspec.msgpack.Decoder(Read).decode
    while True:
        request = decode(requests.get())
        try:
            answer = ReadResult([_read(request, path, embedder) for path in request.paths])
        except Exception:  # noqa: BLE001 - whatever it is, the other side must hear of it
            answer = ReadResult([], traceback.format_exc())
        write_frame(stdout, msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
