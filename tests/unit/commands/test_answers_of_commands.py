"""What commands make of answers as small models give them."""

from __future__ import annotations

import pytest

from zicoder.commands.builtin.planning import tasks_in
from zicoder.commands.builtin.reviewing import message_in, within


@pytest.mark.parametrize(
    "answer",
    [
        "```markdown\nAdd `from_net`\n```",
        "```\nAdd `from_net`.\n",
        "Add `from_net`",
        "```text\n# Add `from_net`\n```\n\nThis is the message.",
    ],
)
def test_a_commit_message_comes_without_its_fence(answer: str) -> None:
    assert message_in(answer) == "Add `from_net`"


def test_a_commit_message_keeps_its_body() -> None:
    assert message_in("```\nAdd it\n\nBecause.\n- One.\n```") == "Add it\n\nBecause.\n- One."


def test_findings_on_files_that_are_not_reviewed_are_left_out() -> None:
    answer = (
        "Two things:\n- **high** `shop/prices.py:13-14`: It divides by 10.\n  Suggested edit: 100.\n"
        "- **low** `shop/cart.py:8`: A type.\n  More of it.\n\n- **Low** `prices.py:20`: A name.\n\nThat is all."
    )
    text, left_out = within(answer, {"shop/prices.py"})
    assert left_out == "1 finding"
    assert "cart.py" not in text
    assert "More of it" not in text
    assert text.count("prices.py") == 2
    assert text.endswith("That is all.")
    assert within("Nothing is wrong.", {"a.py"}) == ("Nothing is wrong.", "")


def test_a_task_is_in_a_plan_once() -> None:
    tasks = tasks_in("- T1: read (1h)\n- T2: Write it (2h), after T1\n- T3: Read (1h)\n- T4: test, after T3, T2\n")
    assert [(task.id, task.title, task.after) for task in tasks] == [
        ("T1", "read", ()),
        ("T2", "Write it", ("T1",)),
        ("T3", "test", ("T1", "T2")),
    ]
