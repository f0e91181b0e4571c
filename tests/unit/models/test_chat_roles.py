"""Roles, the table of them, what fits into memory, and changes to the user's settings."""

import os
from pathlib import Path
from typing import Literal

import pytest

from zicoder.errors import InputError, ModelNotInstalled, SettingsError
from zicoder.models.catalog import Catalog, ModelEntry
from zicoder.models.chat.matrix_file import set_role
from zicoder.models.chat.names import ModelName, parse_name
from zicoder.models.chat.providers import CHAT_PROVIDERS, ChatProvider, ChatProviders
from zicoder.models.chat.roles import auto_model, matrix, role, to_unload
from zicoder.models.store import ModelStore
from zicoder.settings import load_settings, setting_origins, user_settings_path

MIB = 1 << 20


def entry(name: str, size: int, *good_for: Literal["infill", "chat", "embedding"]) -> ModelEntry:
    return ModelEntry(
        name=name, file=f"{name}.gguf", size=size, sha256=f"{len(name)}{size}".rjust(64, "0"), licence="x",
        parameters="1B", context_tokens=100, good_for=good_for, summary="",
    )  # fmt: skip


@pytest.fixture
def store(tmp_path) -> ModelStore:
    entries = (
        entry("tiny-text", 10, "infill"),
        entry("small-chat", 20, "chat"),
        entry("big-chat", 30, "chat", "infill"),
        entry("large-text", 40, "infill"),
        entry("vectors", 50, "embedding"),
    )
    return ModelStore(tmp_path / "models", catalog=Catalog(entries))


def installed(store: ModelStore, *names: str) -> ModelStore:
    for name in names:
        path = store.blob(store.catalog[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GGUF".ljust(store.catalog[name].size))
    return store


def write(text: str) -> Path:
    path = user_settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_auto_is_the_largest_for_chat_that_fits(store):
    installed(store, "tiny-text", "small-chat", "big-chat", "large-text", "vectors")
    assert auto_model(store, 300 * MIB).name == "big-chat"
    with pytest.raises(ModelNotInstalled, match="fits into the memory"):
        auto_model(store, 100 * MIB)


def test_auto_takes_what_can_write_where_nothing_is_for_chat(store):
    assert auto_model(installed(store, "tiny-text", "vectors"), 300 * MIB).name == "tiny-text"


def test_auto_without_a_model_says_what_to_do(store):
    with pytest.raises(ModelNotInstalled) as caught:
        auto_model(installed(store, "vectors"), 300 * MIB)
    assert "zi model pull small-chat" in caught.value.hint


def test_everything_is_local_by_default(store):
    settings, _ = load_settings()
    rows = matrix(settings, setting_origins(), installed(store, "small-chat"))
    assert [row.role for row in rows] == ["chat", "planner", "coder", "reviewer", "tester", "documenter", "operator"]
    assert {(row.answers, row.source, row.installed, row.problem) for row in rows} == {
        ("local:small-chat", "default", True, "")
    }


def test_a_role_has_its_own_model_and_fall_backs(store):
    write(
        '[chat]\nmodel = "ollama:a"\nfallbacks = ["auto"]\n'
        '[coder]\nmodel = "openai:gpt"\nfallbacks = ["local:big-chat"]\n'
    )
    settings, problems = load_settings()
    assert problems == []
    installed(store, "small-chat")
    assert role(settings, "coder", store).models == ("openai:gpt", "local:big-chat")
    assert role(settings, "tester", store).models == ("ollama:a", "local:small-chat")
    rows = {row.role: row for row in matrix(settings, setting_origins(), store)}
    assert (rows["coder"].source, rows["coder"].installed) == ("user", None)
    assert rows["tester"].fallbacks == ("local:small-chat",)


def test_a_project_sets_how_a_role_talks_and_never_who_talks(store, tmp_path):
    project = tmp_path / "project"
    (project / ".zicoder").mkdir(parents=True)
    (project / ".zicoder" / "settings.toml").write_text(
        '[chat]\nmodel = "openai-compatible:http://evil#m"\nproxy = "http://evil"\nmemory_mb = 1\nprompt = "Be kind."\n'
        '[coder]\nmodel = "openai:x"\nfallbacks = ["openai:y"]\ntemperature = 1.5\nprompt = "Use tabs."\n'
    )
    settings, problems = load_settings(project=project)
    assert {p.key for p in problems} == {"chat.model", "chat.proxy", "chat.memory_mb", "coder.model", "coder.fallbacks"}
    coder = role(settings, "coder", installed(store, "small-chat"))
    assert (coder.models, coder.temperature, coder.prompt) == (("local:small-chat",), 1.5, "Use tabs.")
    assert setting_origins(project=project)["coder.prompt"] == "project"


def test_a_prompt_may_be_a_file_of_the_users_own(store, tmp_path):
    installed(store, "small-chat")
    write('[coder]\nprompt = "@mine.md"\n[tester]\nprompt = "@../settings.toml"\n[planner]\nprompt = "@none.md"')
    folder = user_settings_path().parent / "prompts"
    folder.mkdir()
    (folder / "mine.md").write_text("Write less.")
    settings, _ = load_settings()
    assert role(settings, "coder", store).prompt == "Write less."
    with pytest.raises(InputError, match="no file of your folder"):
        role(settings, "tester", store)
    with pytest.raises(SettingsError, match="cannot be read"):
        role(settings, "planner", store)
    rows = {row.role: row for row in matrix(settings, {}, store)}
    assert "no file of your folder" in rows["tester"].problem


def test_a_model_that_is_not_installed_is_said_in_the_table(store):
    write('[chat]\nmodel = "local:big-chat"')
    settings, _ = load_settings()
    row = matrix(settings, {}, store)[0]
    assert (row.answers, row.installed) == ("local:big-chat", False)
    assert "not installed" in row.problem


@pytest.mark.parametrize(
    ("loaded", "wanted", "size", "budget", "gone"),
    [
        ({}, "a", 5, 10, ()),
        ({"a": 5}, "a", 5, 10, ()),
        ({"a": 5, "b": 5}, "c", 5, 15, ()),
        ({"a": 5, "b": 5}, "c", 5, 10, ("a",)),
        ({"a": 1, "b": 5}, "c", 5, 10, ("a",)),
        ({"a": 1, "b": 5}, "c", 9, 10, ("a", "b")),
        ({"a": 5, "b": 5}, "c", 50, 10, ("a", "b")),
        ({"a": 8, "b": 8}, "a", 8, 10, ("b",)),
    ],
)
def test_what_must_go(loaded, wanted, size, budget, gone):
    assert to_unload(loaded, wanted, size, budget) == gone


# --- names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen2.5-coder-1.5b", ModelName("local", "qwen2.5-coder-1.5b")),
        ("ollama:qwen2.5-coder:7b", ModelName("ollama", "qwen2.5-coder:7b")),
        ("together:Qwen/Qwen2.5", ModelName("together", "Qwen/Qwen2.5")),
        ("openai-compatible:http://h:8080/v1/#m#1", ModelName("openai-compatible", "m#1", "http://h:8080/v1")),
        ("lmstudio:http://[::1]:1/v1#m", ModelName("lmstudio", "m", "http://[::1]:1/v1")),
    ],
)
def test_a_name(text, name):
    assert parse_name(text) == name
    assert parse_name(str(name)) == name


@pytest.mark.parametrize(
    "text",
    ["", "openai:", "x:http://h/v1", "x:http://#m", "x:ftp://h#m", "x:http://u:sk-secret@h#m", "x:http://h?k=sk-secret#m",
     "x:http://h:99999#m", "x:http://[#m", "x:a\nb"],
)  # fmt: skip
def test_a_name_that_is_none(text):
    with pytest.raises(InputError) as caught:
        parse_name(text)
    assert "sk-secret" not in caught.value.sentence


# --- the registry


def test_providers_come_and_go():
    providers = ChatProviders()
    mine = ChatProvider(name="mine", title="Mine", make=None)
    providers.add(mine)
    assert (list(providers), providers.get("mine")) == (["mine"], mine)
    with pytest.raises(ValueError, match="twice"):
        providers.add(mine)
    providers.unregister("mine")
    assert list(providers) == []
    with pytest.raises(InputError):
        providers.get("mine")
    providers.add(mine)
    assert providers.get("mine") == mine


def test_the_providers_we_promise():
    promised = "local openai anthropic google mistral xai cohere together anyscale ollama lmstudio llama-server"
    assert {*promised.split(), "openai-compatible"} <= set(CHAT_PROVIDERS)
    with pytest.raises(InputError, match="does not say where"):
        CHAT_PROVIDERS.get("anyscale").address(parse_name("anyscale:m"))


def test_the_key_of_a_provider_is_for_its_own_address():
    openai = CHAT_PROVIDERS.get("openai")
    assert openai.key_names(parse_name("openai:gpt")) == ("openai",)
    assert openai.key_names(parse_name("openai:http://h:1/v1#gpt")) == ("openai@h:1",)


# --- the file


def test_a_change_keeps_everything_else(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b'# mine\r\n[log]\r\nlevel = "debug" # loud\r\n\r\n[coder] # who codes\r\nprompt = "x"\r\n')
    set_role("coder", "model", "ollama:qwen", path=path)
    assert path.read_bytes() == (
        b'# mine\r\n[log]\r\nlevel = "debug" # loud\r\n\r\n'
        b'[coder] # who codes\r\nprompt = "x"\r\nmodel = "ollama:qwen"\r\n'
    )
    set_role("coder", "model", None, path=path)
    assert b"ollama" not in path.read_bytes()
    assert b"# loud" in path.read_bytes()


def test_a_change_is_read_back():
    set_role("planner", "fallbacks", ["openai:gpt", "auto"])
    set_role("planner", "temperature", 0.7)
    set_role("chat", "model", "openai-compatible:http://h:1/v1#m")
    settings, problems = load_settings()
    assert problems == []
    assert (settings.planner.fallbacks, settings.planner.temperature) == (["openai:gpt", "auto"], 0.7)
    assert settings.chat.model == "openai-compatible:http://h:1/v1#m"


@pytest.mark.parametrize(
    ("role_name", "key", "value"),
    [("cook", "model", "x"), ("coder", "memory_mb", 1), ("coder", "temperature", 9), ("coder", "temperature", "hot"),
     ("coder", "model", "x:http://u:p@h#m"), ("coder", "fallbacks", ["a:"]), ("coder", "model", 3)],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused(tmp_path, role_name, key, value):
    path = tmp_path / "settings.toml"
    with pytest.raises((InputError, SettingsError)):
        set_role(role_name, key, value, path=path)
    assert not path.exists()


@pytest.mark.parametrize("text", ["[coder\n", "coder = 3\n", "a = 1\na = 2\n"])
def test_a_file_that_is_broken_is_left_alone(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        set_role("coder", "model", "ollama:x", path=path)
    assert path.read_text() == text


@pytest.mark.skipif(os.name != "posix", reason="links and modes")
def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path):
    real, link = tmp_path / "dotfiles.toml", tmp_path / "settings.toml"
    real.write_text("")
    real.chmod(0o640)
    link.symlink_to(real)
    set_role("coder", "model", "ollama:x", path=link)
    assert link.is_symlink()
    assert "ollama:x" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dotfiles.toml", "settings.toml"]
