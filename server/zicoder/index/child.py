"""The parent's side of a process that answers framed questions, one at a time, each within a time.

Owns the process: started by the first question, started again after one that it died of, or was ended for. Blocking,
for threads. What it must never do: fork (LanceDB's threads would not survive it).
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, TypeVar, cast

import msgspec

from zicoder.index.frames import read_frame, write_frame

__all__ = ["Child"]

T = TypeVar("T", bound=msgspec.Struct)


class Child:
    """One process of this Python, or none yet."""

    def __init__(self, module: str, *, stuck_s: float, behind: bool = False) -> None:
        """It runs `module`, and is ended when a question takes longer than `stuck_s`.

        With `behind` it gives way to others, on Windows, where only the parent can have it so.
        """
        self._module = module
        self._stuck_s = stuck_s
        self._behind = behind
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: msgspec.Struct, answer: type[T], failed: Callable[[Exception], None]) -> T | None:
        """The answer; None when the process died of the question, or had to be ended. `failed` hears why, if known."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._started()
        alarm = threading.Timer(self._stuck_s, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            write_frame(cast("BinaryIO", process.stdin), msgspec.msgpack.encode(question))
            frame = read_frame(cast("BinaryIO", process.stdout))
            if frame is not None:
                return msgspec.msgpack.decode(frame, type=answer)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            failed(error)
        finally:
            alarm.cancel()
        self.end()
        return None

    def kill(self) -> None:
        """Have an `ask` under way in another thread come back without an answer."""
        if (process := self._process) is not None:
            process.kill()

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | (subprocess.BELOW_NORMAL_PRIORITY_CLASS if self._behind else 0)
        return subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=flags,
        )
