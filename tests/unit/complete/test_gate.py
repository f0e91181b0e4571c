"""Where no suggestion is made, and the sentence that says why."""

from __future__ import annotations

import pytest

from zicoder.complete.gate import AUTOMATIC, INVOKED, LONGEST_LINE, refuse
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
