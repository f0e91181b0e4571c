"""The commands and notifications about suggestions, as a client sends them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from zicoder.complete.control import Control
from zicoder.complete.hole import Hole
from zicoder.complete.journal import Journal
from zicoder.complete.reception import Offer, Reception
from zicoder.lsp.features import suggestion_feedback as feedback
from zicoder.text import Snapshot
from zicoder.workspace import Workspace


class Host:
    """A server reduced to its switches and its memory."""

    def __init__(self, folder: Path) -> None:
        self.project: Workspace | None = Workspace(folder)
        self.journal: Journal | None = Journal(folder / "journal.jsonl")
        self.control: Control | None = Control()
        self.reception: Reception | None = Reception(self.journal.append)
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.said: list[str] = []
        self.encoding = "utf-16"
        feedback.register(self)

    def snapshot(self, uri: str) -> Snapshot | None:
        return Snapshot(uri, "x = ") if uri == "file:///a.py" else None

    def command(self, command_name: str) -> Callable[..., Any]:
        def keep(handler: Callable[..., Any]) -> Callable[..., Any]:
            self.handlers[command_name] = handler
            return handler

        return keep

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[..., Any]:
        return self.command(feature_name)

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        self.said.append(params.message)

    async def run(self, command: str, *arguments: Any) -> Any:
        return await self.handlers[command](*arguments)

    def tell(self, notification: str, **params: Any) -> None:
        self.handlers[notification](SimpleNamespace(**params))

    def suggest(self) -> Offer:
        hole = Hole(prefix="x = ", suffix="", language="python")
        assert self.reception
        offer = self.reception.offer(Snapshot("file:///a.py", "x = "), hole, "value", "high")
        offer.show = True
        return offer

    @property
    def outcomes(self) -> list[str]:
        assert self.journal
        return [entry.outcome for entry in self.journal.entries()]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_snoozing_and_resuming(host: Host) -> None:
    state = await host.run(feedback.SNOOZE, 10)
    assert state["active"] is False
    assert 590 <= state["snoozedSeconds"] <= 600
    assert state["reason"].startswith("Suggestions are snoozed for another 10 minutes")
    assert await host.run(feedback.RESUME) == {"active": True, "snoozedSeconds": 0, "reason": ""}
    assert (await host.run(feedback.SNOOZE))["snoozedSeconds"] > 1700


@pytest.mark.parametrize("argument", ["soon", -1, [], {}, 1e9, 10**400])
async def test_a_snooze_that_makes_no_sense_is_said_and_changes_nothing(host: Host, argument: Any) -> None:
    assert (await host.run(feedback.SNOOZE, argument))["active"] is True
    assert len(host.said) == 1


async def test_toggling(host: Host) -> None:
    assert (await host.run(feedback.TOGGLE))["active"] is False
    assert (await host.run(feedback.TOGGLE))["active"] is True


async def test_what_the_client_tells_is_in_the_log_until_it_is_erased(host: Host) -> None:
    offer = host.suggest()
    host.tell(feedback.SHOWN, id=offer.id)
    host.tell(feedback.ACCEPTED, id=offer.id)
    host.tell(feedback.REJECTED, id=host.suggest().id)
    partly = host.suggest().id
    host.tell(feedback.ACCEPTED, id=partly, acceptedLength=2)
    host.tell(feedback.REJECTED, id=partly)
    assert host.outcomes == ["accepted", "rejected", "partly"]
    assert await host.run(feedback.FORGET) is True
    assert host.outcomes == []
    assert host.said == ["The log of suggestions and what was learnt from it are erased."]


@pytest.mark.parametrize(
    ("uri", "character", "outcomes"),
    [("file:///a.py", 4, ["rejected"]), ("file:///a.py", 1, []), ("file:///b.py", 4, [])],
)
def test_a_client_that_keeps_no_ids_says_where_it_stood(
    host: Host, uri: str, character: int, outcomes: list[str]
) -> None:
    host.suggest()
    place = SimpleNamespace(line=0, character=character)
    host.tell(feedback.REJECTED, textDocument=SimpleNamespace(uri=uri), position=place)
    host.tell(feedback.REJECTED)
    assert host.outcomes == outcomes


async def test_the_command_that_comes_with_a_suggestion_tells_that_it_was_accepted(host: Host) -> None:
    await host.run(feedback.TAKEN, host.suggest().id)
    await host.run(feedback.TAKEN, "99")
    await host.run(feedback.TAKEN)
    assert host.outcomes == ["accepted"]


@pytest.mark.parametrize("params", [{}, {"id": None}, {"id": "99"}, {"id": {"a": 1}, "acceptedLength": "all"}])
def test_nonsense_from_a_client_is_passed_over(host: Host, params: dict[str, Any]) -> None:
    host.suggest()
    for notification in (feedback.SHOWN, feedback.ACCEPTED, feedback.REJECTED):
        host.tell(notification, **params)
    assert host.outcomes == []


async def test_before_the_server_is_up(host: Host) -> None:
    host.project = host.control = host.reception = host.journal = None
    host.tell(feedback.ACCEPTED, id="1")
    assert (await host.run(feedback.SNOOZE, 5))["reason"] == "The server is still starting."
    assert (await host.run(feedback.TOGGLE))["active"] is False
    assert await host.run(feedback.FORGET) is False


async def test_a_log_that_cannot_be_erased_is_said(host: Host, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    assert await host.run(feedback.FORGET) is False
    assert "could not be erased" in host.said[0]
