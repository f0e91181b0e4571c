"""The log of suggestions: it survives what can happen to a file, stays small, and can be erased."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from zicoder.complete import journal as module
from zicoder.complete.journal import Entry, Journal, journal_path


def entry(at: int = 1, **changes: object) -> Entry:
    values: dict[str, object] = {
        "outcome": "accepted",
        "kept": 5,
        "length": 9,
        "language": "go",
        "features": {"x": 0.5},
    }
    return Entry(at=at, **{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep" / "journal.jsonl")


def test_what_is_written_is_read_again_in_order(journal: Journal) -> None:
    for at in range(3):
        journal.append(entry(at))
    assert list(journal.entries()) == [entry(0), entry(1), entry(2)]


def test_none_yet(journal: Journal) -> None:
    assert list(journal.entries()) == []
    journal.forget()


@pytest.mark.parametrize(
    "damage",
    [
        b'{"at":3,"outcome":"acc',
        b"\x00\xff\xfe",
        b"[]\n7\nnull",
        b'{"outcome":"sold","features":{}}',
        b'{"outcome":"accepted","features":[1]}',
        b"[" * 100_000,
        b'{"outcome":["accepted"],"features":{}}',
    ],
    ids=["torn", "bytes", "no objects", "unknown outcome", "no features", "nested", "no text"],
)
def test_damage_costs_only_itself(journal: Journal, damage: bytes) -> None:
    journal.append(entry(1))
    with journal._path.open("ab") as file:  # pyright: ignore[reportPrivateUsage]
        file.write(damage)
    journal.append(entry(2))
    assert list(journal.entries()) == [entry(1), entry(2)]


def test_numbers_that_make_no_sense_are_tamed(journal: Journal) -> None:
    journal.append(entry())
    text = '{"at":1e999,"outcome":"rejected","kept":true,"features":{"a":1e300,"b":NaN,"c":"x","d":1%s}}\n' % (
        "0" * 400
    )
    journal._path.write_text(text)  # pyright: ignore[reportPrivateUsage]
    assert list(journal.entries()) == [Entry(at=0, outcome="rejected", features={"a": 2.0, "b": 0, "c": 0, "d": 0})]


def test_it_stays_small_and_keeps_the_latest(journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "LARGEST", 2000)
    for at in range(200):
        journal.append(entry(at))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 3 * 4096 + 5000
    found = [e.at for e in journal.entries()]
    assert found == list(range(found[0], 200))
    assert 20 <= len(found) < 100


def test_forgetting_leaves_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "LARGEST", 300)
    for at in range(10):
        journal.append(entry(at))
    journal.forget()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert list(journal.entries()) == []


def test_several_writers(journal: Journal) -> None:
    others = [journal, Journal(journal._path)]  # pyright: ignore[reportPrivateUsage]
    threads = [threading.Thread(target=lambda j=j: [j.append(entry(n)) for n in range(50)]) for j in others * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(journal.entries())) == 200


def test_a_disk_that_refuses_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal.jsonl")
    journal.append(entry())
    assert list(journal.entries()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes; the folder is the user's own there")
def test_nobody_else_may_read_it(journal: Journal) -> None:
    journal.append(entry())
    assert journal._path.stat().st_mode & 0o077 == 0  # pyright: ignore[reportPrivateUsage]


def test_it_holds_numbers_and_no_text(journal: Journal) -> None:
    journal.append(entry(features={"bias": 1.0, "absent": 0.0}))
    line = json.loads(journal._path.read_text())  # pyright: ignore[reportPrivateUsage]
    assert line["features"] == {"bias": 1.0}
    assert set(line) == {"at", "outcome", "kept", "length", "language", "model", "features"}


def test_it_lies_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path))
    assert journal_path() == tmp_path / "completion" / "journal.jsonl"


def test_how_much_was_wanted() -> None:
    assert [entry(outcome=o).wanted for o in ("accepted", "typed", "rejected", "ignored")] == [1, 1, 0, 0]
    assert 0.5 < entry(outcome="partly").wanted < 1
    assert entry(outcome="ignored").weight < entry(outcome="rejected").weight
