"""pygls' protocol with what it lacks: our documents, our errors, commands that a client can cancel, questions that we
can.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from zicoder.errors import ZiError
from zicoder.lsp.overlay import ZiWorkspace

__all__ = ["ZiProtocol"]

log = logging.getLogger("zicoder.lsp")

REQUEST_FAILED = int(types.LSPErrorCodes.RequestFailed)
"""The request was sound, and could not be served."""


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

    def _handle_response(self, msg_id: str | int, result: Any = None, error: Any = None) -> None:
        """Drop the client's answer to what nobody waits for any more; pygls takes it for an error of ours."""
        futures: dict[str | int, Future[Any]] = self._request_futures
        waiting = futures.get(msg_id)
        if waiting is not None and waiting.cancelled():
            del futures[msg_id]
            return
        super()._handle_response(msg_id, result, error)

    def _send_handler_result(self, future: Future[Any], *, msg_id: str | int) -> None:
        """A failure that we foresaw goes out as its sentence, and leaves no stack trace in the log."""
        error = None if future.cancelled() else future.exception()
        if not isinstance(error, ZiError):
            super()._send_handler_result(future, msg_id=msg_id)
            return
        self._request_futures.pop(msg_id, None)
        log.info("%s", error.sentence)
        self._send_response(msg_id, error=types.ResponseError(code=REQUEST_FAILED, message=error.sentence))

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
