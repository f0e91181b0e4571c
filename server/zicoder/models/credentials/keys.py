"""Where a provider's key comes from, and where it is kept.

Looked for in this order; the first that has one wins:

1. the environment variable `ZI_KEY_<NAME>`, which is meant for Zi Coder and nothing else;
2. what the user gave to Zi Coder: the operating system's keyring, else an encrypted file;
3. the provider's own environment variable (`OPENAI_API_KEY`), which may have been set for other programs.

A name is a provider's (`openai`), or a provider's at a host (`openai-compatible@gpu-box:8080`): a key for one host is
never sent to another. Values are `SecretStr` from here to the header they end in; they are never written to settings,
logs or errors, and no function lists them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from zicoder.errors import CredentialError, InputError
from zicoder.models.credentials.encrypted import EncryptedFile, Place
from zicoder.models.credentials.keyring_store import KeyringStore, open_keyring
from zicoder.models.store import data_dir

__all__ = ["Credentials", "Source", "variable_names"]

Where = Literal["auto", "keyring", "file"]
Source = Literal["", "environment", "keyring", "file"]

VENDOR_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "cohere": ("CO_API_KEY", "COHERE_API_KEY"),
    "together": ("TOGETHER_API_KEY",),
    "anyscale": ("ANYSCALE_API_KEY",),
}
"""The variables that the providers' own tools read, by provider."""
PREFIX = "ZI_KEY_"
PASSPHRASE = "ZI_PASSPHRASE"  # noqa: S105 - the variable's name
LONGEST = 16_384
_NAME = re.compile(r"[a-z0-9][a-z0-9.@:_\[\]-]{0,199}")


def variable_names(environment: Mapping[str, str] | None = None) -> frozenset[str]:
    """Environment variables that hold keys, as far as we know: what a child process must not inherit."""
    known = {variable for variables in VENDOR_VARIABLES.values() for variable in variables}
    present = os.environ if environment is None else environment
    return frozenset({PASSPHRASE, *known, *(name for name in present if name.upper().startswith(PREFIX))})


def _passphrase_of_environment() -> SecretStr | None:
    value = os.environ.get(PASSPHRASE)
    return SecretStr(value) if value else None


class Credentials:
    """The keys of this user. Every method may wait for the keyring, so an event loop calls them in a thread.

    Where the packages for it are missing, keys of the environment still work.
    """

    def __init__(
        self,
        *,
        where: Where = "auto",
        folder: Path | None = None,
        passphrase: Callable[[], SecretStr | None] = _passphrase_of_environment,
        keyring: Callable[[], KeyringStore | None] = open_keyring,
    ) -> None:
        self._where = where
        self._file = EncryptedFile(folder or data_dir() / "credentials", passphrase=passphrase)
        self._find_keyring = keyring
        self._keyring: KeyringStore | None = None
        self._looked = False

    def get(self, *names: str) -> SecretStr | None:
        """The key under the first of `names` that has one, else None. Raises CredentialError, InputError."""
        for name in map(_checked, names):
            if found := _variable(_own_variable(name)):
                return found
        places = self._file.names()
        for name in names:
            if name in places and (found := self._kept(name, places[name])):
                return found
        for name in names:
            for variable in VENDOR_VARIABLES.get(name, ()):
                if found := _variable(variable):
                    return found
        return None

    def set(self, name: str, value: SecretStr) -> Place:
        """Keep a key; says where. Raises CredentialError, InputError."""
        _checked(name)
        plain = value.get_secret_value().strip()
        if not plain or len(plain) > LONGEST or not plain.isprintable() or not plain.isascii():
            raise InputError("That is no key: it is empty, too long, or holds characters that no key has.")
        keyring = self._open_keyring() if self._where != "file" else None
        if keyring is None and self._where == "keyring":
            raise CredentialError(
                "There is no keyring on this machine that can be used.", hint="Set `chat.keys` to `auto` or `file`."
            )
        with _packages():
            if keyring is None:
                self._file.set(name, SecretStr(plain))
                return "file"
            keyring.set(name, SecretStr(plain))
            self._file.note(name)
        return "keyring"

    def delete(self, name: str) -> bool:
        """Forget a key; False when none was kept. Raises CredentialError, InputError."""
        place = self._file.names().get(_checked(name))
        if place == "keyring" and (keyring := self._open_keyring()):
            keyring.delete(name)
        self._file.delete(name)
        return place is not None

    def names(self) -> dict[str, Place]:
        """Which keys are kept, and where; no values. Raises CredentialError."""
        return self._file.names()

    def source(self, name: str) -> Source:
        """Where the key for a provider would be taken from, "" for nowhere. Reads no key. Raises CredentialError."""
        if _variable(_own_variable(_checked(name))):
            return "environment"
        kept = self._file.names().get(name)
        if kept is not None:
            return kept
        vendor = any(_variable(variable) for variable in VENDOR_VARIABLES.get(name, ()))
        return "environment" if vendor else ""

    def _kept(self, name: str, place: Place) -> SecretStr | None:
        if place == "file":
            with _packages():
                return self._file.get(name)
        keyring = self._open_keyring()
        if keyring is None:
            raise CredentialError(
                f"The key {name!r} is in the keyring of this machine, which does not answer.",
                hint="Unlock the keyring, or delete the key and give it again.",
            )
        return keyring.get(name)

    def _open_keyring(self) -> KeyringStore | None:
        if not self._looked:
            self._keyring = self._find_keyring()
            self._looked = True
        return self._keyring


@contextmanager
def _packages() -> Generator[None]:
    """Turns a missing package into a sentence."""
    try:
        yield
    except ImportError as error:
        raise CredentialError(
            f"A package that keeps keys is missing ({error.name}).", hint="Run `pip install 'zicoder[chat]'`."
        ) from None


def _own_variable(name: str) -> str:
    """The environment variable that is meant for Zi Coder."""
    return f"{PREFIX}{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def _variable(name: str) -> SecretStr | None:
    value = os.environ.get(name, "").strip()
    return SecretStr(value) if value else None


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError("That is no name of a provider.", hint="A name is like `openai` or `openai-compatible@host`.")
    return name
