"""The same model asked plainly: the code and the diagnostic in one prompt, one answer, and it is believed."""

from __future__ import annotations

import time
from pathlib import Path

from lsprotocol import types

from zicoder.agents.front import Answer, Applied, Question
from zicoder.assist.fixing.fixer import region_around
from zicoder.assist.problem import Problem
from zicoder.commands.answering import Question as Asked
from zicoder.commands.answering import answer
from zicoder.commands.editing import ONE_FENCE, fenced_code
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Finished
from zicoder.lsp.convert import offset_of
from zicoder.proposal import Proposal
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

__all__ = ["plainly_fixed"]


class _Nobody:
    """Allows nothing, and takes nothing."""

    async def may(self, question: Question) -> Answer:
        return "never"

    async def apply(self, proposal: Proposal) -> Applied:
        return Applied(False)


async def plainly_fixed(
    model: str, root: Path, path: Path, text: str, language: str, problem: types.Diagnostic
) -> tuple[str | None, float]:
    """The text after the answer, None for none that holds code, and its seconds, loading the model left out."""
    snapshot = Snapshot(path.as_uri(), text, 1, language, path)
    start = offset_of(snapshot, problem.range.start, "utf-16")
    region = region_around(snapshot, Problem(start, start, problem.message))
    settings = {"model": {"infill": model}, "chat": {"model": f"local:{model}"}, "index": {"enabled": False}}
    task = f"{problem.message}\nFix this error.\n\n```{language}\n{region.text}\n```\n\n{ONE_FENCE}"
    async with Workspace(root, editor_settings=settings) as workspace:
        session = Session(workspace, _Nobody())
        try:
            await _said(session, "Say yes.")
            begun = time.perf_counter()
            said = await _said(session, task)
            seconds = round(time.perf_counter() - begun, 2)
        finally:
            await session.close()
    code = fenced_code(said)
    if code is None:
        return None, seconds
    return snapshot.text[: region.start] + code.strip("\n") + snapshot.text[region.end :], seconds


async def _said(session: Session, task: str) -> str:
    question = Asked(role="coder", task=task, search=False, document=False, remember=False)
    async for event in answer(session, Invocation(text="fix it"), question):
        if isinstance(event, Finished):
            return event.text
    return ""
