"""`textDocument/codeAction`, `codeAction/resolve`, and `zi.applyAction` for clients that do not resolve.

The list is short of 100 ms old by design: it holds what was ready then. What costs more is made when it is chosen: a
client that resolves edits gets an action with neither edit nor command (some resolve nothing else), any other one a
command. An edit for a text that has changed since is not made.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.errors import ZiError
from zicoder.lsp.convert import offset_of
from zicoder.lsp.progress import BackgroundProgress
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.actions.action import Action, Asked, Change
    from zicoder.assist.actions.offering import Offering
    from zicoder.assist.problem import Problem, Severity
    from zicoder.lsp.assistant import Assistant
    from zicoder.lsp.features.diagnostics import Publisher
    from zicoder.workspace import Workspace

__all__ = ["ActionHost", "register"]

APPLY = "zi.applyAction"
KINDS = (
    "quickfix", "refactor", "refactor.extract", "refactor.inline", "refactor.rewrite", "source.fixAll.zi",
    "source.organizeImports.zi",
)  # fmt: skip
MAX_DIAGNOSTICS = 50
NO_CHECKER = re.compile(r"(?i)spell|todo|ltex|grammar|sonar|codeium|copilot")
"""Sources of diagnostics that say nothing about whether somebody checks the code."""
_SEVERITIES: dict[int, Severity] = {1: "error", 2: "warning", 3: "information", 4: "hint"}

F = TypeVar("F", bound=Callable[..., Any])


class ActionHost(Protocol):
    """A server with documents, checks and a client that applies edits."""

    @property
    def encoding(self) -> str: ...  # noqa: D102
    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def assistant(self) -> Assistant: ...  # noqa: D102
    @property
    def publisher(self) -> Publisher: ...  # noqa: D102
    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    @property
    def bars(self) -> Any: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102
    async def workspace_apply_edit_async(  # noqa: D102
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult: ...
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102


def register(host: ActionHost) -> None:
    """Offer code actions."""
    options = types.CodeActionOptions(code_action_kinds=list(KINDS), resolve_provider=True)

    @host.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        snapshot, project = host.snapshot(params.text_document.uri), host.project
        if snapshot is None or project is None or not project.trusted:
            return []
        asked, told = _asked(host, snapshot, params, project.root)
        _notice_others(host, snapshot.language, params.context.diagnostics)
        left_alone = await asyncio.to_thread(importlib.import_module, "zicoder.assist.actions.left_alone")
        if await asyncio.to_thread(left_alone.is_left_alone, snapshot):
            return []
        found = await (await host.assistant.offering()).offers(asked)
        return [made for token, each in found if (made := _action(host, asked, token, each, told)) is not None]

    @host.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        token = _token(action.data)
        if token and action.edit is None and (made := await _made(host, token, action.title)) is not None:
            action.edit, action.title = made
        return action

    @host.command(APPLY)
    async def apply(*arguments: Any) -> bool:
        """Do what a code action offers, for clients that do not resolve. Two arguments: its token and its title."""
        token, title = (*map(str, arguments), "", "")[:2]
        made = await _made(host, token, title)
        if made is None:
            return False
        params = types.ApplyWorkspaceEditParams(edit=made[0], label=made[1])
        return bool((await host.workspace_apply_edit_async(params)).applied)


def _asked(
    host: ActionHost, snapshot: Snapshot, params: types.CodeActionParams, root: Path | None
) -> tuple[Asked, dict[Problem, types.Diagnostic]]:
    """The question in our words, and which diagnostic each problem was."""
    from zicoder.assist.actions.action import Asked
    from zicoder.assist.problem import MAX_MESSAGE, Problem

    def span(place: types.Range) -> tuple[int, int]:
        start, end = (offset_of(snapshot, each, host.encoding) for each in (place.start, place.end))
        return min(start, end), max(start, end)

    told: dict[Problem, types.Diagnostic] = {}
    for each in list(params.context.diagnostics)[:MAX_DIAGNOSTICS]:
        severity = _SEVERITIES.get(each.severity or 1, "error")
        code = str(each.code) if each.code is not None else ""
        problem = Problem(*span(each.range), each.message[:MAX_MESSAGE], each.source or "", code[:100], severity)
        told[problem] = each
    start, end = span(params.range)
    only = tuple(str(getattr(each, "value", each)) for each in params.context.only or ())
    return Asked(snapshot=snapshot, start=start, end=end, problems=tuple(told), only=only, root=root), told


def _notice_others(host: ActionHost, language: str, diagnostics: Any) -> None:
    """Another server's diagnostics show that it checks the language; then ours are not wanted beside them."""
    others = host.assistant.checked_by_others
    if language in others:
        return
    for each in list(diagnostics)[:MAX_DIAGNOSTICS]:
        source = each.source or ""
        if source and source != "zi" and not source.startswith("zi-") and not NO_CHECKER.search(source):
            others.add(language)
            host.publisher.refresh()
            return


def _action(
    host: ActionHost, asked: Asked, token: str, action: Action, told: dict[Problem, types.Diagnostic]
) -> types.CodeAction | None:
    """An action as LSP has it; None for one that the client could not apply."""
    from zicoder.lsp.assist_edits import can_create, workspace_edit

    made = types.CodeAction(
        title=action.title,
        kind=types.CodeActionKind(action.kind) if action.kind in _KNOWN_KINDS else action.kind,
        diagnostics=[told[action.problem]] if action.problem is not None and action.problem in told else None,
        is_preferred=True if action.preferred else None,
    )
    if action.change is not None:
        if any(file.before is None for file in action.change.files) and not can_create(host):
            return None
        made.edit = workspace_edit(host, asked.snapshot, action.change, action.title)
        return made if made.edit is not None else None
    if _resolves(host):
        made.data = {"token": token}
    else:
        made.command = types.Command(title=action.title, command=APPLY, arguments=[token, action.title])
    return made


_KNOWN_KINDS = frozenset(each.value for each in types.CodeActionKind)


def _resolves(host: ActionHost) -> bool:
    """Whether the client fetches the edit of an action that comes without one."""
    can = get_capability(host.client_capabilities, "text_document.code_action.resolve_support", None)
    data = get_capability(host.client_capabilities, "text_document.code_action.data_support", False)
    return bool(data) and can is not None and "edit" in can.properties


def _token(data: Any) -> str:
    value = data.get("token") if isinstance(data, dict) else getattr(data, "token", None)  # type: ignore[union-attr]
    return value if isinstance(value, str) else ""


async def _made(host: ActionHost, token: str, title: str) -> tuple[types.WorkspaceEdit, str] | None:
    """The edit of a chosen action and its title; None, with a word to the person, where nothing comes of it."""
    from zicoder.lsp.assist_edits import workspace_edit

    offering: Offering = await host.assistant.offering()
    if not offering.is_current(token, host.snapshot):
        return _told(host, "The file has changed since; ask for its actions again.")
    work = asyncio.create_task(_chosen(host, offering, token, title))
    try:
        made = await work
    except ZiError as error:
        return _told(host, error.sentence)
    except asyncio.CancelledError:
        if work.cancelled() and not cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():
            return _told(host, f"{title}: stopped; nothing was done.")
        work.cancel()
        raise
    if made is None:
        changed = not offering.is_current(token, host.snapshot)
        return _told(host, "The file has changed since; nothing was done." if changed else f"Nothing came of: {title}.")
    asked, change = made
    edit = await asyncio.to_thread(workspace_edit, host, asked.snapshot, change, change.title or title)
    if edit is None:
        return _told(host, "A file that this would change is not what it was; nothing was done.")
    if change.title:  # clients show no title but that of the list, and this one says how it was checked
        _told(host, change.title)
    return edit, change.title or title


async def _chosen(host: ActionHost, offering: Offering, token: str, title: str) -> tuple[Asked, Change] | None:
    """Make the change, with progress in the editor that a person can stop."""
    from zicoder.events import Progress

    task = asyncio.current_task()
    stop = task.cancel if task is not None else None
    async with BackgroundProgress(host.bars, f"Zi: {title}", stop=stop) as progress:
        progress(Progress(title, 0, 1))
        try:
            return await offering.chosen(token, host.snapshot, progress)
        finally:
            progress(Progress(title, 1, 1))


def _told(host: ActionHost, text: str) -> None:
    host.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=text))
