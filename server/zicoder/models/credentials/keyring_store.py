"""Keys in the operating system's keyring, through the `keyring` package.

A keyring may ask the user for a password, or wait for a service that never answers: every call runs in a thread of its
own and is given up after a while. Backends that keep nothing, or keep it as plain text, count as no keyring.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import SecretStr

from zicoder.errors import CredentialError

__all__ = ["PATIENCE_S", "KeyringStore", "open_keyring"]

SERVICE = "zicoder"
PATIENCE_S = 10.0
"""How long a keyring may take: long enough for one that is busy, too short for one that waits for a person."""
TRUSTED_PRIORITY = 1
"""What `keyring` itself calls recommended. Below it are the ones that fail, keep nothing, or keep plain text."""

T = TypeVar("T")


class KeyringStore:
    """Keys under the service name `zicoder`."""

    def __init__(self, backend: Any, *, patience_s: float = PATIENCE_S) -> None:
        self._backend = backend
        self._patience_s = patience_s

    def get(self, name: str) -> SecretStr | None:
        """The key, None if there is none. Raises CredentialError."""
        found = self._ask(lambda: self._backend.get_password(SERVICE, name))
        return SecretStr(found) if found else None

    def set(self, name: str, value: SecretStr) -> None:
        """Keep a key. Raises CredentialError."""
        self._ask(lambda: self._backend.set_password(SERVICE, name, value.get_secret_value()))

    def delete(self, name: str) -> None:
        """Forget a key; one that is not there is no error. Raises CredentialError."""

        def delete() -> None:
            if self._backend.get_password(SERVICE, name) is not None:
                self._backend.delete_password(SERVICE, name)

        self._ask(delete)

    def _ask(self, call: Callable[[], T]) -> T:
        return _within(self._patience_s, call)


def open_keyring(*, patience_s: float = PATIENCE_S) -> KeyringStore | None:
    """The keyring of this machine, None where there is none that works and can be trusted with a key."""

    def find() -> Any:
        import keyring
        from keyring.backends.chainer import ChainerBackend

        backend: Any = keyring.get_keyring()
        candidates: list[Any] = list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]
        good = [one for one in candidates if one.priority >= TRUSTED_PRIORITY]
        if good:
            good[0].get_password(SERVICE, "is-anybody-there")
        return good[0] if good else None

    try:
        backend = _within(patience_s, find)
    except CredentialError:
        return None
    return KeyringStore(backend, patience_s=patience_s) if backend is not None else None


def _within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that may hang. Raises CredentialError, without what the backend said: it may quote a key."""
    done: queue.Queue[tuple[bool, Any]] = queue.Queue()

    def run() -> None:
        try:
            done.put((True, call()))
        except Exception as error:  # noqa: BLE001 - backends raise what they like
            done.put((False, type(error).__name__))

    threading.Thread(target=run, name="zi-keyring", daemon=True).start()
    try:
        worked, result = done.get(timeout=seconds)
    except queue.Empty:
        raise CredentialError(
            f"The keyring of this machine did not answer within {seconds:g} s.",
            hint="Unlock it, or set `chat.keys` to `file` to keep keys in an encrypted file.",
        ) from None
    if not worked:
        raise CredentialError(
            f"The keyring of this machine cannot be used ({result}).",
            hint="Set `chat.keys` to `file` to keep keys in an encrypted file.",
        )
    return result
