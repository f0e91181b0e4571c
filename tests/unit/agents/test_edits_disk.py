"""Proposals on a real disk, and taking them back."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from zicoder.agents.edits.disk import apply_on_disk, disk_reader
from zicoder.agents.edits.undo import MOST_ENTRIES, Undo, undo_dir
from zicoder.errors import InputError
from zicoder.proposal import FileEdit, Proposal

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


def proposal(*edits: tuple[str, str | None, str | None]) -> Proposal:
    return Proposal("try", tuple(FileEdit(path=path, before=before, after=after) for path, before, after in edits))


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_bytes("\ufeffx = 1\r\ny = 2\n".encode())
    (folder / "b").mkdir()
    (folder / "b" / "c.py").write_bytes(b"z = 3")
    return folder


def test_bytes_are_exact(root: Path) -> None:
    before = disk_reader(root)("a.py")
    assert before == "\ufeffx = 1\r\ny = 2\n"
    assert apply_on_disk(proposal(("a.py", before, before.replace("2", "é"))), root).ok
    assert (root / "a.py").read_bytes() == "\ufeffx = 1\r\ny = é\n".encode()


def test_files_come_and_go_with_their_folders(root: Path) -> None:
    edits = proposal(("n/e/w.py", None, "w\n"), ("b/c.py", "z = 3", None), ("a.py", "\ufeffx = 1\r\ny = 2\n", "x"))
    assert apply_on_disk(edits, root).ok
    assert tree(root) == {"n/e/w.py": b"w\n", "a.py": b"x"}
    assert not (root / "b").exists()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (("b/c.py", "z = 4", "z = 5"), "has changed since"),
        (("b/c.py", None, "z = 5"), "exists by now"),
        (("b/d.py", "z", "y"), "does not exist any more"),
        (("b", "z", "y"), "is no file"),
        (("a.py/x.py", None, "y"), "nothing was changed"),
        (("../x.py", None, "y"), "leads out"),
        (("x.py", None, "\ud800"), "cannot be written as UTF-8"),
    ],
)
def test_all_or_nothing(root: Path, edit: tuple[str, str | None, str | None], reason: str) -> None:
    before = tree(root)
    applied = apply_on_disk(proposal(("n/e/w.py", None, "w"), edit), root)
    assert not applied.ok
    assert reason in applied.reason
    assert tree(root) == before
    assert not (root / "n").exists()


def test_what_was_written_is_taken_back_when_a_later_file_fails(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, replaced, replace = tree(root), [], Path.replace

    def fails_once(self: Path, target: Path) -> Path:
        replaced.append(target)
        if len(replaced) == 2:
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails_once)
    edits = proposal(("b/c.py", "z = 3", "z = 4"), ("n.py", None, "n"), ("a.py", "\ufeffx = 1\r\ny = 2\n", None))
    applied = apply_on_disk(edits, root)
    assert not applied.ok
    assert "No space left" in applied.reason
    assert tree(root) == before


@posix
def test_the_mode_stays_and_a_new_file_has_the_usual_one(root: Path) -> None:
    (root / "b" / "c.py").chmod(0o755)
    assert apply_on_disk(proposal(("b/c.py", "z = 3", "z = 4"), ("n.py", None, "n")), root).ok
    assert stat.S_IMODE((root / "b" / "c.py").stat().st_mode) == 0o755
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((root / "n.py").stat().st_mode) == 0o666 & ~umask


@posix
def test_a_link_out_of_the_project_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("s")
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    (root / "out").symlink_to(tmp_path)
    (root / ".git").mkdir()
    (root / "repo").symlink_to(root / ".git")
    for edit in [("link.py", "s", "t"), ("out/new.py", None, "n"), ("repo/config", None, "c")]:
        applied = apply_on_disk(proposal(edit), root)
        assert not applied.ok
        assert "leads out" in applied.reason or "repository" in applied.reason
    assert (tmp_path / "secret.py").read_text() == "s"
    assert not (tmp_path / "new.py").exists()
    with pytest.raises(InputError, match="leads out"):
        disk_reader(root)("link.py")


@posix
def test_a_link_within_the_project_stays_a_link(root: Path) -> None:
    (root / "link.py").symlink_to("b/c.py")
    assert apply_on_disk(proposal(("link.py", "z = 3", "z = 4")), root).ok
    assert (root / "link.py").is_symlink()
    assert (root / "b" / "c.py").read_bytes() == b"z = 4"


def test_what_is_no_text_is_not_read(root: Path) -> None:
    (root / "latin.py").write_bytes(b"\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        disk_reader(root)("latin.py")
    with pytest.raises(InputError, match="too large"):
        disk_reader(root, most_bytes=3)("a.py")


def test_edits_are_taken_back_one_after_the_other(root: Path) -> None:
    start = tree(root)
    read = disk_reader(root)
    first = proposal(("a.py", read("a.py"), "x = 2\n"), ("new/n.py", None, "n\n"))
    assert apply_on_disk(first, root).ok
    assert Undo(root).record(first)
    second = proposal(("a.py", "x = 2\n", "x = 3\n"), ("b/c.py", "z = 3", None))
    assert apply_on_disk(second, root).ok
    assert Undo(root).record(second)
    assert Undo(root).titles() == ["try", "try"]

    for _ in range(2):
        undo = Undo(root)  # it survives a restart
        taken = undo.take_back(read)
        assert apply_on_disk(taken.proposal, root).ok
        undo.forget(taken)
    assert tree(root) == start
    with pytest.raises(InputError, match="nothing to take back"):
        Undo(root).take_back(read)


@pytest.mark.parametrize(
    ("path", "now", "reason"), [("a.py", "x = 9\n", "`a.py` has changed"), ("n.py", None, "is gone")]
)
def test_what_changed_since_is_not_taken_back(root: Path, path: str, now: str | None, reason: str) -> None:
    undo = Undo(root)
    undo.record(proposal(("a.py", "x = 1\n", "x = 2\n"), ("n.py", None, "n\n")))
    files = {"a.py": "x = 2\n", "n.py": "n\n"} | {path: now}
    with pytest.raises(InputError, match=reason):
        undo.take_back(files.get)
    assert undo.titles() == ["try"]


def test_what_one_run_applied_is_taken_back_together(root: Path) -> None:
    undo = Undo(root)
    undo.record(proposal(("a.py", "x = 0\n", "x = 1\n")), run="one")
    undo.record(proposal(("a.py", "x = 1\n", "x = 2\n"), ("n.py", None, "n\n")), run="two")
    undo.record(proposal(("a.py", "x = 2\n", "x = 3\n"), ("b.py", "b\n", None)), run="two")
    taken = undo.take_back({"a.py": "x = 3\n", "n.py": "n\n"}.get)
    edits = [(edit.path, edit.before, edit.after) for edit in taken.proposal.files]
    assert edits == [("a.py", "x = 3\n", "x = 1\n"), ("b.py", None, "b\n"), ("n.py", "n\n", None)]
    undo.forget(taken)
    assert undo.titles() == ["try"]


def test_a_run_between_whose_edits_a_person_wrote_is_taken_back_to_there(root: Path) -> None:
    undo = Undo(root)
    undo.record(proposal(("a.py", "x = 1\n", "x = 2\n")), run="one")
    undo.record(proposal(("a.py", "x = 2 # mine\n", "x = 3\n")), run="one")
    (edit,) = undo.take_back({"a.py": "x = 3\n"}.get).proposal.files
    assert edit.after == "x = 2 # mine\n"


def test_an_editor_that_hides_the_byte_order_mark_changes_nothing(root: Path) -> None:
    undo = Undo(root)
    undo.record(proposal(("a.py", "x = 1\n", "x = 2\n")))
    edit = undo.take_back({"a.py": "\ufeffx = 2\n"}.get).proposal.files[0]
    assert (edit.before, edit.after) == ("\ufeffx = 2\n", "\ufeffx = 1\n")


def test_the_log_is_bounded_private_and_forgives_damage(root: Path) -> None:
    undo = Undo(root)
    for number in range(MOST_ENTRIES + 5):
        assert undo.record(proposal(("a.py", f"{number}", f"{number + 1}")))
    entries = sorted(undo_dir(root).iterdir())
    assert len(entries) == MOST_ENTRIES
    assert not undo.record(proposal(("a.py", "x" * 9_000_000, "")))
    if sys.platform != "win32":
        assert stat.S_IMODE(entries[0].stat().st_mode) == 0o600
    entries[-1].write_text('{"files": [{"path": "../x", "before": null, "after": null}]}')
    entries[-2].write_text("{")
    taken = undo.take_back({"a.py": str(MOST_ENTRIES + 3)}.get)
    assert taken.proposal.files[0].after == str(MOST_ENTRIES + 2)
