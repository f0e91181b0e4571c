"""The part of a document that goes into a prompt: within budget, next to the cursor, and steady while one types."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zicoder.context.window import CHARS_PER_TOKEN, HEAD_STEP, window_at
from zicoder.text import Snapshot

LINES = st.lists(st.text(alphabet="ab 😀", max_size=30), max_size=120)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
BUDGETS = st.integers(0, 300)


@given(LINES, NEWLINES, st.data(), BUDGETS, BUDGETS)
def test_the_window_is_text_around_the_cursor_within_budget(
    lines: list[str], newline: str, data: st.DataObject, head: int, tail: int
) -> None:
    snapshot = Snapshot("untitled:1", newline.join(lines))
    offset = data.draw(st.integers(0, len(snapshot.text)))
    window = window_at(snapshot, offset, prefix_tokens=head, suffix_tokens=tail)
    assert snapshot.text[:offset].endswith(window.prefix)
    assert snapshot.text[offset:].startswith(window.suffix)
    assert len(window.prefix) <= head * CHARS_PER_TOKEN
    assert len(window.suffix) <= tail * CHARS_PER_TOKEN


@given(LINES, st.data())
def test_the_near_part_is_inside_the_window(lines: list[str], data: st.DataObject) -> None:
    snapshot = Snapshot("untitled:1", "\n".join(lines))
    offset = data.draw(st.integers(0, len(snapshot.text)))
    window = window_at(snapshot, offset, prefix_tokens=200, suffix_tokens=60)
    assert 0 <= window.near_prefix <= len(window.prefix)
    assert 0 <= window.near_suffix <= len(window.suffix)


@given(st.integers(100, 400), st.integers(0, 99))
def test_a_window_cut_at_the_top_starts_with_a_whole_line(count: int, line: int) -> None:
    text = "".join(f"name_{n} = {n}\n" for n in range(count))
    snapshot = Snapshot("untitled:1", text)
    offset = snapshot.lines.start(count - line)
    window = window_at(snapshot, offset, prefix_tokens=128, suffix_tokens=64)
    start = offset - len(window.prefix)
    assert start in (0, snapshot.lines.start(snapshot.lines.position(start).line))
    end = offset + len(window.suffix)
    assert end == len(text) or snapshot.lines.position(end).column == 0


def test_its_start_stays_put_while_one_types_line_after_line() -> None:
    """A prompt whose first tokens change finds nothing in the model's cache."""
    text = "".join(f"name_{n} = {n}\n" for n in range(400))
    starts: list[int] = []
    typed = 2 * HEAD_STEP
    for _ in range(typed):
        text += "another_name = 1\n"
        window = window_at(Snapshot("untitled:1", text), len(text), prefix_tokens=512, suffix_tokens=64)
        starts.append(len(text) - len(window.prefix))
    assert starts == sorted(starts)
    assert len(set(starts)) <= typed / HEAD_STEP + 1


def test_its_end_stays_put_while_one_types_in_a_line() -> None:
    below = "".join(f"name_{n} = {n}\n" for n in range(400))
    ends: set[str] = set()
    for length in range(30):
        before = "x" * length
        window = window_at(Snapshot("untitled:1", before + below), length, prefix_tokens=512, suffix_tokens=128)
        ends.add(window.suffix)
    assert len(ends) == 1


def test_a_line_longer_than_the_budget_is_cut_next_to_the_cursor() -> None:
    text = "x" * 100_000
    window = window_at(Snapshot("untitled:1", text), 50_000, prefix_tokens=100, suffix_tokens=50)
    assert len(window.prefix) == 320
    assert len(window.suffix) == 160


def test_a_short_document_is_taken_whole() -> None:
    window = window_at(Snapshot("untitled:1", "import os\n\nos."), 14, prefix_tokens=512, suffix_tokens=64)
    assert (window.prefix, window.suffix) == ("import os\n\nos.", "")
