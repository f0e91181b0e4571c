"""What a local model says, taken apart: every way of cutting it into pieces gives the same."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.models.chat.speech import Call, Loops, Speech
from zicoder.models.chat.turns import CALL, CALL_END


def spoken(text: str, tools: tuple[str, ...], cuts: list[int]) -> tuple[str, Call | None]:
    """What is shown of a text that comes in pieces, and the call."""
    speech = Speech(tools)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    shown = "".join(speech.feed(text[a:b]) for a, b in itertools.pairwise(places))
    rest, call = speech.end()
    return shown + rest, call


@given(st.text(), st.lists(st.integers(0, 500)))
def test_without_tools_everything_is_text(text: str, cuts: list[int]) -> None:
    assert spoken(text, (), cuts) == (text, None)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 500)), st.booleans())
def test_an_answering_call_is_shown_as_its_text(text: str, cuts: list[int], ascii_only: bool) -> None:
    call = json.dumps({"name": "answer", "arguments": {"text": text}}, ensure_ascii=ascii_only)
    assert spoken(f"{CALL}\n{call}\n{CALL_END}", ("read",), cuts) == (text, None)


@given(st.lists(st.integers(0, 500)))
def test_a_call_is_no_text(cuts: list[int]) -> None:
    text = f'{CALL}\n{{"name": "read", "arguments": {{"path": "a.py"}}}}\n{CALL_END}'
    assert spoken(text, ("read",), cuts) == ("", Call("read", '{"path": "a.py"}'))


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "rm", "arguments": {}}',
        '{"name": "read", "argum',
        "[1]",
        '{"name": "read", "arguments": 3}',
        "[" * 9999,
    ],
)
def test_what_is_no_call_of_a_known_tool_is_none_and_not_shown(body: str) -> None:
    assert spoken(f"Look: {CALL}\n{body}\n{CALL_END}", ("read",), [9]) == ("Look: ", None)


def test_an_answer_that_is_cut_off_is_shown_as_far_as_it_goes() -> None:
    text = f'{CALL}\n{{"name": "answer", "arguments": {{"text": "It is 3 \\u00b'
    assert spoken(text, ("read",), []) == ("It is 3 ", None)


def looped(text: str, size: int = 7) -> bool:
    loops = Loops()
    return any(loops.feed(text[at : at + size]) for at in range(0, len(text), size))


def test_a_loop_is_noticed() -> None:
    assert looped("Well. " + "The value is then passed on to the next function. " * 20)
    assert looped("x" * 500)


def test_lists_rules_and_code_are_no_loops() -> None:
    assert not looped("".join(f"- item {n} of the list, which has many\n" for n in range(60)))
    assert not looped("a | b\n" + "-" * 120 + "\n" + "".join(f"{n} | {n * n}\n" for n in range(100)))
    assert not looped("".join(f"    self.field_{n} = field_{n}\n" for n in range(80)))
