"""The commands about suggestions themselves: why there was none, whether all is ready, and a fresh engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.lsp.status import StatusReporter

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.complete.completer import Completer
    from zicoder.workspace import Workspace

__all__ = ["CommandHost", "register"]

MOMENT_S = 0.05

F = TypeVar("F", bound=Callable[..., Any])


class CommandHost(Protocol):
    """A server with a workspace."""

    @property
    def completer(self) -> Completer | None: ...  # noqa: D102
    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def status(self) -> StatusReporter: ...  # noqa: D102
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102
    async def bring_up_model(self) -> None: ...  # noqa: D102


def register(server: CommandHost) -> None:
    """Add the commands."""

    @server.command("zi.restartEngine")
    async def restart_engine() -> dict[str, Any]:
        """Start the engine afresh, also after it was stopped for crashing; answers the new status."""
        if server.project is not None:
            await server.project.engine.restart()
            await server.bring_up_model()
        return server.status.current

    @server.command("zi.prepared")
    async def prepared() -> dict[str, Any]:
        """Whether nothing is being made, made ready or indexed just now. For tests and benchmarks."""
        completer, project = server.completer, server.project
        settled = completer is not None and not completer.busy
        index = project.index if project is not None else None
        if settled and index is not None:
            try:
                await asyncio.wait_for(index.settled(), MOMENT_S)
            except TimeoutError:
                settled = False
        return {"prepared": settled}

    @server.command("zi.whyNoSuggestion")
    async def why_no_suggestion() -> dict[str, Any]:
        """Say what became of the last request: the deciding stage, the reason, and what each stage took."""
        traces = list(server.completer.traces) if server.completer else []
        ended = [t for t in traces if t.outcome not in ("running", "cancelled")] or traces
        if not ended:
            text = "No suggestion has been asked for yet."
            server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=text))
            return {"outcome": "none", "reason": text, "stage": "", "stages": []}
        trace = ended[-1]
        server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=trace.describe()))
        stats = trace.stats
        return {
            "outcome": trace.outcome,
            "reason": trace.reason,
            "stage": trace.last_stage,
            "model": trace.model,
            "line": trace.line,
            "column": trace.column,
            "totalMs": round(trace.total_ms, 1),
            "evaluatedTokens": stats.evaluated_tokens if stats else None,
            "generatedTokens": stats.generated_tokens if stats else None,
            "promptTokens": stats.prompt_tokens if stats else None,
            "draftedTokens": stats.drafted_tokens if stats else None,
            "acceptedTokens": stats.accepted_tokens if stats else None,
            "guidedTokens": stats.guided_tokens if stats else None,
            "searchedTokens": stats.searched_tokens if stats else None,
            "firstTokenMs": round(stats.first_token_ms, 1) if stats else None,
            "stages": [{"name": s.name, "ms": round(s.ms, 1), "note": s.note} for s in trace.stages],
        }
