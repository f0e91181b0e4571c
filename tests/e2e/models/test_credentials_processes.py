"""Two processes that keep keys in the same file at once."""

import multiprocessing
from pathlib import Path

from pydantic import SecretStr

from zicoder.models.credentials.encrypted import EncryptedFile


def _write_many(folder: Path, name: str) -> None:
    kept = EncryptedFile(folder)
    for number in range(10):
        kept.set(f"{name}-{number}", SecretStr(f"key-{name}-{number}"))


def test_two_processes_make_one_file(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    kept = EncryptedFile(tmp_path)
    assert len(kept.names()) == 20
    assert {kept.get(name) for name in kept.names()} == {SecretStr(f"key-{name}") for name in kept.names()}
