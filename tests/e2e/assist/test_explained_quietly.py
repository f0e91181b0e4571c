"""Explanations ahead of time by the real 0.5B model, in the rank that gives way to everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from zicoder.assist.hover.explanation import Subject, shortened
from zicoder.errors import EngineError
from zicoder.lsp.hovering import Hovering
from zicoder.models.protocols import InfillRequest
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("qwen"), pytest.mark.timeout(300)]

SUBJECT = Subject(name="area", language="python", text="def area(width, height):\n    return width * height\n")


class Host:
    """A server with a project and nothing else."""

    completer = None
    jedi: Any = None
    assistant: Any = None

    def __init__(self, project: Workspace) -> None:
        self.project = project
        self.open_uris: list[str] = []

    def snapshots(self) -> list[Snapshot]:
        return []

    async def slash_session(self) -> Any:
        raise AssertionError("nobody has asked")

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)


@pytest.fixture
async def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    monkeypatch.setenv("ZI_CHAT__MODEL", "local:qwen2.5-coder-0.5b")
    monkeypatch.setenv("ZI_MODEL__INFILL", "qwen2.5-coder-0.5b")
    async with Workspace(tmp_path) as project:
        yield project


async def test_only_a_model_that_is_loaded_anyway_is_asked(project: Workspace) -> None:
    hovering = Hovering(Host(project))
    with pytest.raises(EngineError):
        await hovering._ask_quietly(SUBJECT.prompt)
    assert project.engine.pid is None
    await project.warm_up()
    answer, name = await hovering._ask_quietly(SUBJECT.prompt)
    assert name == "local:qwen2.5-coder-0.5b"
    assert shortened(answer)


async def test_a_suggestion_ends_it(project: Workspace) -> None:
    hovering = Hovering(Host(project))
    await project.warm_up()
    await hovering._ask_quietly(SUBJECT.prompt)
    other = Subject(name="other", language="python", text=SUBJECT.text + "# more\n" * 60)
    writing = asyncio.create_task(hovering._ask_quietly(other.prompt))
    await asyncio.sleep(0)
    model = await project.infill_model()
    request = InfillRequest(document="d", prefix="def volume(w, h, d):\n    return ", suffix="\n", max_tokens=8)
    while not writing.done():
        async for _ in model.infill(request):
            pass
    with pytest.raises(EngineError):
        writing.result()
