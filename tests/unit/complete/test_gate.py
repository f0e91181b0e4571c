"""Where no suggestion is made, and the sentence that says why."""

from __future__ import annotations

import pytest

from zicoder.complete.changes import BULK_CHARS, Change
from zicoder.complete.control import Control
from zicoder.complete.gate import AUTOMATIC, INVOKED, LONGEST_LINE, QUIET_S, Circumstances, refuse
from zicoder.complete.hole import Hole
from zicoder.settings import CompletionSettings

DEFAULT = CompletionSettings()


def hole(marked: str, language: str = "python") -> Hole:
    before, _, after = marked.partition("‸")
    return Hole(prefix=before, suffix=after, language=language)


@pytest.mark.parametrize("marked", ["return ‸", "return ‸\n", "foo‸(bar)", "‸import os", "x = a‸ + b", "call(‸)", "a‸"])
@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
def test_ordinary_places_are_fine(marked: str, trigger: str) -> None:
    assert refuse(hole(marked), trigger, DEFAULT) is None


@pytest.mark.parametrize(
    ("marked", "settings", "reason"),
    [
        ("return ‸", CompletionSettings(enabled=False), "switched off (`zi.completion.enabled`)"),
        ("return ‸", CompletionSettings(disabled_languages=["python"]), "switched off for python"),
        ("x" * LONGEST_LINE + "‸ ", DEFAULT, "longer than 2000 characters"),
        ("‸", DEFAULT, "empty"),
        (" \n‸\n\t", DEFAULT, "empty"),
    ],
    ids=["switched off", "language", "long line", "no text", "blank text"],
)
@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
def test_rules_that_hold_however_it_is_asked(
    marked: str, settings: CompletionSettings, reason: str, trigger: str
) -> None:
    assert reason in str(refuse(hole(marked), trigger, settings))


@pytest.mark.parametrize("marked", ["re‸turn", "naï‸ve = 1", "x_‸1"])
def test_nothing_comes_up_by_itself_in_the_middle_of_a_word(marked: str) -> None:
    assert refuse(hole(marked), AUTOMATIC, DEFAULT) == "The cursor stands in the middle of a word."
    assert refuse(hole(marked), INVOKED, DEFAULT) is None


def snoozed() -> Control:
    control = Control()
    control.snooze(10, now=0)
    return control


UNDO = Change(at=10, deleted=5, restored=True)
PASTE = Change(at=10, inserted=BULK_CHARS + 1)


@pytest.mark.parametrize(
    ("circumstances", "reason"),
    [
        (Circumstances(now=10.1, last_change=UNDO), "The last change was undone or redone just now."),
        (Circumstances(now=10.1, last_change=PASTE), "The last change was a bulk edit, not typing."),
        (Circumstances(cooling_down=True), "Two suggestions at about this place were rejected just now."),
        (Circumstances(control=snoozed()), "Suggestions are snoozed for another 10 minutes (`zi.resume` ends it)."),
    ],
    ids=["undo", "bulk edit", "rejections", "snooze"],
)
def test_circumstances_that_call_for_silence_unless_asked(circumstances: Circumstances, reason: str) -> None:
    assert refuse(hole("return ‸"), AUTOMATIC, DEFAULT, circumstances) == reason
    assert refuse(hole("return ‸"), INVOKED, DEFAULT, circumstances) is None


@pytest.mark.parametrize(
    "change",
    [
        Change(at=10, inserted=1, character="x"),
        Change(at=10, inserted=500, accepted=500),
        Change(at=10 - QUIET_S, restored=True),
    ],
    ids=["typing", "accepted", "a while ago"],
)
def test_other_changes_do_not(change: Change) -> None:
    assert refuse(hole("return ‸"), AUTOMATIC, DEFAULT, Circumstances(now=10.1, last_change=change)) is None


@pytest.mark.parametrize(("marked", "quiet"), [("obj.na‸", True), ("obj.‸", False), ("call(‸)", False)])
def test_an_open_completion_list_goes_first_within_a_name(marked: str, quiet: bool) -> None:
    found = refuse(hole(marked), AUTOMATIC, DEFAULT, Circumstances(list_open=True))
    assert (found == "The editor's completion list is open in the middle of a name.") is quiet
    assert refuse(hole(marked), INVOKED, DEFAULT, Circumstances(list_open=True)) is None


WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen "


@pytest.mark.parametrize(
    ("marked", "language"),
    [
        (f"# {WORDS}‸", "python"),
        ("x = 1\n# one two three four\n# five six seven eight\n# nine ten eleven twelve thirteen ‸\n", "python"),
        (f'def f():\n    """Do.\n\n    {WORDS}\n    ‸\n    """\n', "python"),
        (f'x = "{WORDS}‸"', "python"),
        (f"/* {WORDS}‸ */", "typescript"),
        (f"/**\n * {WORDS}\n * ‸\n */\nclass A {{}}", "java"),
        (f"fn main() {{}}\n// {WORDS}‸", "rust"),
        (f"<!-- {WORDS}‸ -->", "html"),
        (f"a: 1  # {WORDS}‸", "yaml"),
    ],
)
def test_long_prose_in_code_is_left_to_its_writer(marked: str, language: str) -> None:
    assert "comment or string of more than" in str(refuse(hole(marked, language), AUTOMATIC, DEFAULT))
    assert refuse(hole(marked, language), INVOKED, DEFAULT) is None


@pytest.mark.parametrize(
    ("marked", "language"),
    [
        ("# Sort the ‸", "python"),
        ('def f():\n    """Return ‸', "python"),
        (f"# {WORDS}\nx = ‸", "python"),
        (f'"""{WORDS}"""\nx = "a ‸', "python"),
        (f"{WORDS}‸", "markdown"),
        (f"const page = `<p>{WORDS}</p><p>‸`", "javascript"),
        (f"# {WORDS}\n\n# The ‸", "python"),
        ('open("data/‸', "python"),
    ],
    ids=["short comment", "docstring", "below it", "after it", "prose", "template", "new comment", "path"],
)
def test_short_text_and_code_are_not(marked: str, language: str) -> None:
    assert refuse(hole(marked, language), AUTOMATIC, DEFAULT) is None


@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
def test_files_that_the_settings_name(trigger: str) -> None:
    settings = CompletionSettings(disabled_globs=["*.env"])
    assert "switched off for a/x.env" in str(refuse(hole("A=‸"), trigger, settings, Circumstances(path="a/x.env")))
    assert refuse(hole("A=‸"), trigger, settings, Circumstances(path="a/x.py")) is None
