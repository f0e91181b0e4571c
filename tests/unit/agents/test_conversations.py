"""Conversations are kept: appended, listed, resumed, renamed, exported, deleted; a crash costs one line at most."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.agents.conversation import (
    Conversation,
    Turn,
    Used,
    decode,
    encode,
    from_records,
    title_of,
    to_markdown,
    turn_record,
)
from zicoder.agents.conversations import LARGEST, Conversations, conversations_dir
from zicoder.context.history import Summary
from zicoder.errors import InputError, ZiError

ASKED = Turn(
    role="user",
    text="Why does the cart\nfail?",
    at=1_700_000_000.0,
    command="fix",
    context=(Used("shop/cart.py", 0, 9),),
)
ANSWERED = Turn(
    role="assistant", text="It does not.", at=1_700_000_004.0, model="qwen", input_tokens=120, output_tokens=7,
    cost=0.25, seconds=2.5,
)  # fmt: skip


@pytest.fixture
def kept(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path / "conversations")


def talked(kept: Conversations, *turns: Turn) -> str:
    identity = kept.begin()
    for turn in turns or (ASKED, ANSWERED):
        kept.append(identity, turn)
    return identity


texts = st.text(max_size=60)
numbers = st.integers(0, 10**9)
turns = st.builds(
    Turn,
    role=st.sampled_from(["user", "assistant"]),
    text=texts,
    at=st.floats(0, 1e10),
    command=texts,
    context=st.lists(st.builds(Used, texts, numbers, numbers), max_size=3).map(tuple),
    model=texts,
    input_tokens=numbers,
    output_tokens=numbers,
    cost=st.none() | st.floats(0, 1e6),
    seconds=st.floats(0, 1e6),
    extra=st.dictionaries(
        st.sampled_from(["later", "other"]), st.none() | texts | numbers | st.lists(texts), max_size=2
    ),
)


@settings(max_examples=25)
@given(st.lists(turns, max_size=6))
def test_what_is_written_is_read_again(said: list[Turn]) -> None:
    data = b"".join(encode(turn_record(turn)) for turn in said)
    assert from_records("x", decode(data)).turns == tuple(said)
    assert data.count(b"\n") == len(said)


@settings(max_examples=25)
@given(st.lists(turns, min_size=1, max_size=4), st.data())
def test_a_torn_file_costs_no_other_line(said: list[Turn], data: st.DataObject) -> None:
    lines = [encode(turn_record(turn)) for turn in said]
    cut = data.draw(st.integers(0, len(lines[-1]) - 2))
    torn = b"".join([*lines[:-1], lines[-1][:cut], b"\n", lines[0]])
    assert from_records("x", decode(torn)).turns == (*said[:-1], said[0])


def test_a_conversation_is_resumed_where_it_was(kept: Conversations) -> None:
    identity = talked(kept)
    kept.summarise(identity, Summary(1, "They talked."))
    found = kept.read("last")
    assert found == Conversation(identity, "Why does the cart", (ASKED, ANSWERED), Summary(1, "They talked."))
    assert (found.tokens, found.cost, found.model) == ((120, 7), 0.25, "qwen")
    assert [said.text for said in found.said({})] == [ASKED.text, ANSWERED.text]
    assert kept.read(identity[-6:]) == kept.read(identity) == found


def test_a_line_that_a_crash_tore_is_ended_by_the_next_one(kept: Conversations) -> None:
    identity = talked(kept)
    path = kept.folder / f"{identity}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"kind":"turn","role":"user","te')
    kept.append(identity, ASKED)
    assert kept.read(identity).turns == (ASKED, ANSWERED, ASKED)


def test_what_a_later_version_wrote_is_no_trouble(kept: Conversations) -> None:
    identity = talked(kept)
    path = kept.folder / f"{identity}.jsonl"
    odd = [
        {"kind": "picture", "data": "..."},
        {"kind": "turn", "role": "oracle", "text": "?"},
        {"kind": "turn", "role": "user", "text": "odd", "context": [["a.py", "x"], 3, ["b.py", 1, 2, 3]], "at": "soon",
         "input_tokens": float("inf"), "new": {"a": 1}},
        [1, 2],
    ]  # fmt: skip
    path.write_text(path.read_text() + "".join(json.dumps(each) + "\n" for each in odd) + "[" * 100_000 + "\n")
    last = kept.read(identity).turns[-1]
    assert (last.text, last.context, last.at, last.input_tokens) == ("odd", (Used("b.py", 1, 2),), 0, 0)
    assert turn_record(last)["new"] == {"a": 1}


def test_the_list_has_the_one_written_to_last_first(kept: Conversations) -> None:
    first, second = talked(kept), talked(kept, ASKED)
    os.utime(kept.folder / f"{first}.jsonl", (2_000_000_000, 2_000_000_000))
    listed = kept.list()
    assert [(each.id, each.turns, each.model) for each in listed] == [(first, 2, "qwen"), (second, 1, "")]
    (kept.folder / "notes.jsonl").write_text("mine")
    assert len(kept.list()) == 2
    assert len(kept.list(limit=1)) == 1


def test_rename_and_delete(kept: Conversations) -> None:
    identity = talked(kept)
    kept.rename(identity, " The\ncart  bug ")
    assert kept.list()[0].title == "The cart bug"
    kept.delete(identity)
    assert kept.list() == []
    with pytest.raises(InputError, match="no conversation about this project"):
        kept.read("last")


@pytest.mark.parametrize("wanted", ["../../secret", "20261121-000000-zzzzzz", "", "nothing"])
def test_a_name_that_is_none_reaches_no_file(kept: Conversations, wanted: str) -> None:
    talked(kept)
    for ask in (kept.read, kept.delete, lambda name: kept.rename(name, "x")):
        with pytest.raises(InputError):
            ask(wanted)
    with pytest.raises(InputError):
        kept.append(wanted, ASKED)


def test_its_size_is_bounded(kept: Conversations) -> None:
    identity = talked(kept, Turn(role="user", text="x" * 3_000_000))
    [turn] = kept.read(identity).turns
    assert turn.text.endswith("[… 1,951,424 more characters not kept …]")
    path = kept.folder / f"{identity}.jsonl"
    with path.open("ab") as file:
        file.truncate(LARGEST - 10)
    with pytest.raises(InputError, match="is full") as failed:
        kept.append(identity, ASKED)
    assert "/clear" in failed.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="a file where a folder should be")
def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ZiError, match="cannot be saved"):
        talked(Conversations(tmp_path / "file" / "below"))


def _write_many(folder: Path, identity: str, name: str) -> None:
    kept = Conversations(folder)
    for number in range(100):
        kept.append(identity, Turn(role="user", text=f"{name} {number} " + "x" * 500))


def test_two_processes_may_write_to_one(kept: Conversations) -> None:
    identity = kept.begin()
    context = multiprocessing.get_context("fork" if sys.platform != "win32" else "spawn")
    writers = [context.Process(target=_write_many, args=(kept.folder, identity, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    told = [turn.text.split()[:2] for turn in kept.read(identity).turns]
    assert sorted(told) == sorted([name, str(number)] for name in "ab" for number in range(100))
    assert [number for name, number in told if name == "a"] == [str(number) for number in range(100)]


def test_each_project_has_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "data"))
    one, other = conversations_dir(tmp_path / "one"), conversations_dir(tmp_path / "other")
    assert one != other
    assert one.parent == other.parent == tmp_path / "data" / "conversations"


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Fix the cart", "Fix the cart"),
        ("\n\n## Fix   the cart \nplease", "Fix the cart"),
        ("```\ncode()\n```\nWhat is this?", "What is this?"),
        ("```\ncode()\n```", "```"),
        ("", "(no title)"),
        ("word " * 30, "word word word word word word word word word word word word …"),
    ],
)
def test_titles(prompt: str, title: str) -> None:
    assert title_of(prompt) == title


def test_a_document_for_people() -> None:
    open_fence = Turn(role="assistant", text="Look:\n```python\nx = 1", model="qwen")
    text = to_markdown(Conversation("x", "The cart", (ASKED, open_fence, ANSWERED)))
    assert text.startswith("# The cart\n\n## You · 2023-11-14 22:13 UTC\n\n`/fix` Why does the cart\nfail?\n")
    assert "Context: `shop/cart.py:1-9`" in text
    assert "x = 1\n```\n\n## qwen" in text
    assert text.endswith("120 tokens read, 7 written, 0.2500 US dollars\n")
