"""Questions and edits as an editor gets them, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from zicoder.agents.front import Question
from zicoder.lsp.front import APPROVE, EditorFront
from zicoder.text import Snapshot

ASKED = Question(tool="shell", summary="run pytest", detail="pytest -q", reason="It runs.", rule="shell:pytest *")


class Client:
    """An editor that answers what it is told to."""

    encoding = "utf-16"

    def __init__(self, answer: Any, *, approves: bool = True) -> None:
        experimental = {"zi": {"approve": True}} if approves else None
        self.client_capabilities: Any = SimpleNamespace(experimental=experimental, workspace=None)
        self.answer = answer
        self.asked: list[Any] = []
        self.told: list[str] = []

    def snapshot(self, uri: str) -> Snapshot | None:
        return None

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        self.told.append(params.message)

    async def window_show_message_request_async(
        self, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None:
        self.asked.append(params)
        return types.MessageActionItem(self.answer) if self.answer else None

    async def workspace_apply_edit_async(
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult:
        raise NotImplementedError

    async def ask_client(self, method: str, params: dict[str, Any]) -> Any:
        assert method == APPROVE
        self.asked.append(params)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, asyncio.Future):
            return await self.answer
        return self.answer


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config" / "settings.toml"


@pytest.mark.parametrize(
    "answer", [{"answer": "never"}, {"answer": "yes"}, {"answer": ["once"]}, {}, None, "once", ValueError("dismissed")]
)
async def test_whatever_is_no_clear_yes_is_a_no(tmp_path: Path, answer: Any) -> None:
    assert await EditorFront(Client(answer), tmp_path).may(ASKED) == "never"


@pytest.mark.parametrize("answer", ["once", "session"])
async def test_a_yes_is_a_yes_and_everything_was_shown(tmp_path: Path, answer: str) -> None:
    client = Client({"answer": answer})
    assert await EditorFront(client, tmp_path).may(ASKED) == answer
    assert client.asked == [
        {
            "tool": "shell", "summary": "run pytest", "detail": "pytest -q", "reason": "It runs.",
            "rule": "shell:pytest *", "project": str(tmp_path),
        }
    ]  # fmt: skip


async def test_a_yes_for_good_is_written_down_once(tmp_path: Path, configuration: Path) -> None:
    configuration.parent.mkdir()
    configuration.write_text("# mine\n[agent]\nallow = ['read']  # all\n", encoding="utf-8")
    front = EditorFront(Client({"answer": "always"}), tmp_path)
    assert [await front.may(ASKED) for _ in range(2)] == ["session", "session"]
    text = configuration.read_text(encoding="utf-8")
    assert tomllib.loads(text)["agent"]["allow"] == ["read", "shell:pytest *"]
    assert text.startswith("# mine\n")


async def test_where_no_rule_may_be_kept_always_is_a_no(tmp_path: Path, configuration: Path) -> None:
    front = EditorFront(Client({"answer": "always"}), tmp_path)
    assert await front.may(Question(tool="shell", summary="rm", rule="")) == "never"
    assert not configuration.exists()


async def test_a_settings_file_that_cannot_be_written_is_said_and_the_yes_holds_for_the_session(
    tmp_path: Path, configuration: Path
) -> None:
    configuration.parent.mkdir()
    configuration.write_text("[agent\n", encoding="utf-8")
    client = Client({"answer": "always"})
    assert await EditorFront(client, tmp_path).may(ASKED) == "session"
    assert "Mend the file" in client.told[0]
    assert configuration.read_text(encoding="utf-8") == "[agent\n"


async def test_other_clients_get_a_message_with_buttons(tmp_path: Path) -> None:
    client = Client("Allow once", approves=False)
    assert await EditorFront(client, tmp_path).may(ASKED) == "once"
    assert "pytest -q" in client.asked[0].message
