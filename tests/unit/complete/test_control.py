"""The switches of a session, and the documents in which the settings want no suggestions."""

from __future__ import annotations

import math

import pytest

from zicoder.complete.control import Control, unwanted
from zicoder.errors import InputError
from zicoder.settings import CompletionSettings

DEFAULT = CompletionSettings()


def reason(control: Control, settings: CompletionSettings = DEFAULT, *, automatic: bool = True, now: float = 0) -> str:
    return control.reason(settings, automatic=automatic, now=now) or ""


def test_a_snooze_ends_by_itself_or_by_hand_and_asking_passes_it() -> None:
    control = Control()
    control.snooze(10, now=100)
    assert reason(control, now=100) == "Suggestions are snoozed for another 10 minutes (`zi.resume` ends it)."
    assert "another 1 minute (" in reason(control, now=100 + 599)
    assert reason(control, automatic=False, now=101) == ""
    assert control.snoozed_s(160) == 540
    assert reason(control, now=700) == ""
    control.snooze(10, now=1000)
    control.resume()
    assert reason(control, now=1001) == ""


@pytest.mark.parametrize("minutes", [0, -5, math.nan, math.inf, 10_000])
def test_no_such_time_to_snooze(minutes: float) -> None:
    control = Control()
    with pytest.raises(InputError, match="cannot be snoozed"):
        control.snooze(minutes, now=0)
    assert reason(control) == ""


def test_toggling_wins_over_the_setting_for_this_session() -> None:
    control, off = Control(), CompletionSettings(enabled=False)
    assert control.toggle(DEFAULT) is False
    assert "switched off for this session" in reason(control, automatic=False)
    assert control.toggle(DEFAULT) is True
    assert reason(control) == ""
    assert "`zi.completion.enabled`" in reason(Control(), off)
    control = Control()
    assert control.toggle(off) is True
    assert reason(control, off) == ""


def test_manual_only() -> None:
    settings = CompletionSettings(manual_only=True)
    assert "only when asked for" in reason(Control(), settings)
    assert reason(Control(), settings, automatic=False) == ""


@pytest.mark.parametrize(
    ("path", "globs", "off"),
    [
        (".env", ["*.env"], True),
        ("deploy/prod.env", ["*.env"], True),
        ("docs/guide/intro.md", ["docs/**"], True),
        ("docs/guide/intro.md", ["docs/"], True),
        ("src/docs.py", ["docs/**"], False),
        ("src/a.py", ["*.md", "generated"], False),
        ("src/generated/a.py", ["generated"], True),
        ("src/a.py", ["src/*", "!src/a.py"], False),
        ("naïve/é.py", ["é.py"], True),
        ("a.py", [], False),
        ("", ["*"], False),
        ("a" * 40, ["*a" * 30 + "b"], False),
    ],
)
def test_globs_are_read_as_in_a_gitignore(path: str, globs: list[str], off: bool) -> None:
    found = unwanted(path, "python", CompletionSettings(disabled_globs=globs))
    assert (found is not None) is off
    assert not off or "`zi.completion.disabled_globs`" in str(found)


def test_languages() -> None:
    only = CompletionSettings(languages=["python", "go"])
    assert unwanted("a.py", "python", only) is None
    assert "not switched on for rust" in str(unwanted("a.rs", "rust", only))
    assert "switched off for go" in str(unwanted("a.go", "go", CompletionSettings(disabled_languages=["go"])))
