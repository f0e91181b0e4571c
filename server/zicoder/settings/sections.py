"""The sections of the settings about models, suggestions, the index and Python: the keys, their bounds, their texts."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = [
    "ADDS",
    "USER_ONLY",
    "CompletionSettings",
    "EngineSettings",
    "IndexSettings",
    "LogSettings",
    "ModelSettings",
    "PythonSettings",
    "Section",
]

USER_ONLY: dict[str, Any] = {"user_only": True}
"""For what a project cannot set."""
ADDS: dict[str, Any] = {"adds": True}
"""For lists that every source adds to: no source can take away what another one put there."""


class Section(BaseModel):
    """A table of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


CompletionPart: TypeAlias = Literal[
    "context", "guide", "search", "check", "drafting", "type_through", "speculation", "gate"
]


class CompletionSettings(Section):
    """Inline suggestions (ghost text)."""

    enabled: bool = Field(default=True, description="Show inline suggestions.")
    languages: list[str] = Field(
        default=[], description="The only language identifiers that get inline suggestions; empty means every one."
    )
    disabled_languages: list[str] = Field(
        default=[], description="Language identifiers that get no inline suggestions."
    )
    disabled_globs: list[str] = Field(
        default=[],
        description="Files and folders that get no inline suggestions, as in a `.gitignore`, below the project's "
        "folder: `*.env`, `docs/**`.",
    )
    manual_only: bool = Field(
        default=False, description="Make inline suggestions only when they are asked for, never by themselves."
    )
    eagerness: Literal["low", "balanced", "high"] = Field(
        default="balanced",
        description="How likely to be wanted a suggestion must be to come up by itself: `low` shows few, `high` many.",
    )
    learn: bool = Field(
        default=True,
        description="Keep a log of which suggestions were accepted, on this machine and without any code, and learn "
        "from it when to suggest something. `zi.forgetHistory` erases it.",
    )
    debounce: Literal["adaptive", "fixed"] = Field(
        default="adaptive",
        description="How long typing must pause before the model is asked: as long as your rhythm and the model's "
        "speed make sensible (adaptive), or always `debounce_ms` (fixed).",
    )
    debounce_ms: int = Field(
        default=300,
        ge=0,
        le=2000,
        description="That pause in milliseconds: the longest one if it is adaptive, every one if it is fixed; "
        "0 means none.",
    )
    max_tokens: int = Field(default=96, ge=1, le=1024, description="Longest suggestion, in tokens.")
    max_lines: int = Field(default=12, ge=1, le=100, description="Longest suggestion, in lines.")
    multiline: Literal["auto", "never"] = Field(
        default="auto", description="Suggest several lines where a block begins (auto), or only ever one (never)."
    )
    timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=60000,
        description="Give up on a suggestion after this many milliseconds, "
        "and after four times as many when it was asked for by hand.",
    )
    project_tokens: int = Field(
        default=512,
        ge=0,
        le=32768,
        description="Most tokens of other files that the model reads before it suggests something; 0 means none.",
    )
    off: list[CompletionPart] = Field(
        default=[],
        description="Parts of the completion pipeline to leave out, for measurements and for finding faults.",
    )

    def on(self, part: CompletionPart) -> bool:
        """Whether a part of the pipeline takes part."""
        return part not in self.off


class ModelSettings(Section):
    """Which models to use, and where they may be found."""

    infill: str = Field(
        default="auto",
        description="Model for inline suggestions: a name from `zi model list`, the path of a GGUF file, "
        "`scripted:FILE` (deterministic, for tests), `none`, or `auto` (the largest one installed that is quick "
        "enough on this machine).",
        json_schema_extra=USER_ONLY,
    )
    sources: list[str] = Field(
        default=[],
        description="Folders or files to take models from before any registry is asked.",
        json_schema_extra=USER_ONLY,
    )


class EngineSettings(Section):
    """The child process that runs local models."""

    threads: int = Field(
        default=0, ge=0, le=512, description="Threads for inference; 0 means one for each physical core."
    )
    context_tokens: int = Field(
        default=4096, ge=512, le=131072, description="Size of the model's context window, in tokens."
    )
    chat_tokens: int = Field(
        default=8192,
        ge=1024,
        le=131072,
        description="Size of the window for conversations, in tokens: more needs more memory (the default model: 28 kB "
        "a token).",
    )
    prefix_tokens: int = Field(default=1536, ge=64, le=65536, description="Longest text before the cursor, in tokens.")
    suffix_tokens: int = Field(default=384, ge=0, le=65536, description="Longest text after the cursor, in tokens.")


class IndexSettings(Section):
    """The code index: search over the whole project by meaning and by name."""

    enabled: bool = Field(default=True, description="Keep an index of the project, in the background.")
    exclude: list[str] = Field(
        default=[],
        description="Files and folders to leave out, as in a `.gitignore`, "
        "beside what `.gitignore` and `.zicoderignore` name.",
    )
    max_file_kb: int = Field(default=1024, ge=1, le=65536, description="Largest file that is indexed, in kilobytes.")
    embedder: str = Field(
        default="auto",
        description="Vectors that are better than the built-in ones, made while the machine is idle: `minilm`, "
        "`sentence-transformers:FOLDER`, `openai:URL#MODEL`, `none`, or `auto` (`minilm` once it is installed).",
        json_schema_extra=USER_ONLY,
    )
    embedder_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key for an `openai:` embedder that asks for one. Better kept in the environment than in a file.",
        json_schema_extra=USER_ONLY,
    )
    location: str = Field(
        default="",
        description="Where the index is kept: a folder, or an object store that a team shares "
        "(`s3://bucket/path`, `gs://…`, `az://…`; credentials come from the environment); "
        "empty means this machine's cache folder. Each project gets its own part of it.",
        json_schema_extra=USER_ONLY,
    )


class PythonSettings(Section):
    """Analysis of Python code."""

    interpreter: str = Field(
        default="",
        description="Python interpreter whose packages are offered; empty means the one that runs Zi Coder.",
        json_schema_extra=USER_ONLY,
    )


class LogSettings(Section):
    """The log file and the output channel."""

    level: Literal["error", "warning", "info", "debug"] = Field(default="info", description="How much to log.")
