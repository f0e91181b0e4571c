"""A real session of commands in a real folder, with a front end that accepts everything and writes it to the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zicoder.agents.edits.disk import apply_on_disk
from zicoder.agents.front import Answer, Applied, Question
from zicoder.commands.session import Session
from zicoder.proposal import Proposal
from zicoder.text import Snapshot
from zicoder.workspace import Workspace


class Willing:
    """Says yes to everything."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def may(self, question: Question) -> Answer:
        return "once"

    async def apply(self, proposal: Proposal) -> Applied:
        return apply_on_disk(proposal, self.root)


@pytest.fixture
def documents() -> list[Snapshot]:
    """The open ones."""
    return []


@pytest.fixture
async def session(tmp_path: Path, documents: list[Snapshot]) -> AsyncIterator[Session]:
    root = tmp_path / "shop"
    root.mkdir()
    async with Workspace(root) as workspace:
        made = Session(workspace, Willing(root), documents=lambda: documents)
        yield made
        await made.close()
