"""Recent edits: small diffs of what somebody did, whatever the keystrokes were."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from zicoder.context.edits import MOST_LINES, MOST_REGIONS, RecentEdits
from zicoder.text import Snapshot

FUNCTION = (
    "import os\n\n\ndef area(width, height):\n    size = width * height\n    return size\n\n\nprint(area(2, 3))\n"
)


def snapshots(*texts: str) -> list[Snapshot]:
    return [Snapshot(uri="file:///a.py", text=text) for text in texts]


def edits_of(*texts: str, path: str = "a.py") -> RecentEdits:
    edits = RecentEdits()
    versions = snapshots(*texts)
    for before, after in itertools.pairwise(versions):
        edits.changed(path, before, after)
    return edits


def typed(text: str, at: str, insert: str) -> list[str]:
    """The text after each character of `insert` behind `at`."""
    offset = text.index(at) + len(at)
    return [text[:offset] + insert[:n] + text[offset:] for n in range(len(insert) + 1)]


def test_a_line_typed_by_single_keys_is_one_edit() -> None:
    edits = edits_of(*typed(FUNCTION, "width * height", "\n    log(size)"))
    (region,) = edits.regions()
    assert region.diff() == "+    log(size)\n"


def test_a_changed_line_shows_what_it_was_and_what_it_is() -> None:
    edits = edits_of(FUNCTION, FUNCTION.replace("def area(width", "def area(self, width"))
    (region,) = edits.regions()
    assert region.diff() == "-def area(width, height):\n+def area(self, width, height):\n"


def test_neighbouring_edits_are_one_and_distant_ones_two_with_the_latest_last() -> None:
    one = FUNCTION.replace("return size", "return round(size)")
    two = one.replace("def area(", "def surface(")
    assert len(edits_of(FUNCTION, one, two).regions()) == 1
    far = two.replace("import os", "import sys") + "\n" * 20
    regions = edits_of(FUNCTION + "\n" * 20, one + "\n" * 20, far.replace("def surface", "def area")).regions()
    assert [region.diff().splitlines()[-1] for region in regions][-1].startswith("+")
    text = "\n".join(f"line {n}" for n in range(100))
    middle = text.replace("line 50", "changed 50")
    first, last = edits_of(text, middle, middle.replace("line 3\n", "changed 3\n")).regions()
    assert (first.new, last.new) == (("changed 50",), ("changed 3",))


def test_an_edit_that_is_undone_is_none() -> None:
    assert not edits_of(FUNCTION, FUNCTION.replace("size", "extent"), FUNCTION).regions()
    assert not edits_of(FUNCTION, FUNCTION + "\n\n").regions()


def test_regions_move_with_the_text_above_them() -> None:
    text = "\n".join(f"line {n}" for n in range(100))
    changed = text.replace("line 50", "changed 50")
    moved = "new\n" * 5 + changed
    regions = edits_of(text, changed, moved).regions()
    assert next((region.start, region.new) for region in regions if region.old) == (55, ("changed 50",))


def test_pastes_and_formatting_are_not_remembered_and_the_ring_is_bounded() -> None:
    lines = [f"line {n}" for n in range(2000)]
    assert not edits_of("\n".join(lines), "\n".join(f"  {line}" for line in lines)).regions()
    assert not edits_of("a\n", "a\n" + "b\n" * (MOST_LINES + 1)).regions()
    versions = ["\n".join(lines)]
    for n in range(0, 2000, 50):
        lines[n] = f"changed {n}"
        versions.append("\n".join(lines))
    regions = edits_of(*versions).regions()
    assert len(regions) == MOST_REGIONS
    assert regions[-1].new == ("changed 1950",)


def test_a_line_of_a_megabyte_costs_little() -> None:
    line = "x" * (1 << 20)
    edits = edits_of(line, "y" + line, "yz" + line, "yz" + line[:5000] + "\n" + line[5000:])
    assert all(len(region.diff()) < 2000 for region in edits.regions())


@given(st.lists(st.text("ab\n", max_size=30), min_size=2, max_size=8), st.randoms())
def test_applying_the_regions_backwards_gives_an_earlier_text(texts: list[str], rng: random.Random) -> None:
    versions = snapshots(*texts)
    edits = edits_of(*texts)
    for region in edits.regions():
        assert list(region.new) == [versions[-1].lines.line(n) for n in range(region.start, region.end)]
