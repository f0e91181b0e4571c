"""Files that are written whole or not at all: their permissions, and what a failure leaves."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from zicoder.files import OWNER, put, stage, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="permissions")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_and_its_folders_are_made_and_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / ("long" * 60)  # a name near the longest that a disk takes
    write_whole(path, b"one")
    write_whole(path, b"two\r\n")
    assert path.read_bytes() == b"two\r\n"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_new_file_gets_what_was_asked_for_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_whole(tmp_path / "any", b"")
        write_whole(tmp_path / "mine", b"", new=OWNER)
    finally:
        os.umask(umask)
    assert mode(tmp_path / "any") == 0o640
    assert mode(tmp_path / "mine") == 0o600
    for kept in (0o755, 0o400):
        (tmp_path / "any").chmod(kept)
        write_whole(tmp_path / "any", b"x", new=OWNER)
        assert mode(tmp_path / "any") == kept
    put(stage(tmp_path / "gone", b"", mode=0o750), tmp_path / "gone")
    assert mode(tmp_path / "gone") == 0o750


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "in").mkdir(parents=True)
    with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
        write_whole(folder, b"x")
    with pytest.raises(OSError):  # noqa: PT011
        stage(tmp_path / "missing" / "file", b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "in"]


def test_a_file_that_is_open_elsewhere_on_windows_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    tried: list[int] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        tried.append(1)
        if len(tried) < 3:
            raise PermissionError
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr("zicoder.files.FIRST_WAIT_S", 0.0)
    staged = stage(path, b"new")
    with monkeypatch.context() as here:
        here.setattr("zicoder.files.os.name", "nt")
        put(staged, path)
    assert path.read_bytes() == b"new"
    monkeypatch.setattr("zicoder.files.TRIES", 1)
    tried.clear()
    with pytest.raises(PermissionError):
        put(stage(path, b"newer"), path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
