"""Keys of providers: where they are found, how they are kept, and that they do not show."""

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError
from pydantic import SecretStr

from zicoder.errors import CredentialError, InputError
from zicoder.models.credentials import Credentials, encrypted, variable_names
from zicoder.models.credentials.encrypted import EncryptedFile
from zicoder.models.credentials.keyring_store import KeyringStore, open_keyring

KEY = SecretStr("sk-planted-0123456789")


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(encrypted, "MEMORY_KIB", 64)  # Argon2 is meant to be slow


def store(folder: Path, passphrase: str | None = None) -> EncryptedFile:
    return EncryptedFile(folder, passphrase=lambda: SecretStr(passphrase) if passphrase else None)


def keys(folder: Path, **more) -> Credentials:
    return Credentials(**{"where": "file", "folder": folder, **more})


class Safe(KeyringBackend):
    """A keyring that works."""

    priority = 5  # pyright: ignore[reportAssignmentType]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}

    def get_password(self, service, username):
        return self.kept.get(username)

    def set_password(self, service, username, password):
        if password == "refused":
            raise PasswordSetError(password)
        self.kept[username] = password

    def delete_password(self, service, username):
        del self.kept[username]


class Asks(Safe):
    """A keyring that waits for somebody who is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.never = threading.Event()

    def get_password(self, service, username):
        self.never.wait(20)


def test_a_key_is_kept_listed_and_forgotten(tmp_path):
    kept = keys(tmp_path)
    assert kept.get("openai") is None
    assert kept.set("openai", KEY) == "file"
    assert keys(tmp_path).get("openai") == KEY
    assert kept.names() == {"openai": "file"}
    assert kept.delete("openai")
    assert not kept.delete("openai")
    assert keys(tmp_path).get("openai") is None


def test_what_is_on_disk_is_not_the_key_and_is_private(tmp_path):
    keys(tmp_path).set("openai", KEY)
    for path in tmp_path.iterdir():
        assert KEY.get_secret_value().encode() not in path.read_bytes()
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    keys(tmp_path).set("openai", KEY)
    (tmp_path / "credentials.key").chmod(0o644)
    with pytest.raises(CredentialError, match="Others can read"):
        keys(tmp_path).get("openai")


def test_a_passphrase(tmp_path):
    store(tmp_path, "correct horse").set("openai", KEY)
    assert not (tmp_path / "credentials.key").exists()
    assert store(tmp_path, "correct horse").get("openai") == KEY
    with pytest.raises(CredentialError, match="The passphrase is wrong"):
        store(tmp_path, "wrong horse").get("openai")
    with pytest.raises(CredentialError, match="locked with a passphrase"):
        store(tmp_path).get("openai")
    with pytest.raises(CredentialError, match="The passphrase is wrong"):
        store(tmp_path, "wrong horse").set("mistral", KEY)


def test_the_parameters_are_kept_with_the_file(tmp_path, monkeypatch):
    store(tmp_path, "p").set("openai", KEY)
    monkeypatch.setattr(encrypted, "TIME_COST", 7)
    assert store(tmp_path, "p").get("openai") == KEY


def change(folder: Path, statement: str) -> None:
    database = sqlite3.connect(folder / "credentials.db")
    database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update credential set box = zeroblob(length(box))",
        "update credential set nonce = zeroblob(12)",
        "update credential set box = x'00'",
        "update credential set name = 'other' where name = 'openai'",
        "update credential set box = (select box from credential where name = 'mistral'),"
        " nonce = (select nonce from credential where name = 'mistral')",
        "update lock set salt = zeroblob(16)",
        "update lock set time_cost = 5",
        "update lock set memory_kib = 1000000000",
        "update lock set lanes = 0",
        "update lock set box = x''",
        "delete from lock",
        "drop table credential",
    ],
)
def test_a_changed_byte_is_noticed(tmp_path, statement):
    kept = store(tmp_path, "p")
    kept.set("openai", KEY)
    kept.set("mistral", SecretStr("another-one"))
    change(tmp_path, statement)
    said = []
    for name in ("openai", "other"):
        try:
            assert store(tmp_path, "p").get(name) is None
        except CredentialError as error:
            said.append(error.sentence)
    assert KEY.get_secret_value() not in "".join(said)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "credentials.db").write_bytes(b"not a database, but long enough to look like something" * 40)
    with pytest.raises(CredentialError, match="cannot be used"):
        keys(tmp_path).get("openai")


def test_the_order(tmp_path, monkeypatch):
    kept = keys(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-vendor")
    assert kept.get("openai") == SecretStr("of-the-vendor")
    kept.set("openai", KEY)
    assert kept.get("openai") == KEY
    monkeypatch.setenv("ZI_KEY_OPENAI", "for-zi-alone")
    assert kept.get("openai") == SecretStr("for-zi-alone")
    assert kept.get("openai@example.com") is None
    assert {"ZI_KEY_OPENAI", "OPENAI_API_KEY", "ZI_PASSPHRASE"} <= variable_names()


@pytest.mark.parametrize("name", ["", "Open AI", "../x", "a\nb", "x" * 300])
def test_a_name_that_is_none(tmp_path, name):
    with pytest.raises(InputError):
        keys(tmp_path).get(name)


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "schlüssel", "x" * 20_000])
def test_a_key_that_is_none(tmp_path, value):
    with pytest.raises(InputError) as caught:
        keys(tmp_path).set("openai", SecretStr(value))
    assert not value.strip() or value not in caught.value.sentence


def test_a_keyring_is_used_where_there_is_one(tmp_path):
    backend = Safe()
    kept = keys(tmp_path, where="auto", keyring=lambda: KeyringStore(backend))
    assert kept.set("openai", KEY) == "keyring"
    assert backend.kept == {"openai": KEY.get_secret_value()}
    assert kept.names() == {"openai": "keyring"}
    assert kept.get("openai") == KEY
    assert kept.delete("openai")
    assert backend.kept == {}
    assert kept.names() == {}


def test_without_a_keyring_the_file_is_used(tmp_path):
    assert keys(tmp_path, where="auto", keyring=lambda: None).set("openai", KEY) == "file"
    with pytest.raises(CredentialError, match="no keyring"):
        keys(tmp_path, where="keyring", keyring=lambda: None).set("openai", KEY)


def test_a_keyring_that_went_away_is_said(tmp_path):
    keys(tmp_path, where="auto", keyring=lambda: KeyringStore(Safe())).set("openai", KEY)
    with pytest.raises(CredentialError, match="does not answer"):
        keys(tmp_path, where="auto", keyring=lambda: None).get("openai")


def test_what_a_keyring_says_is_not_passed_on(tmp_path):
    kept = keys(tmp_path, where="auto", keyring=lambda: KeyringStore(Safe()))
    with pytest.raises(CredentialError) as caught:
        kept.set("openai", SecretStr("refused"))
    assert "refused" not in caught.value.sentence
    assert caught.value.__context__ is None


@pytest.mark.parametrize("kind", ["fail", "null"])
def test_backends_that_keep_nothing_count_as_none(monkeypatch, kind):
    monkeypatch.setattr("keyring.get_keyring", lambda: __import__(f"keyring.backends.{kind}", fromlist=["x"]).Keyring())
    assert open_keyring() is None


def test_a_keyring_that_asks_is_not_waited_for(monkeypatch):
    backend = Asks()
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    assert open_keyring(patience_s=0.05) is None
    with pytest.raises(CredentialError, match="did not answer"):
        KeyringStore(backend, patience_s=0.05).get("openai")
    backend.never.set()


def test_values_do_not_show(tmp_path):
    kept = keys(tmp_path)
    kept.set("openai", KEY)
    shown = [repr(kept), repr(vars(kept)), repr(kept.get("openai")), str(kept.get("openai")), repr(kept.names())]
    assert KEY.get_secret_value() not in "".join(shown)
