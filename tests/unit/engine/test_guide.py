"""Choosing tokens under a guide, over toy vocabularies."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.engine.protocol import Guide
from zicoder.engine.worker_guide import MAX_GAP, Guided

END = 0
"""The token that ends an answer."""


class Toy:
    """A vocabulary, and the logits of a model that has only preferences."""

    def __init__(self, *pieces: str | bytes) -> None:
        self.pieces = [b"", *(p.encode() if isinstance(p, str) else p for p in pieces)]

    def piece(self, token: int) -> bytes:
        return self.pieces[token]

    def wants(self, *order: str | bytes | None, step: float = 1.0) -> np.ndarray:
        """Logits by which these are preferred in order, None for the end; all others lie far below."""
        logits = np.full(len(self.pieces), -100.0, np.float32)
        for rank, piece in enumerate(order):
            raw = b"" if piece is None else piece.encode() if isinstance(piece, str) else piece
            logits[self.pieces.index(raw)] = -step * rank
        return logits

    def write(self, guided: Guided, *wanted: tuple[str | bytes | None, ...]) -> str:
        """What comes out when these are wanted, place by place."""
        out = b""
        for order in wanted:
            token = guided.choose(self.wants(*order))
            if token == END:
                break
            guided.feed(token)
            out += self.piece(token)
        return out.decode("utf-8", "replace")


def one(toy: Toy, guide: Guide, before: str, *order: str | bytes | None, after: str = "") -> str:
    return toy.write(Guided(guide, before, after, toy.piece), order)


@pytest.mark.parametrize(
    ("guide", "before", "order", "chosen"),
    [
        (Guide(here=("send", "stop")), "x.", ("run", "se"), "se"),
        (Guide(here=("send", "stop"), typed="s"), "x.s", ("e", "et"), "e"),
        (Guide(here=("send", "stop"), typed="s"), "x.s", ("et", "top"), "top"),
        (Guide(here=("get", "get_all")), "x.", ("get_", "get"), "get_"),
        (Guide(here=("get", "get_all"), typed="get"), "x.get", ("_one", "("), "("),
        (Guide(here=("get", "get_all"), typed="get"), "x.get", ("_al", "("), "_al"),
        (Guide(here=("send",)), "x.", ("run(", "sender(", "send("), "send("),
        (Guide(here=("send",)), "x.", (" send", "send"), "send"),
        (Guide(here=("send",), typed="se"), "x.se", (None, "nd"), "nd"),
        (Guide(here=("send",), typed="send"), "x.send", (None, "nd"), ""),
        (Guide(here=("größe",)), "x.", ("grö\u00df".encode()[:-1], "größe"), "gr\u00f6\ufffd"),
        (Guide(here=("größe",)), "x.", ("grün", "größe"), "größe"),
        (Guide(here=("__class__", "send")), "x.", ("run", "__", "send"), "send"),
        (Guide(here=("__class__", "send")), "x.", ("run", "_", "send"), "send"),
        (Guide(here=("__class__", "_send")), "x.", ("run", "_", "_send"), "_"),
        (Guide(here=("__class__", "send")), "x.", ("__", "send"), "__"),
        (Guide(here=("#items",)), "this.", ("items", "#items"), "#items"),
        (Guide(here=("send",), typed="zz"), "x.zz", ("run", "send"), "run"),  # the analysis speaks of another place
        (Guide(members={"self": ("send",)}), "a = self.", ("run", "send"), "send"),
        (Guide(members={"np.linalg": ("norm",)}), "a = np.linalg.no", ("ne", "rm"), "rm"),
        (Guide(members={"self": ("send",)}), "    self.", ("run", "send"), "run"),  # may be defined just now
        (Guide(members={"x": ("send",)}), "f().x.", ("run", "send"), "run"),
        (Guide(members={"x": ("send",)}), "a = max.", ("run", "send"), "run"),
        (Guide(members={"x": ("send",)}), "'see x.", ("run", "send"), "run"),
        (Guide(members={"x": ("send",)}), "y = 1  # x.", ("run", "send"), "run"),
        (Guide(members={"x": ("send",)}), '"""a""" + x.', ("run", "send"), "send"),
        (Guide(members={"x": ("send",)}), r"'it\'s' + x.", ("run", "send"), "send"),
        (Guide(here=("read", "write"), listed=True), "from io import ", ("run", "("), "("),
    ],
)
def test_a_name_that_can_stand_is_taken(guide: Guide, before: str, order: tuple[str, ...], chosen: str) -> None:
    toy = Toy(*{p for p in order if p is not None})
    assert one(toy, guide, before, *order) == chosen


def test_a_receiver_that_the_model_writes_itself_is_guided() -> None:
    toy = Toy("x = ", "np", ".", ".sum", ".mean", "(", "a", ".T", ".t")
    guide = Guide(members={"np": ("mean",), "a": ("T",)})
    wanted = [("x = ",), ("np",), (".sum", ".mean"), ("(",), ("a",), (".t", ".T")]
    assert toy.write(Guided(guide, "", "", toy.piece), *wanted) == "x = np.mean(a.T"


def test_what_follows_a_name_is_free() -> None:
    toy = Toy("send", "(", "anything", "_goes")
    guided = Guided(Guide(here=("send",)), "x.", "", toy.piece)
    assert toy.write(guided, ("send",), ("(",), ("anything",), ("_goes",)) == "send(anything_goes"


@pytest.mark.parametrize("after", ["ing()", "_more"])
def test_a_word_that_the_text_behind_goes_on_with_is_free(after: str) -> None:
    toy = Toy("test", "send")
    assert one(toy, Guide(here=("send",)), "x.", "test", "send", after=after) == "test"


def test_every_name_of_an_import_is_guided() -> None:
    toy = Toy("read", "write", "close", ",", " as", " r", " ", "\n", "(", ")")
    guided = Guided(Guide(here=("read", "write"), listed=True), "from x import ", "", toy.piece)
    wanted = [("close", "read"), (" as",), (" r",), (",",), (" ",), ("close", "write"), ("\n",), ("close",)]
    assert toy.write(guided, *wanted) == "read as r, write\nclose"


@pytest.mark.parametrize(
    ("before", "order", "chosen"),
    [
        ("get(time", ("=", "out"), "out"),
        ("get(timeout", ("=", ")"), "="),
        ("get(url, time", ("=1", ")"), ")"),
        ("get(\n    url,\n    time", ("=", ")"), ")"),
        ("get(time", ("==", ")"), "=="),
        ("get(self.time", ("=", ")"), "="),
        ("get(f(time", ("=", ")"), "="),  # another call's
        ("get({time", ("=", ")"), "="),
        ("x.get(time", ("=", ")"), "="),
        ("get('time", ("=", ")"), "="),
    ],
)
def test_a_keyword_is_one_of_the_call(before: str, order: tuple[str, ...], chosen: str) -> None:
    toy = Toy("=", "==", "=1", "out", ")")
    assert one(toy, Guide(arguments={"get": ("timeout", "url")}), before, *order) == chosen


def test_no_name_is_forced_on_a_model_that_is_far_from_it() -> None:
    toy = Toy("run", "send")
    guide = Guide(here=("send",))
    near, far = toy.wants("run", "send", step=MAX_GAP - 1), toy.wants("run", "send", step=MAX_GAP + 1)
    assert toy.piece(Guided(guide, "x.", "", toy.piece).choose(near)) == b"send"
    guided = Guided(guide, "x.", "", toy.piece)
    assert toy.piece(guided.choose(far)) == b"run"
    guided.feed(1)
    assert guided.choose(near) == near.argmax()  # and the rest of the word is free


NAMES = ["a", "ab", "abc", "b_1", "größe", "aaa"]
PIECES = ["a", "b", "ab", "c", "_1", "abc", "abcd", "x", "(", ")", ".", ".a", "(a", " ", " a", "\n", "gr", "größe", "="]
BYTES = [bytes([byte]) for byte in sorted({*"öß".encode()})]
PIECES_RAW: list[str | bytes] = [*PIECES, *BYTES, "ß", "e", "1"]
TOY = Toy(*PIECES_RAW)
ROWS = st.lists(st.lists(st.integers(0, 7), min_size=len(TOY.pieces), max_size=len(TOY.pieces)), max_size=8)


@settings(max_examples=50)
@given(rows=ROWS, typed=st.sampled_from(["", "a", "ab", "b_"]))
def test_the_hole_gets_a_name_and_an_allowed_choice_is_never_touched(rows: list[list[int]], typed: str) -> None:
    """Logits lie within MAX_GAP of each other here, and each name can be written in this vocabulary."""
    guide = Guide(here=tuple(NAMES), typed=typed, members={"a": ("x",)})
    guided = Guided(guide, f"v.{typed}", "", TOY.piece)
    text = typed.encode()
    ended = False
    for row in rows:
        logits = np.array(row, np.float32)
        best, token = int(logits.argmax()), guided.choose(logits)
        if token != best:
            assert not allowed(text, TOY.piece(best)), (text, TOY.piece(best))
        ended = token == END
        if ended:
            break
        guided.feed(token)
        text += TOY.piece(token)
    assert allowed(text, b"" if ended else None), text


def allowed(text: bytes, piece: bytes | None) -> bool:
    """Whether `text + piece` begins with a name, or may yet: a second, simple-minded reading of the rule.

    An empty piece ends the text; None leaves it open.
    """
    whole = text + (piece or b"") + (b"\n" if piece == b"" else b"")
    word = re.match(rb"[a-zA-Z0-9_\x80-\xff]*", whole)
    assert word is not None
    names = [name.encode() for name in NAMES]
    if word.end() == len(whole):
        return any(name.startswith(whole) for name in names)
    if word.group() not in names:
        return False
    rest = whole[word.end() :]
    members = re.finditer(rb"(?<![\w.\x80-\xff])a\.([\w\x80-\xff]*)(.?)", rest, re.DOTALL)
    return all(member[1] == b"x" or (not member[2] and member[1] == b"") for member in members)


def test_drafted_tokens_are_checked_as_they_would_have_been_chosen() -> None:
    """Two of one kind, fed the same tokens, choose the same, whatever was asked of them in between."""
    toy = Toy("a", "b", ".", "c", "d")
    guide = Guide(members={"a": ("c",)})
    one_by_one, drafted = (Guided(guide, "x = ", "", toy.piece) for _ in range(2))
    logits = toy.wants("d", "c", "b")
    for token in (1, 3):
        drafted.choose(toy.wants("b", "a"))
        drafted.feed(token)
        one_by_one.feed(token)
    assert drafted.choose(logits) == one_by_one.choose(logits) == 4
