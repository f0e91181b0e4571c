"""Pulls one model in a process of its own, for tests that kill it, limit it or race it.

Arguments: store root, catalog entry as JSON, then places to look in. DRIVER_* variables say what to do on the way:
KILL_AT (die by SIGKILL once so many bytes are there), HOLD (wait until this file exists), LIMIT (largest file).
"""

import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from zicoder.errors import ZiError
from zicoder.models.catalog import Catalog, ModelEntry
from zicoder.models.store import ModelStore


def main() -> int:
    root, entry_json, *places = sys.argv[1:]
    entry = msgspec.json.decode(entry_json, type=ModelEntry)
    kill_at = int(os.environ.get("DRIVER_KILL_AT", "0"))
    hold = os.environ.get("DRIVER_HOLD")
    if limit := os.environ.get("DRIVER_LIMIT"):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))

    def progress(step) -> None:
        print(f"{step.title}|{step.done}|{step.detail}", flush=True)
        if kill_at and step.done >= kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        while hold and not Path(hold).exists():
            time.sleep(0.01)

    store = ModelStore(Path(root), catalog=Catalog((entry,)))
    try:
        print(f"done|{store.pull(entry, places, progress)}", flush=True)
    except ZiError as error:
        print(f"{type(error).__name__}|{error}|{error.hint}", flush=True)
        return 1
    return 0


sys.exit(main())
