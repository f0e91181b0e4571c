"""The processes that read files: whatever becomes of one, the files are read and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from indexed import MAX_BYTES, function, put

from zicoder.errors import IndexUnavailable
from zicoder.index.child import Child
from zicoder.index.frames import Read, ReadResult, read_frame, write_frame
from zicoder.index.readers import Readers
from zicoder.index.walk import Skip

READER = [sys.executable, "-P", "-X", "utf8", "-m", "zicoder.index.reader"]
PATIENCE_S = 30.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def readers(root: Path) -> Iterator[Readers]:
    pool = Readers(root, max_bytes=MAX_BYTES, count=1)
    yield pool
    pool.close()


def child(readers: Readers) -> subprocess.Popen[bytes]:
    process = readers._every[0]._process
    assert process is not None
    return process


def replace_reader(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have readers run this before they begin: a grammar that crashes, in Python."""
    start = f"import os, signal, sys\nfrom zicoder.index import reader\n{code}\nreader.main()"

    def started(_: Child) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-P", "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(Child, "_started", started)


KILLED_BY_A_FILE = """
chunks_of = reader.chunks_of
def dying(text, language):
    if "deadly" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return chunks_of(text, language)
reader.chunks_of = dying
"""


def test_a_file_that_kills_the_reader_is_indexed_by_lines_and_the_others_as_ever(
    root: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_reader(monkeypatch, KILLED_BY_A_FILE)
    for name in ("a", "deadly", "z"):
        put(root, f"{name}.py", function(name))
    first, deadly, last = readers.read(["a.py", "deadly.py", "z.py"])
    assert [row.kind for row in deadly.rows] == ["lines"]
    assert (first.rows[0].symbol, last.rows[0].symbol) == ("a", "z")
    assert {len(file.vectors) for file in (first, deadly, last)} == {len(first.vectors)}


def test_a_reader_that_hangs_is_ended(root: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_reader(monkeypatch, KILLED_BY_A_FILE.replace("os.kill(os.getpid(), signal.SIGKILL)", "signal.pause()"))
    hanging = Child._started
    limits = iter((2.0, PATIENCE_S))

    def started(child: Child) -> subprocess.Popen[bytes]:
        """The first gets little time; the one after it may be slow to start on a busy machine."""
        child._stuck_s = next(limits)
        return hanging(child)

    monkeypatch.setattr(Child, "_started", started)
    put(root, "deadly.py", function("deadly"))
    [file] = readers.read(["deadly.py"])
    assert [row.kind for row in file.rows] == ["lines"]


def test_a_reader_that_was_killed_between_two_reads_is_started_again(root: Path, readers: Readers) -> None:
    put(root, "a.py", function("a"))
    assert readers.read(["a.py"])[0].rows
    child(readers).kill()
    assert readers.read(["a.py"])[0].rows


def test_readers_that_cannot_work_are_a_sentence_and_no_endless_loop(
    root: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_reader(monkeypatch, "sys.exit(3)")
    for n in range(5):
        put(root, f"{n}.py", function("f"))
    with pytest.raises(IndexUnavailable, match="cannot work"):
        readers.read([f"{n}.py" for n in range(5)])
    monkeypatch.undo()
    assert readers.read(["0.py"])[0].rows, "it works again, and so do we"


def test_an_internal_error_costs_one_file(root: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_reader(monkeypatch, KILLED_BY_A_FILE.replace("os.kill(os.getpid(), signal.SIGKILL)", "raise OSError"))
    put(root, "deadly.py", function("deadly"))
    put(root, "a.py", function("a"))
    deadly, other = readers.read(["deadly.py", "a.py"])
    assert [row.kind for row in deadly.rows] == ["lines"]
    assert [row.symbol for row in other.rows] == ["a"]


def test_unsaved_text_may_hold_anything(root: Path, readers: Readers) -> None:
    """A lone surrogate cannot be sent as it is; this must not look like a failure of the processes."""
    for text in ["x = '\ud83d'\n" + function("odd"), "\0", "", "\ufeff" + function("bom")] * 2:
        [file] = readers.read(["a.py"], {"a.py": text})
        assert file.skip in {None, Skip.BINARY}
    [file] = readers.read(["a.py"], {"a.py": "x = '\ud83d'\n" + function("odd")})
    assert "odd" in file.rows[0].defines


def test_files_that_cannot_be_read_say_why(root: Path, readers: Readers) -> None:
    put(root, "large.py", "x = 1\n" * MAX_BYTES)
    (root / "folder.py").mkdir()
    found = readers.read(["large.py", "folder.py", "missing.py", "nul\0.py"])
    assert [file.skip for file in found] == [Skip.TOO_LARGE, Skip.UNREADABLE, Skip.VANISHED, Skip.UNREADABLE]


def test_deep_nesting_is_survived(root: Path, readers: Readers) -> None:
    for name, text in {
        "deep.yaml": "".join(" " * n + f"k{n}:\n" for n in range(60)) + "[" * 1500,
        "deep.json": "[" * 2000,
        "deep.py": "(" * 2000,
        "deep.ts": "<" * 2000,
        "deep.md": "> " * 1000,
    }.items():
        put(root, name, text)
    names = sorted(place.name for place in root.iterdir())
    found = readers.read(names)
    assert [file.path for file in found if file.rows or file.skip is Skip.MINIFIED] == names


def test_closing_ends_a_read_under_way(root: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_reader(monkeypatch, KILLED_BY_A_FILE.replace("os.kill(os.getpid(), signal.SIGKILL)", "signal.pause()"))
    put(root, "deadly.py", function("deadly"))
    put(root, "a.py", function("a"))
    readers.read(["a.py"])
    process = child(readers)
    answers: list[object] = []
    reading = threading.Thread(target=lambda: answers.append(readers.read(["deadly.py", "a.py"])))
    reading.start()
    while psutil.Process(process.pid).status() != psutil.STATUS_SLEEPING or not readers._free.empty():
        time.sleep(0.01)
    readers.close()
    reading.join(PATIENCE_S)
    assert answers == [[]]
    assert process.poll() is not None
    assert readers.read(["a.py"]) == [], "no process is started after that"


# --- the process itself


def test_it_ends_with_its_input() -> None:
    process = subprocess.Popen(READER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0


def test_it_answers_in_order_and_keeps_to_its_frames(root: Path) -> None:
    put(root, "a.py", function("a"))
    process = subprocess.Popen(READER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    for paths in (["a.py"], [], ["missing.py", "a.py"]):
        write_frame(process.stdin, msgspec.msgpack.encode(Read(str(root), paths, MAX_BYTES)))  # type: ignore[arg-type]
    for expected in (["a.py"], [], ["missing.py", "a.py"]):
        frame = read_frame(process.stdout)  # type: ignore[arg-type]
        assert frame is not None
        assert [file.path for file in msgspec.msgpack.decode(frame, type=ReadResult).files] == expected
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_no_reader_outlives_a_parent_that_was_killed(root: Path) -> None:
    put(root, "a.py", function("a"))
    code = (
        "import sys, time; from pathlib import Path; from zicoder.index.readers import Readers\n"
        f"pool = Readers(Path({str(root)!r}), max_bytes=4096, count=1); pool.read(['a.py'])\n"
        "print(pool._every[0]._process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout
    orphan = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    gone, _ = psutil.wait_procs([orphan], PATIENCE_S)
    assert gone
