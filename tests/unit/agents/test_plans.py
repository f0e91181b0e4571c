"""A plan file is the user's: read as people write it, and changed by one character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.agents.plans import Status, Task, draft, parse_plan
from zicoder.errors import InputError

MINE = """\
My own words, and a [x] that is none.\r
\r
- [ ] T1: Parse the file (2h)\r
* [X] **T2** Write tests (30m) after T1
1. [ ] Third thing ~1.5h, depends on T1 and T2
2) [/] Do `foo(a)` now [est: 2 days]
   - [ ] nested A
   - [x] nested B
+ [ ] T9 - Ship it (needs: T1, T77; 1d)
- [-] Dropped one, 3h
- [ ] Write the 404 page after lunch
- [] Try again after 3 tries
```
- [ ] not a task
```
- [ ](link) no task
"""


def row(task: Task) -> tuple[str, str, Status, int | None, tuple[str, ...], str]:
    return task.id, task.title, task.status, task.minutes, task.after, task.parent


def test_a_plan_is_read_as_people_write_it() -> None:
    assert [row(task) for task in parse_plan(MINE).tasks] == [
        ("T1", "Parse the file", "todo", 120, (), ""),
        ("T2", "Write tests", "done", 30, ("T1",), ""),
        ("1", "Third thing", "todo", 90, ("T1", "T2"), ""),
        ("2", "Do `foo(a)` now", "doing", 960, (), ""),
        ("3", "nested A", "todo", None, (), "2"),
        ("4", "nested B", "done", None, (), "2"),
        ("T9", "Ship it", "todo", 480, ("T1", "T77"), ""),
        ("5", "Dropped one", "dropped", 180, (), ""),
        ("6", "Write the 404 page after lunch", "todo", None, (), ""),
        ("7", "Try again after 3 tries", "todo", None, (), ""),
    ]


def test_done_changes_one_character() -> None:
    plan = parse_plan(MINE)
    marked = plan.marked("t1")
    assert marked == MINE.replace("- [ ] T1", "- [x] T1")
    assert parse_plan(marked).task("T1").status == "done"
    assert plan.marked("T2", "todo") == MINE.replace("[X]", "[ ]", 1)
    assert "[x] Try again" in plan.marked("7")


def test_next_is_the_first_that_can_be_done() -> None:
    plan = parse_plan("- [ ] A: one (after B)\n- [ ] B: two\n- [ ] C: three\n  - [ ] D: part of three\n")
    expected = ["B", "A", "D", "C"]
    for name in expected:
        assert plan.next is not None
        assert plan.next.id == name
        plan = parse_plan(plan.marked(name))
    assert plan.next is None
    assert parse_plan("- [ ] A: one\n- [/] B: begun\n").next == parse_plan("- [ ] A: one\n- [/] B: begun\n").tasks[1]


def test_status_says_how_far_it_is() -> None:
    assert parse_plan(MINE).summary().split("\n") == [
        "2 of 9 tasks are done.",
        "About 27.5h are left, and 3 without an estimate.",
        "Next: T1, Parse the file.",
        "- 1 waits for T1.",
        "- 2 waits for 3.",
        "- T9 waits for T1.",
        "- Line 9: T9 comes after T77, and there is no task T77.",
    ]
    assert parse_plan("nothing").summary() == "The plan has no tasks."


def test_what_is_wrong_is_said() -> None:
    plan = parse_plan("- [ ] T1: a, after T3\n- [ ] T2: b, after T1\n- [ ] T3: c, after T2\n- [ ] T1: again\n")
    assert plan.problems() == [
        "Line 4: T1 is the name of another task, too.",
    ] + ["These wait for each other: T1 → T3 → T2 → T1."] * (len(plan.problems()) - 1)
    ring = parse_plan("- [ ] T1: a, after T3\n- [ ] T2: b, after T1\n- [ ] T3: c, after T2\n")
    assert ring.problems() == ["These wait for each other: T1 → T3 → T2 → T1."]
    assert ring.next is None
    itself = parse_plan("- [ ] T1: a, after T1\n")
    assert itself.problems() == ["These wait for each other: T1 → T1."]


def test_a_task_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no task 'T5'") as failed:
        parse_plan("- [ ] T1: a\n").marked("T5")
    assert failed.value.hint == "Tasks: T1."


def test_a_list_that_is_all_number_one_is_counted() -> None:
    plan = parse_plan("1. [ ] a\n1. [ ] b\n1. [ ] c\n")
    assert [task.id for task in plan.tasks] == ["1", "2", "3"]
    assert plan.problems() == []


def test_a_chain_of_two_thousand_tasks_is_no_trouble() -> None:
    lines = [f"- [ ] T{n}: step, after T{n + 1}" for n in range(2000)]
    assert parse_plan("\n".join(lines)).cycle() == []
    with pytest.raises(InputError, match="more than"):
        parse_plan("x" * 1_000_001)


words = st.text(alphabet="abcdefg ", min_size=1, max_size=20).map(lambda t: " ".join(t.split())).filter(bool)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(words, st.none() | st.integers(1, 59) | st.sampled_from([60, 90, 480])), max_size=8), st.data()
)
def test_a_draft_is_read_again(rows: list[tuple[str, int | None]], data: st.DataObject) -> None:
    tasks = [
        Task(id=f"T{n}", title=title, minutes=minutes, line=n + 1,
             after=tuple(data.draw(st.lists(st.sampled_from([f"T{k}" for k in range(1, n)]), unique=True, max_size=3)))
             if n > 1 else ())
        for n, (title, minutes) in enumerate(rows, 1)
    ]  # fmt: skip
    assert list(parse_plan(draft("Plan", tasks)).tasks) == tasks


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([*MINE.splitlines(keepends=True), "\n", "text\r\n", "- [ ] x", "\x0b", "``"]), max_size=12)
)
def test_marking_leaves_everything_else(lines: list[str]) -> None:
    text = "".join(lines)
    plan = parse_plan(text)
    assert plan.text == text
    for task in plan.tasks:
        for status in ("todo", "doing", "done", "dropped"):
            marked = plan.marked(task.id, status)
            changed = [(a, b) for a, b in zip(text.split("\n"), marked.split("\n"), strict=True) if a != b]
            assert len(changed) <= 1
            assert all(abs(len(a) - len(b)) <= 1 for a, b in changed)
            assert parse_plan(marked).task(task.id).status == status
