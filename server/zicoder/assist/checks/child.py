"""The process that reads whole texts for the checks: grammars, Python's parser, what names a text defines and uses.

A process of its own, because grammars and `compile` are native code that meets hostile text, and because Python would
otherwise hold up the editor. It opens nothing of a project, and runs and imports nothing but Zi Coder and Python's own
library. When its input ends the parent is gone, and so is it.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from zicoder.assist.checks.frames import Answer, Request
from zicoder.assist.checks.mending import mend
from zicoder.assist.checks.python_edits import call_of, unused_import_edit, unused_variable_edit
from zicoder.assist.checks.python_names import names_in
from zicoder.assist.checks.python_syntax import compile_error
from zicoder.assist.checks.syntax import syntax
from zicoder.assist.definitions import definitions_in
from zicoder.index.frames import read_frame, write_frame

__all__ = ["main"]

_QUESTIONS: dict[str, Callable[..., Any]] = {
    "syntax": syntax,
    "compile": compile_error,
    "names": names_in,
    "unused_import": unused_import_edit,
    "unused_variable": unused_variable_edit,
    "call": call_of,
    "mend": mend,
    "definitions": definitions_in,
}


def _listen(stdin: BinaryIO, requests: queue.Queue[bytes]) -> None:
    while (frame := read_frame(stdin)) is not None:
        requests.put(frame)
    os._exit(0)


def main() -> None:
    """Answer requests until the input ends."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between our frames
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(stdin, requests), daemon=True).start()
    decode = msgspec.msgpack.Decoder(Request).decode
    while True:
        request = decode(requests.get())
        try:
            answer = Answer(_QUESTIONS[request.question](*request.arguments))
        except Exception:  # noqa: BLE001 - whatever it is, the other side must hear of it
            answer = Answer(None, traceback.format_exc())
        write_frame(stdout, msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
