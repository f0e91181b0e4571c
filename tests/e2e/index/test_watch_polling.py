"""Without watches left in the system, the watcher polls, in a process that has none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from indexed import put

POLLING = """
import asyncio, sys, logging
from pathlib import Path
from zicoder.index import watch as module
from zicoder.index.walk import FileFilter
logging.basicConfig(format="%(message)s")
module.POLL_MS = 200
root = Path(sys.argv[1])
async def main():
    stop, ready = asyncio.Event(), asyncio.Event()
    async def write():
        await ready.wait()
        for number in range(200):
            (root / "a.py").write_text("y" * number)
            await asyncio.sleep(0.1)
    writer = asyncio.create_task(write())
    async for changes in module.watch(FileFilter(root), stop=stop, on_ready=ready.set):
        print(sorted(changes.changed))
        break
    writer.cancel()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a limit on watches")
def test_without_watches_it_polls_and_says_so(tmp_path: Path) -> None:
    for path in ("a.py", "pkg/b.py", "pkg/sub/c.py", "node_modules/x/i.js"):
        put(tmp_path, path, "x\n")
    # A user namespace of its own has its own limit, so nobody else notices.
    script = 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$0" -c "$1" "$2"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, POLLING, str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['a.py']\n", done.stderr
    assert done.stderr.count("The system cannot watch the 3 folders") == 1
