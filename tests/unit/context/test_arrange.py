"""Which pieces a prompt gets, and that it stays the same from its beginning while the cursor moves about."""

from __future__ import annotations

import random
from pathlib import Path

from zicoder.context.arrange import PIECE_CHARS, arrange, choose, cost
from zicoder.context.place import Place
from zicoder.context.sources import Piece
from zicoder.text import Snapshot

TEXT = "".join(f"def function_{n}(alpha):\n    return compute_{n}(alpha)\n\n\n" for n in range(60))


def place_at(text: str = TEXT, line: int = 100) -> Place:
    snapshot = Snapshot(uri="file:///p/shop/cart.py", text=text, language="python", path=Path("/p/shop/cart.py"))
    return Place.at(snapshot, snapshot.lines.start(line), "shop/cart.py")


def piece(name: str, *, score: float = 0.5, source: str = "similar", lines: int = 6, start: int = -1) -> Piece:
    text = "\n".join(f"{name} = step_{n}({name})" for n in range(lines))
    return Piece(source, f"lib/{name}.py", text, score, start, start + lines if start >= 0 else -1)


def test_the_best_pieces_of_all_sources_fit_into_the_budget() -> None:
    place = place_at()
    pieces = [piece(f"name{n}", score=n / 20, source=("similar", "definitions", "open")[n % 3]) for n in range(20)]
    for budget in (0, 50, 300, 1000):
        chosen = choose(place, pieces, budget)
        assert sum(map(cost, chosen)) <= budget
    assert chosen[0].path == "lib/name19.py"
    assert choose(place, pieces, 0) == []


def test_a_long_piece_is_cut_at_the_end_of_a_line_and_keeps_its_head() -> None:
    (chosen,) = choose(place_at(), [piece("long", lines=500)], 1000)
    assert len(chosen.text) <= PIECE_CHARS
    assert piece("long", lines=500).text.startswith(chosen.text + "\n")
    assert choose(place_at(), [Piece("similar", "a.js", "x" * 100_000, 1.0)], 1000) == []


def test_what_the_cursor_sees_already_is_left_out() -> None:
    place = place_at()
    copied = place.snapshot.text.split("\n")[96:108]
    assert choose(place, [Piece("similar", "copy/cart.py", "\n".join(copied), 1.0)], 1000) == []
    changed = "\n".join([*copied, *(f"other_line_{n}()" for n in range(12))])
    assert len(choose(place, [Piece("similar", "copy/cart.py", changed, 1.0)], 1000)) == 1


def test_the_same_text_is_shown_once() -> None:
    one = piece("name", score=1.0)
    again = Piece("open", "other/path.py", one.text, 0.9)
    lines = Piece("definitions", one.path, "name = something_else(1)", 0.2, 3, 4)
    assert choose(place_at(), [one, again], 1000) == [one]
    whole = Piece("similar", one.path, one.text, 1.0, 0, 6)
    assert choose(place_at(), [whole, lines], 1000) == [whole]


def test_kept_pieces_keep_their_places_and_new_ones_come_behind_them() -> None:
    place = place_at()
    a, b, c, d = (piece(name) for name in ("aaa", "bbb", "ccc", "ddd"))
    first = arrange((), [a, b, c], place, 1000)
    assert set(first) == {a, b, c}
    assert arrange(first, [c, a, b, d], place, 1000) == (*first, d)


def test_what_is_not_wanted_any_more_stays_while_there_is_room_and_the_last_goes_first() -> None:
    place = place_at()
    a, b, c, d = (piece(name) for name in ("aaa", "bbb", "ccc", "ddd"))
    previous = (a, b, c)
    assert arrange(previous, [d], place, 4 * cost(a)) == (a, b, c, d)
    assert arrange(previous, [d], place, 3 * cost(a)) == (a, b, d)
    assert arrange(previous, [d], place, cost(a)) == (d,)
    assert sum(map(cost, arrange(previous, [d, c], place, 3 * cost(a)))) <= 3 * cost(a)


def test_recent_edits_are_always_last_and_never_linger() -> None:
    place = place_at()
    edit = piece("edit", source="edits", score=1.0)
    a, b = piece("aaa"), piece("bbb", source="definitions")
    assert arrange((), [edit, a, b], place, 1000) == (b, a, edit)
    assert arrange((b, a, edit), [b, a, piece("new")], place, 1000) == (b, a, piece("new"))


def test_a_piece_of_the_previous_context_is_worth_a_little_more() -> None:
    old, new = piece("old", score=0.5), piece("new", score=0.55)
    assert choose(place_at(), [old, new], cost(old)) == [new]
    assert choose(place_at(), [old, new], cost(old), previous=[old]) == [old]


def test_any_sequence_of_moves_stays_within_the_budget_and_shows_nothing_twice() -> None:
    rng = random.Random(3)
    pool = [
        piece(
            f"name{n}",
            score=rng.random(),
            source=rng.choice(("similar", "definitions", "open", "edits")),
            lines=rng.randint(1, 30),
        )
        for n in range(30)
    ]
    previous: tuple[Piece, ...] = ()
    place = place_at()
    for _ in range(300):
        budget = rng.choice((100, 512, 512, 512, 1024))
        chosen = choose(place, rng.sample(pool, rng.randint(0, 12)), budget, previous=previous)
        previous = arrange(previous, chosen, place, budget)
        assert sum(map(cost, previous)) <= budget
        assert len({p.key for p in previous}) == len(previous)
        assert {p.key for p in chosen} <= {p.key for p in previous}
