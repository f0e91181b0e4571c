"""The providers with the state of their keys, as a settings page shows them: whether there is one, never which.

Asks no server and reads no key.
"""

from __future__ import annotations

from dataclasses import dataclass

from zicoder.models.chat.providers import ChatProviders
from zicoder.models.credentials.keys import Credentials, Source

__all__ = ["Account", "accounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One provider, or a server of the user's own that a key is kept for."""

    name: str
    """What its key is kept under."""
    title: str
    needs_key: bool
    """Whether it answers nobody without one."""
    own_address: bool
    """Whether a model's name must say where the server is."""
    installs: bool
    """Whether it can be told to fetch a model."""
    key: Source
    """Where a key is taken from: "environment", "keyring", "file", or "" for nowhere."""


def accounts(credentials: Credentials, providers: ChatProviders) -> tuple[Account, ...]:
    """Every provider that is a server, then other names that a key is kept for. Blocking. Raises CredentialError."""
    rows: list[Account] = []
    for name in providers:
        provider = providers.get(name)
        if provider.make is not None:
            row = Account(
                name=name, title=provider.title, needs_key=provider.needs_key, own_address=not provider.url,
                installs=bool(provider.installs), key=credentials.source(name),
            )  # fmt: skip
            rows.append(row)
    rows.sort(key=lambda row: (not row.key, row.title.lower()))
    known = {row.name for row in rows}
    for name in credentials.names():
        if name not in known:
            provider_name, _, host = name.partition("@")
            title = f"{provider_name} at {host}" if host else name
            row = Account(
                name=name, title=title, needs_key=True, own_address=True, installs=False, key=credentials.source(name)
            )
            rows.append(row)
    return tuple(rows)
