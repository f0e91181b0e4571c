"""What the page of models and keys asks beside `zi.roles` and `zi.setRole`: the local models, and providers' keys.

A key comes in by `zi/setKey` and goes to where keys are kept. No answer, log or error here ever holds one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from zicoder.errors import InputError
from zicoder.lsp.convert import plain

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.commands.session import Session
    from zicoder.models.credentials.keys import Credentials

__all__ = ["DELETE_KEY", "SET_KEY", "MatrixHost", "register"]

SET_KEY = "zi/setKey"
DELETE_KEY = "zi/deleteKey"

F = TypeVar("F", bound=Callable[..., Any])


class MatrixHost(Protocol):
    """A server with a session of commands."""

    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102
    async def choose_model_again(self) -> None: ...  # noqa: D102
    async def bring_up_model(self) -> None: ...  # noqa: D102


def register(server: MatrixHost) -> None:
    """Add the commands and requests."""
    _register_models(server)
    _register_keys(server)


def _register_models(server: MatrixHost) -> None:
    @server.command("zi.models")
    async def models() -> dict[str, Any]:
        """The local models: `models`, a row each, and what the engine's process has now: `memory`, in bytes."""
        return await _models(await server.slash_session())

    @server.command("zi.removeModel")
    async def remove_model(*arguments: Any) -> dict[str, Any]:
        """Delete a local model from this machine; its name. Answers as `zi.models`."""
        session = await server.slash_session()
        entry = session.store.catalog.find(_name(arguments, "zi.removeModel"))
        session.workspace.engine.unload(entry.name)
        await asyncio.to_thread(session.store.remove, entry)
        await server.choose_model_again()
        return await _models(session)

    @server.command("zi.measureModel")
    async def measure_model(*arguments: Any) -> dict[str, Any]:
        """Measure how fast a local model is here, and what memory it takes; its name. Answers as `zi.models`."""
        from zicoder.models.calibration import Measured, measure
        from zicoder.workspace import cache_dir

        session = await server.slash_session()
        entry = session.store.catalog.find(_name(arguments, "zi.measureModel"))
        settings = session.workspace.settings.engine
        row = await measure(entry, session.store, settings)
        await asyncio.to_thread(lambda: Measured(cache_dir(), settings).keep(row))
        return await _models(session)

    @server.command("zi.modelsChanged")
    async def models_changed() -> None:
        """A model was fetched: suggestions begin if they had none."""
        await server.bring_up_model()


def _register_keys(server: MatrixHost) -> None:
    @server.command("zi.providers")
    async def providers() -> list[dict[str, Any]]:
        """The providers, and where each one's key comes from: "keyring", "file", "environment", or ""."""
        session = await server.slash_session()
        return await _providers(session)

    @server.feature(SET_KEY)
    async def set_key(params: Any) -> list[dict[str, Any]]:
        """Keep the `key` of a `provider`. Answers as `zi.providers`."""
        from pydantic import SecretStr

        session = await server.slash_session()
        provider, key = (plain(params).get(each) for each in ("provider", "key"))
        if not isinstance(provider, str) or not isinstance(key, str):
            raise InputError(f"`{SET_KEY}` needs a provider and its key.")
        await asyncio.to_thread(_credentials(session).set, provider, SecretStr(key))
        session.forget_healths()
        return await _providers(session)

    @server.feature(DELETE_KEY)
    async def delete_key(params: Any) -> list[dict[str, Any]]:
        """Forget the key of a `provider`. Answers as `zi.providers`."""
        session = await server.slash_session()
        provider = plain(params).get("provider")
        if not isinstance(provider, str):
            raise InputError(f"`{DELETE_KEY}` needs a provider.")
        await asyncio.to_thread(_credentials(session).delete, provider)
        session.forget_healths()
        return await _providers(session)


async def _models(session: Session) -> dict[str, Any]:
    from zicoder.models.calibration import Measured, memory_of_process
    from zicoder.models.shelf import shelf
    from zicoder.workspace import cache_dir

    engine = session.workspace.engine

    def rows() -> list[dict[str, Any]]:
        measured = Measured(cache_dir(), session.workspace.settings.engine).rows()
        return [asdict(row) | {"loaded": engine.holds(row.name)} for row in shelf(session.store, measured)]

    memory = await asyncio.to_thread(memory_of_process, engine.pid)
    return {"models": await asyncio.to_thread(rows), "memory": memory}


async def _providers(session: Session) -> list[dict[str, Any]]:
    from zicoder.models.chat.accounts import accounts

    rows = await asyncio.to_thread(accounts, _credentials(session), session.models.providers)
    return [asdict(row) for row in rows]


def _credentials(session: Session) -> Credentials:
    from zicoder.models.credentials.keys import Credentials

    return Credentials(where=session.settings.chat.keys)


def _name(arguments: tuple[Any, ...], command: str) -> str:
    if not arguments or not isinstance(arguments[0], str):
        raise InputError(f"`{command}` needs the name of a model.")
    return arguments[0]
