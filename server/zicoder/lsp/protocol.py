"""pygls' protocol with what it lacks: our documents, and commands that a client can cancel."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from zicoder.lsp.overlay import ZiWorkspace

__all__ = ["ZiProtocol"]


class ZiProtocol(LanguageServerProtocol):
    """Pass it as `protocol_cls` to the `LanguageServer` constructor."""

    @property
    def workspace(self) -> ZiWorkspace:
        """The workspace, ours. pygls builds its own class in `initialize` and offers no hook, so swap at first use."""
        base = super().workspace
        if not isinstance(base, ZiWorkspace):
            base = ZiWorkspace(
                base.root_uri,
                types.TextDocumentSyncKind.Incremental,
                list(base.folders.values()),
                base.position_encoding,
            )
            self._workspace = base
        return base

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a command within the request's own task.

        pygls runs it in another one, which a cancelled request leaves running to its end.
        """
        known: Any = self.fm
        commands: dict[str, Callable[..., Any]] = known.commands
        handler = commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams.of(ValueError(f"Command name {params.command!r} is not defined"))
        takes = inspect.signature(handler).parameters.values()
        variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in takes)
        result: Any = handler(*(params.arguments or ())) if variadic else handler()
        return await result if inspect.isawaitable(result) else result
