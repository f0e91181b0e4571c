"""Keys in an SQLite file, each encrypted by itself with AES-GCM.

    <folder>/credentials.db    how the file's key is made, and one row for each credential: name, place, nonce, cipher
    <folder>/credentials.key   32 random bytes, for their owner only; absent where a passphrase is used

The file's key comes from a passphrase by Argon2id (RFC 9106), with the parameters that the file names, or is the key
file itself. A key file guards against a copy of the database alone (a backup, a synchronised folder), not against
somebody who reads both. Names are not secret, and say for the keyring, too, which credentials exist.
Each cipher is bound to its name, so rows cannot be exchanged. SQLite's own locks let several processes in.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from zicoder.errors import CredentialError
from zicoder.files import OWNER, write_whole

__all__ = ["EncryptedFile", "Place"]

Place = Literal["keyring", "file"]

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
TIME_COST, MEMORY_KIB, LANES = 3, 64 * 1024, 4
"""RFC 9106's second recommendation: 3 passes over 64 MiB in 4 lanes."""
MOST_TIME, MOST_MEMORY_KIB, MOST_LANES = 64, 1 << 20, 64
"""A file that asks for more was tampered with: it would only exhaust the machine."""
BUSY_S = 10.0
CHECK = b"zicoder credentials"
_SCHEMA = """
create table if not exists lock (
    only_one integer primary key check (only_one = 1), kind text not null, salt blob not null,
    time_cost integer not null, memory_kib integer not null, lanes integer not null,
    nonce blob not null, box blob not null);
create table if not exists credential (
    name text primary key, place text not null, nonce blob not null, box blob not null);
"""

_Lock = tuple[str, bytes, int, int, int, bytes, bytes]


class EncryptedFile:
    """Credentials in one folder. `passphrase` is asked for it when the file was made with one, or is made now."""

    def __init__(self, folder: Path, *, passphrase: Callable[[], SecretStr | None] = lambda: None) -> None:
        self._path = folder / "credentials.db"
        self._key_path = folder / "credentials.key"
        self._passphrase = passphrase
        self._key: bytes | None = None

    def names(self) -> dict[str, Place]:
        """Which credentials there are, and where. Needs no key. Raises CredentialError."""
        if not self._path.exists():
            return {}
        with self._open() as database:
            rows = database.execute("select name, place from credential order by name").fetchall()
        return {str(name): "keyring" if place == "keyring" else "file" for name, place in rows}

    def get(self, name: str) -> SecretStr | None:
        """The key, None if this file has none of that name. Raises CredentialError, also for one tampered with."""
        if not self._path.exists():
            return None
        with self._open() as database:
            row = database.execute(
                "select nonce, box from credential where name = ? and place = 'file'", (name,)
            ).fetchone()
            if row is None:
                return None
            opened = _unseal(self._unlocked(database), row[0], row[1], _bound(name))
        if opened is None:
            raise CredentialError(
                f"The key {name!r} in {self._path} was damaged or tampered with.", hint="Delete it and give it again."
            )
        return SecretStr(opened.decode())

    def set(self, name: str, value: SecretStr) -> None:
        """Keep a key, in place of one of the same name. Raises CredentialError."""
        with self._open() as database:
            nonce, box = _seal(self._unlocked(database), value.get_secret_value().encode(), _bound(name))
            _put(database, name, "file", nonce, box)

    def note(self, name: str) -> None:
        """Take note that the keyring has a key of that name, and keep none here. Raises CredentialError."""
        with self._open() as database:
            _put(database, name, "keyring", b"", b"")

    def delete(self, name: str) -> None:
        """Forget a key and its name. Raises CredentialError."""
        if self._path.exists():
            with self._open() as database:
                database.execute("delete from credential where name = ?", (name,))

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """The database, in a transaction that no other process writes beside."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)) as database:
                database.execute("pragma secure_delete = on")
                database.execute("begin immediate")
                for statement in _SCHEMA.strip().split(";\n"):
                    database.execute(statement)
                try:
                    yield database
                except BaseException:
                    database.execute("rollback")
                    raise
                database.execute("commit")
        except (sqlite3.Error, OSError) as error:
            raise CredentialError(
                f"The file of keys {self._path} cannot be used ({error}).",
                hint="If it is damaged, delete it and give the keys again.",
            ) from None

    def _unlocked(self, database: sqlite3.Connection) -> bytes:
        """The file's key. Raises CredentialError."""
        row: _Lock | None = database.execute(
            "select kind, salt, time_cost, memory_kib, lanes, nonce, box from lock"
        ).fetchone()
        if row is None:
            self._key = self._new_lock(database)
        elif self._key is None or _unseal(self._key, row[5], row[6], CHECK) != CHECK:
            self._key = self._opened(row)
        return self._key

    def _new_lock(self, database: sqlite3.Connection) -> bytes:
        if database.execute("select 1 from credential where place = 'file' limit 1").fetchone():
            raise self._tampered()  # keys without the means to read them: somebody took the row of the lock away
        passphrase = self._passphrase()
        salt = secrets.token_bytes(SALT_BYTES)
        if passphrase is not None:
            kind, key = "argon2id", _derive(passphrase, salt, TIME_COST, MEMORY_KIB, LANES)
        else:
            kind, key = "key-file", self._key_file(create=True)
        nonce, box = _seal(key, CHECK, CHECK)
        database.execute(
            "insert into lock values (1, ?, ?, ?, ?, ?, ?, ?)", (kind, salt, TIME_COST, MEMORY_KIB, LANES, nonce, box)
        )
        return key

    def _opened(self, row: _Lock) -> bytes:
        kind, salt, time_cost, memory_kib, lanes, nonce, box = row
        if kind == "key-file":
            key, wrong = self._key_file(create=False), f"The key file {self._key_path} does not fit {self._path}."
        else:
            passphrase = self._passphrase()
            if passphrase is None:
                raise CredentialError(
                    f"The keys in {self._path} are locked with a passphrase.",
                    hint="Give it when you are asked, or in the environment variable ZI_PASSPHRASE.",
                )
            if not (0 < time_cost <= MOST_TIME and 0 < memory_kib <= MOST_MEMORY_KIB and 0 < lanes <= MOST_LANES):
                raise self._tampered()
            key, wrong = _derive(passphrase, salt, time_cost, memory_kib, lanes), "The passphrase is wrong."
        if _unseal(key, nonce, box, CHECK) != CHECK:
            raise CredentialError(wrong, hint="Or the file was damaged: then delete it and give the keys again.")
        return key

    def _tampered(self) -> CredentialError:
        return CredentialError(
            f"The file of keys {self._path} was damaged or tampered with.", hint="Delete it and give the keys again."
        )

    def _key_file(self, *, create: bool) -> bytes:
        """The bytes of the key file. Only called in a transaction, so that two processes never both make one."""
        if not self._key_path.exists() and create:
            write_whole(self._key_path, secrets.token_bytes(KEY_BYTES), new=OWNER)
        if os.name == "posix" and stat.S_IMODE(self._key_path.stat().st_mode) & 0o077:
            raise CredentialError(
                f"Others can read the key file {self._key_path}.", hint=f"Run `chmod 600 {self._key_path}`."
            )
        data = self._key_path.read_bytes()
        if len(data) != KEY_BYTES:
            raise CredentialError(f"The key file {self._key_path} is damaged.", hint="Restore it, or begin anew.")
        return data


def _put(database: sqlite3.Connection, name: str, place: Place, nonce: bytes, box: bytes) -> None:
    database.execute("insert or replace into credential values (?, ?, ?, ?)", (name, place, nonce, box))


def _bound(name: str) -> bytes:
    return b"zicoder credential 1:" + name.encode()


def _derive(passphrase: SecretStr, salt: bytes, time_cost: int, memory_kib: int, lanes: int) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        passphrase.get_secret_value().encode(), salt, time_cost, memory_kib, lanes, KEY_BYTES, Type.ID
    )


def _seal(key: bytes, plain: bytes, bound: bytes) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, plain, bound)


def _unseal(key: bytes, nonce: bytes, box: bytes, bound: bytes) -> bytes | None:
    """The plain bytes, None when the key, the bytes or what they are bound to is another."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, box, bound)
    except (InvalidTag, ValueError):
        return None
