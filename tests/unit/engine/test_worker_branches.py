"""Conversations side by side in one cache: what each finds again, and who goes when there is no room.

The cache is played by a table of cells that keeps the library's rules: a sequence grows at its end, cells may be
shared, a cell that nobody holds is free.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zicoder.engine.worker_branches import MOST, WORTH, Branch, Branches


class Cells:
    def __init__(self, n_ctx: int) -> None:
        self.n_ctx = n_ctx
        self.held: dict[int, list[list[int]]] = {seq: [] for seq in range(MOST)}
        self.most = 0

    def remove(self, seq: int, start: int, end: int) -> None:
        assert end == -1
        del self.held[seq][max(start, 0) :]

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        assert start == 0
        assert not self.held[target]
        self.held[target] = self.held[source][:end]

    def evaluate(self, branch: Branch, tokens: list[int]) -> None:
        self.held[branch.seq] += [[token] for token in tokens]
        branch.grow(tokens)
        self.most = max(self.most, len({id(cell) for cells in self.held.values() for cell in cells}))

    def tokens(self, branch: Branch) -> list[int]:
        return [cell[0] for cell in self.held[branch.seq]]


def ask(branches: Branches, cells: Cells, prompt: list[int], answer: int = 8) -> int:
    """Tokens evaluated for a prompt; an answer of so many follows it."""
    branch = branches.turn_to(prompt, len(prompt) + answer)
    new = prompt[len(branch) :]
    cells.evaluate(branch, new)
    assert cells.tokens(branch) == branch.tokens == prompt
    cells.evaluate(branch, [9] * answer)
    return len(new)


def text(letter: int, length: int = 200) -> list[int]:
    return [1000 * letter + n for n in range(length)]


def test_conversations_that_alternate_find_their_own_prefix() -> None:
    cells = Cells(4096)
    branches = Branches(cells)
    a, b = text(1), text(2)
    assert [ask(branches, cells, a), ask(branches, cells, b)] == [200, 200]
    for turn in range(3):
        a, b = [*a, *text(10 + turn, 20)], [*b, *text(20 + turn, 20)]
        assert [ask(branches, cells, a), ask(branches, cells, b)] == [20, 20]


def test_what_two_begin_with_alike_is_held_once() -> None:
    cells = Cells(4096)
    branches = Branches(cells)
    head = text(1, 300)
    assert ask(branches, cells, [*head, *text(2)]) == 500
    assert ask(branches, cells, [*head, *text(3)]) == 200
    assert cells.most == 300 + 2 * (200 + 8)
    assert ask(branches, cells, [*head, *text(2), 7]) == 1


def test_an_answer_that_was_cut_is_not_worth_a_sequence() -> None:
    cells = Cells(4096)
    branches = Branches(cells)
    for n in range(MOST):
        ask(branches, cells, text(n + 1))
    assert ask(branches, cells, [*text(1), 5, 5], answer=WORTH - 2) == 2
    assert ask(branches, cells, [*text(1), 6, 6]) == 2
    assert all(ask(branches, cells, [*text(n + 1), 7]) == 1 for n in range(1, MOST))


def test_the_conversation_used_longest_ago_makes_room() -> None:
    cells = Cells(500)
    branches = Branches(cells)
    for letter in (1, 2, 1, 3):
        ask(branches, cells, text(letter))
    assert ask(branches, cells, text(1)) == 1
    assert ask(branches, cells, text(2)) == 200
    assert cells.most <= 500


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from([70, 71, 140]), max_size=4), st.integers(0, 3), st.integers(0, 90)),
        max_size=30,
    )
)
def test_no_order_of_questions_overfills_the_cache_or_mixes_it_up(
    asked: list[tuple[list[int], int, int]],
) -> None:
    cells = Cells(800)
    branches = Branches(cells)
    for parts, letter, answer in asked:
        prompt = [n for part in parts for n in range(part)] + text(letter + 1, 30)
        if len(prompt) + answer <= 800:
            ask(branches, cells, prompt, answer)
    assert cells.most <= 800
