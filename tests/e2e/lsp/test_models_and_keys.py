"""What the page of models and keys needs of a real server: the page, local models, and keys that never come back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from editor import MARK, WAIT_S, Editor, StartEditor, WriteScript
from lsprotocol import types
from pygls.exceptions import JsonRpcException

KEY = "sk-test-0123456789-secret"


@pytest.fixture(autouse=True)
def a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_CHAT__KEYS", "file")
    for name, folder in {"ZI_CONFIG_DIR": "config", "ZI_LOG_DIR": "logs", "ZI_DATA_DIR": "data"}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    for name in ("OPENAI_API_KEY", "ZI_KEY_OPENAI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MISTRAL_API_KEY", "from-the-shell-profile")


async def asked(editor: Editor, command: str, *arguments: Any) -> Any:
    params = types.ExecuteCommandParams(command, list(arguments) or None)
    return plain(await asyncio.wait_for(editor.client.workspace_execute_command_async(params), WAIT_S))


async def requested(editor: Editor, method: str, params: Any) -> Any:
    return plain(await asyncio.wait_for(editor.client.protocol.send_request_async(method, params), WAIT_S))


def plain(value: Any) -> Any:
    """An answer of any depth as dicts and lists."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def source(rows: list[dict[str, Any]], name: str) -> str:
    return next(row["key"] for row in rows if row["name"] == name)


async def test_the_page_comes_whole(start_editor: StartEditor) -> None:
    editor = await start_editor()
    page = await requested(editor, "zi/modelsPage", {"nonce": "a" * 24})
    assert page["html"].rstrip().endswith("</html>")
    assert f"'nonce-{'a' * 24}'" in page["html"]


async def test_a_key_is_kept_and_never_comes_back(start_editor: StartEditor, tmp_path: Path) -> None:
    editor = await start_editor()
    rows = await asked(editor, "zi.providers")
    assert (source(rows, "openai"), source(rows, "mistral")) == ("", "environment")
    kept = await requested(editor, "zi/setKey", {"provider": "openai", "key": KEY})
    assert source(kept, "openai") == "file"
    assert source(await asked(editor, "zi.providers"), "openai") == "file"
    assert KEY not in json.dumps(kept)
    assert "from-the-shell-profile" not in json.dumps(kept)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "credentials.db" for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    gone = await requested(editor, "zi/deleteKey", {"provider": "openai"})
    assert source(gone, "openai") == ""
    assert KEY not in editor.client.log


async def test_a_key_for_a_server_of_ones_own_has_a_row(start_editor: StartEditor) -> None:
    editor = await start_editor()
    rows = await requested(editor, "zi/setKey", {"provider": "openai-compatible@gpu-box:8080", "key": KEY})
    assert rows[-1]["title"] == "openai-compatible at gpu-box:8080"
    assert rows[-1]["key"] == "file"


@pytest.mark.parametrize(
    "params", [{}, {"provider": "openai", "key": "with\nnewline " + KEY}, {"provider": 3, "key": KEY}]
)
async def test_what_is_no_key_is_refused_without_repeating_it(start_editor: StartEditor, params: Any) -> None:
    editor = await start_editor()
    with pytest.raises(JsonRpcException) as refused:
        await requested(editor, "zi/setKey", params)
    assert KEY not in str(refused.value)
    assert KEY not in editor.client.log


def damaged(name: str, tmp_path: Path) -> Path:
    """A file in the place of that model."""
    from zicoder.models.store import ModelStore

    store = ModelStore(tmp_path / "data" / "models")
    blob = store.blob(store.catalog[name])
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"damaged")
    return blob


async def test_local_models_are_listed_and_removed(start_editor: StartEditor, tmp_path: Path) -> None:
    editor = await start_editor()
    table = await asked(editor, "zi.models")
    rows = {row["name"]: row for row in table["models"]}
    assert rows["smollm2-135m"]["state"] == "absent"
    assert rows["smollm2-135m"]["memory_bytes"] is None
    blob = damaged("smollm2-135m", tmp_path)
    rows = {row["name"]: row for row in (await asked(editor, "zi.models"))["models"]}
    assert rows["smollm2-135m"]["state"] == "damaged"
    rows = {row["name"]: row for row in (await asked(editor, "zi.removeModel", "smollm2-135m"))["models"]}
    assert rows["smollm2-135m"]["state"] == "absent"
    assert not blob.exists()
    with pytest.raises(JsonRpcException, match="no model"):
        await asked(editor, "zi.removeModel", "no-such-model")


async def test_what_a_removed_model_said_is_not_said_again(
    start_editor: StartEditor, script: WriteScript, tmp_path: Path
) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    for _ in range(2):
        assert await editor.ghost(document) == "width * height"
    assert "infill" not in await stages(editor), "what is in the cache is not asked again"
    damaged("smollm2-135m", tmp_path)
    await asked(editor, "zi.removeModel", "smollm2-135m")
    assert await editor.ghost(document) == "width * height"
    assert "infill" in await stages(editor)


async def stages(editor: Editor) -> list[str]:
    return [stage["name"] for stage in (await editor.why())["stages"]]
