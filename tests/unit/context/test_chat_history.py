"""Old turns are summarised, in steps, by a model or without one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.context.history import Said, Summary, as_sent, condense, history_items, to_summarise
from zicoder.errors import ProviderUnavailable

TALK = [
    Said("user", "How does `Cart.add_line` work? I looked at shop/cart.py and did not get it."),
    Said(
        "assistant", "It looks for the article first. Then it adds a line.\n```python\ncart.add_line(a, 1)\n```\nDone."
    ),
    Said("user", "And the total?"),
    Said("assistant", "`compute_total_price` sums all lines. Discounts come after that."),
]


def count(text: str) -> int:
    return len(text.split())


async def test_what_fits_is_left_alone() -> None:
    assert await condense(TALK, Summary(), room=1000, count=count) == Summary()


async def test_without_a_model_first_sentences_and_names_make_the_summary() -> None:
    made = await condense(TALK, Summary(), room=45, count=count)
    assert made.covers == 2
    assert made.text == (
        "- User: How does `Cart.add_line` work? (shop/cart.py)\n- Answer: It looks for the article first."
    )


async def test_a_model_makes_it_and_is_told_the_summary_so_far() -> None:
    asked: list[str] = []

    async def ask(prompt: str) -> str:
        asked.append(prompt)
        return "They talked about carts."

    first = await condense(TALK, Summary(), room=30, count=count, ask=ask)
    assert first.text == "They talked about carts."
    later = [*TALK, *TALK]
    second = await condense(later, first, room=30, count=count, ask=ask)
    assert second.covers > first.covers
    assert "They talked about carts." in asked[1]
    assert "Cart.add_line" in asked[0]


async def test_a_model_that_does_not_answer_is_no_reason_to_fail() -> None:
    async def ask(_: str) -> str:
        raise ProviderUnavailable("It is down.")

    assert "add_line" in (await condense(TALK, Summary(), room=30, count=count, ask=ask)).text


async def test_a_summary_that_is_too_long_ends_with_a_sentence() -> None:
    async def ask(_: str) -> str:
        return "One thing was said. " * 100

    made = await condense(TALK, Summary(), room=40, count=count, ask=ask)
    assert made.text.endswith("said.")
    assert count(made.text) <= 48


def test_the_next_turns_change_nothing_for_a_while() -> None:
    turns = [Said("user" if n % 2 == 0 else "assistant", "word " * 10) for n in range(40)]
    summary, changes = Summary(), 0
    for length in range(2, 41, 2):
        covers = to_summarise(turns[:length], summary, 140, count)
        changes += covers != summary.covers
        summary = Summary(covers, "so far")
    assert 3 <= changes <= 6


@settings(max_examples=40)
@given(st.lists(st.integers(0, 60), max_size=20), st.integers(1, 400), st.integers(0, 20))
def test_the_rest_fits_and_begins_with_a_question(sizes: list[int], room: int, covered: int) -> None:
    turns = [Said("user" if n % 2 == 0 else "assistant", "word " * size) for n, size in enumerate(sizes)]
    summary = Summary(min(covered, len(turns)), "")
    covers = to_summarise(turns, summary, room, count)
    assert summary.covers <= covers <= len(turns)
    assert sum(count(turn.text) + 4 for turn in turns[covers:]) <= room
    if covers != summary.covers and covers < len(turns):
        assert turns[covers].role == "user"


def test_the_items_are_the_summary_and_the_turns_after_it() -> None:
    items = history_items(TALK, Summary(2, "They talked about carts."))
    assert [item.role for item in items] == ["", "user", "assistant"]
    assert items[0].text == "Earlier in this conversation:\nThey talked about carts."
    assert sorted(items, key=lambda item: -item.priority)[0] is items[0]


def test_messages_are_told_as_they_were_sent_while_there_is_room() -> None:
    sent = [Said(turn.role, turn.text, f"{turn.text} shop/cart.py and 9 more words" if n % 2 == 0 else "")
            for n, turn in enumerate(TALK)]  # fmt: skip
    texts = {
        room: ["more words" in turn.text for turn in as_sent(sent, Summary(), room, count)] for room in (200, 62, 60)
    }
    assert texts == {200: [True, False, True, False], 62: [False, False, True, False], 60: [False] * 4}
    assert as_sent(sent, Summary(2, "carts"), 60, count)[2].text.endswith("more words"), "what a summary covers is free"
