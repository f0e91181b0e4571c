"""The embedding process: one model, fed through pipes, at the lowest priority the system has.

The main thread reads frames; a second thread works through the requests in order, on several cores; queries get a
thread of their own and overtake. When stdin closes the parent is gone, and so are we, at once. Must never reach the
network: the switches that keep libraries offline are set before they are imported.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import msgspec

from zicoder.engine.protocol import read_frame
from zicoder.errors import EngineUnavailable, ModelError, ModelNotInstalled, ZiError
from zicoder.models.embedding.wire import (
    Embed,
    Failed,
    Open,
    Opened,
    Reply,
    Request,
    Stopped,
    Vectors,
    encode,
)

if TYPE_CHECKING:
    from zicoder.models.embedding.bert import Bert, Floats
    from zicoder.models.embedding.bert_int8 import Int8Bert

__all__ = ["main"]

BATCH_TOKENS = 256
"""Tokens of one pass. More gain nothing on a CPU, whose caches they overflow, and take longer to stop."""
MINILM_HEADS = 12

_decoder = msgspec.msgpack.Decoder(Request)


class Runner(Protocol):
    """A loaded model."""

    dimension: int
    runtime: str
    lanes: int
    """Batches that may run side by side."""

    def prepare(self, texts: Sequence[str]) -> tuple[Sequence[Any], Sequence[int]]:
        """What a batch is made of, for each text, and the number of its tokens."""
        ...

    def run(self, batch: Sequence[Any], query: bool, abandoned: Callable[[], bool]) -> Floats:
        """A vector for each item, of any length."""
        ...


class MiniLm:
    """MiniLM, by the best means installed."""

    def __init__(self, request: Open) -> None:
        from zicoder.models.embedding.bert import read_safetensors
        from zicoder.models.embedding.wordpiece import WordPiece

        words = (Path(__file__).parent / "minilm-vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self._encoder = _encoder(read_safetensors(Path(request.path)), words, request.threads)
        self._tokenizer = WordPiece(words)
        self._limit = request.max_tokens
        self.dimension, self.runtime, self.lanes = self._encoder.dimension, self._encoder.runtime, request.threads

    def prepare(self, texts: Sequence[str]) -> tuple[Sequence[list[int]], Sequence[int]]:
        """Tokens."""
        ids = [self._tokenizer.encode(text, self._limit) for text in texts]
        return ids, [len(one) for one in ids]

    def run(self, batch: Sequence[Any], query: bool, abandoned: Callable[[], bool]) -> Floats:
        """Queries and documents are the same to this model."""
        return self._encoder(batch, abandoned)


def _encoder(tensors: dict[str, Floats], words: Sequence[str], threads: int) -> Bert | Int8Bert:
    """On 8-bit integers where that works: the vectors are nearly the same, so elsewhere nothing is lost but time."""
    try:
        from zicoder.models.embedding.bert_int8 import Int8Bert

        return Int8Bert(tensors, words, heads=MINILM_HEADS, threads=threads)
    except (ImportError, AttributeError, RuntimeError, ValueError, KeyError):
        from zicoder.models.embedding.bert import Bert

        return Bert(tensors, heads=MINILM_HEADS)


class SentenceTransformers:
    """A model that only sentence-transformers can run."""

    lanes = 1

    def __init__(self, request: Open) -> None:
        try:
            from zicoder.models.embedding.sentences import Sentences
        except ImportError as error:
            raise EngineUnavailable(
                f"sentence-transformers cannot be loaded: {error}.",
                hint="Run `pip install sentence-transformers` in Zi Coder's environment, "
                "or set `index.embedder` to minilm.",
            ) from error
        self._model = Sentences(request.path, threads=request.threads, max_tokens=request.max_tokens)
        self.dimension, self.runtime = self._model.dimension, self._model.runtime

    def prepare(self, texts: Sequence[str]) -> tuple[Sequence[str], Sequence[int]]:
        """The texts as they are; the library tokenizes."""
        return texts, self._model.lengths(texts)

    def run(self, batch: Sequence[Any], query: bool, abandoned: Callable[[], bool]) -> Floats:
        """With the prompt that the model wants before a query, if it wants one."""
        return self._model.embed(batch, query=query, abandoned=abandoned)


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches of like length, so that little is padded and none is long to stop."""
    found: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not found or (len(found[-1]) + 1) * lengths[index] > BATCH_TOKENS:
            found.append([])
        found[-1].append(index)
    return found


class Worker:
    """The state of the process."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._write_lock = threading.Lock()
        self._stopped: dict[int, threading.Event] = {}
        self._work: queue.SimpleQueue[Embed] = queue.SimpleQueue()
        self._queries: queue.SimpleQueue[Embed] = queue.SimpleQueue()

    def read(self) -> None:
        """Serve until the parent is gone; never returns."""
        try:
            while body := read_frame(self._stdin):
                match _decoder.decode(body):
                    case Open() as request:
                        threading.Thread(target=self._open, args=(request,), daemon=True).start()
                    case Embed() as request:
                        self._stopped[request.id] = threading.Event()
                        (self._queries if request.query else self._work).put(request)
                    case request:
                        if event := self._stopped.get(request.id):
                            event.set()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            print(f"embedding: unreadable frame: {error}", file=sys.stderr)  # noqa: T201
        finally:
            os._exit(0)

    def _open(self, request: Open) -> None:
        kinds: dict[str, Callable[[Open], Runner]] = {"minilm": MiniLm, "sentence-transformers": SentenceTransformers}
        try:
            runner = kinds[request.kind](request)
        except ZiError as error:
            self._send(_failure(0, error))
            return
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the parent must not wait in vain
            self._send(Failed(id=0, kind="EngineError", message=f"The embedding model cannot be loaded: {error!r}."))
            return
        self._send(Opened(dimension=runner.dimension, runtime=runner.runtime))
        for requests in (self._queries, self._work):
            threading.Thread(target=self._serve, args=(runner, requests), daemon=True).start()

    def _serve(self, runner: Runner, requests: queue.SimpleQueue[Embed]) -> None:
        with ThreadPoolExecutor(runner.lanes) as lanes:
            while True:
                request = requests.get()
                stopped = self._stopped[request.id]
                try:
                    self._send(_answer(runner, request, stopped, lanes))
                except ZiError as error:
                    self._send(_failure(request.id, error))
                except Exception as error:  # noqa: BLE001 - whatever a library raises, the parent must not wait in vain
                    self._send(Failed(id=request.id, kind="EngineError", message=f"Embedding failed: {error!r}."))
                finally:
                    del self._stopped[request.id]

    def _send(self, reply: Reply) -> None:
        frame = encode(reply)
        with self._write_lock:
            try:
                self._stdout.write(frame)
                self._stdout.flush()
            except OSError:
                os._exit(0)


def _answer(runner: Runner, request: Embed, stopped: threading.Event, lanes: ThreadPoolExecutor) -> Reply:
    import numpy as np

    from zicoder.models.embedding.bert import Abandoned

    if stopped.is_set():
        return Stopped(id=request.id)
    items, lengths = runner.prepare(request.texts)
    out = np.empty((len(items), runner.dimension), dtype="<f4")

    def run(batch: list[int]) -> None:
        out[batch] = runner.run([items[index] for index in batch], request.query, stopped.is_set)

    tasks = [lanes.submit(run, batch) for batch in batches(lengths)]
    try:
        for task in tasks:
            task.result()
    except Abandoned:
        return Stopped(id=request.id)
    finally:
        for task in tasks:
            task.cancel()
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
    return Vectors(id=request.id, data=out.tobytes())


def _failure(request_id: int, error: ZiError) -> Failed:
    kind = "EngineError"
    if isinstance(error, ModelError):
        kind = "ModelNotInstalled" if isinstance(error, ModelNotInstalled) else "ModelError"
    elif isinstance(error, EngineUnavailable):
        kind = "EngineUnavailable"
    return Failed(id=request_id, kind=kind, message=str(error), hint=error.hint)


def lower_priority() -> None:
    """Get out of everybody's way, threads started later included."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        with contextlib.suppress(OSError):
            os.nice(19)


def main() -> None:
    """Entry point of the child process."""
    # Ctrl-C in a terminal goes to the whole group; the parent decides when we end.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority()
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between our frames
    Worker(stdin, stdout).read()


if __name__ == "__main__":
    main()
