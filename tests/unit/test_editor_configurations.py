"""What docs/editors.md tells people to put into their editors' files: it has the form, and the names in it exist."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from zicoder.acp.registration import NAME, SERVERS, entry
from zicoder.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "editors.md").read_text(encoding="utf-8")
EL = (DOCS / "editors" / "zi.el").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The only code fence of a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return text


def check_settings(given: dict[str, Any]) -> None:
    assert Settings.model_validate(given)
    for section, values in given.items():
        assert set(values) <= set(type(getattr(Settings(), section)).model_fields), section


def test_the_file_for_helix_starts_the_server_and_sets_what_exists() -> None:
    file = tomllib.loads(block("toml"))
    server = file["language-server"]["zi"]
    assert (server["command"], server["args"]) == ("zi", ["lsp"])
    check_settings(server["config"]["zi"])
    (language,) = file["language"]
    assert language["name"] == "python"
    assert set(language["language-servers"]) <= set(file["language-server"])


def test_the_entry_for_other_programs_is_what_is_registered() -> None:
    shown = json.loads(block("json"))[SERVERS][NAME]
    assert shown.keys() == entry("jetbrains").keys() == {"command", "args", "env"}
    assert shown["args"] == ["acp"]
    assert entry("zed").keys() - shown.keys() == {"type"}


def test_what_the_page_says_of_emacs_is_in_the_file_for_emacs() -> None:
    commands = set(re.findall(r"`M-x (zi[\w-]*)`", PAGE))
    assert commands == {"zi", "zi-suggest", "zi-new-conversation"}
    for name in commands:
        assert re.search(rf"\(defun {name} \([^)]*\)\n(?:  \".*\n)+  \(interactive", EL), name
    assert "(defcustom zi-modes" in EL
    (level,) = re.findall(r'\(:zi \(:diagnostics \(:level "(\w+)"\)\)\)', block("elisp"))
    check_settings({"diagnostics": {"level": level}})
    assert block("elisp").count("(") == block("elisp").count(")")
