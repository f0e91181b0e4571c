"""The sections of the settings about chat, roles and agents: the keys, their bounds, their texts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zicoder.settings.sections import ADDS, USER_ONLY, Section

__all__ = [
    "AgentSettings",
    "ChatSettings",
    "CoderSettings",
    "ContextSettings",
    "DocumenterSettings",
    "OperatorSettings",
    "PlannerSettings",
    "ReviewerSettings",
    "RoleSettings",
    "TesterSettings",
]


class AgentSettings(Section):
    """What agents may do: rules for their tools, and where commands run."""

    allow: list[str] = Field(
        default=[],
        description="What agents may do without asking: `TOOL`, `TOOL:PATH` with a pattern as in a `.gitignore` "
        "(`//` or `~/` in front for one outside the project), or `shell:COMMAND` (`shell:npm run *`). A rule allows "
        "what is harmful (deletes, publishes) only if it names it, and nothing that runs without a sandbox.",
        json_schema_extra=USER_ONLY,
    )
    ask: list[str] = Field(
        default=[],
        description="What agents must ask for, as in `allow`, and stronger than it. Every source adds to the list.",
        json_schema_extra=ADDS,
    )
    deny: list[str] = Field(
        default=[],
        description="What agents must never do, as in `allow`, and stronger than everything. Every source adds to the "
        "list.",
        json_schema_extra=ADDS,
    )
    sandbox: Literal["auto", "bubblewrap", "docker", "none"] = Field(
        default="auto",
        description="Where commands of agents run: `bubblewrap` (Linux), a container of `docker_image`, `none`, or "
        "`auto` (bubblewrap if it works here). Without a sandbox every command is asked for.",
        json_schema_extra=USER_ONLY,
    )
    docker_image: str = Field(
        default="",
        description="Image for `docker`; it must be on this machine, and is not pulled.",
        json_schema_extra=USER_ONLY,
    )
    test_command: str = Field(
        default="",
        description="Command that runs a project's tests; empty means the one that its files suggest.",
        json_schema_extra=USER_ONLY,
    )
    timeout_s: int = Field(
        default=120, ge=1, le=3600, description="Seconds after which a command is ended.", json_schema_extra=USER_ONLY
    )
    memory_mb: int = Field(
        default=4096,
        ge=64,
        le=1_048_576,
        description="Megabytes that a command may use with all its processes.",
        json_schema_extra=USER_ONLY,
    )


class ChatSettings(Section):
    """Conversations: the model that answers, and what all roles share."""

    model: str = Field(
        default="auto",
        description="Model that answers: `local:NAME`, `PROVIDER:MODEL`, `PROVIDER:URL#MODEL`, or `auto` (the largest "
        "local one for chat that is installed and fits `memory_mb`).",
        json_schema_extra=USER_ONLY,
    )
    fallbacks: list[str] = Field(
        default=[],
        description="Models that answer in its place, in this order, when it does not.",
        json_schema_extra=USER_ONLY,
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="How freely it chooses its words; 0 is strict.")
    prompt: str = Field(
        default="",
        description="What to tell it first: text, or `@NAME` for a file in the folder `prompts` beside your settings.",
    )
    memory_mb: int = Field(
        default=0,
        ge=0,
        le=4_194_304,
        description="Megabytes that local models may use together; the one used longest ago makes room. 0 means half "
        "of this machine's memory.",
        json_schema_extra=USER_ONLY,
    )
    keys: Literal["auto", "keyring", "file"] = Field(
        default="auto",
        description="Where keys of providers are kept: in the system's `keyring`, in an encrypted `file`, or `auto` "
        "(the keyring where there is one).",
        json_schema_extra=USER_ONLY,
    )
    proxy: str = Field(
        default="",
        description="Address of a proxy for remote models; the environment's is not used.",
        json_schema_extra=USER_ONLY,
    )


class ContextSettings(Section):
    """How the window of a chat model is divided. What one part leaves unused, the others get."""

    system: int = Field(default=5, ge=0, le=100, description="Share of the instructions; only proportions matter.")
    project: int = Field(default=15, ge=0, le=100, description="Share of what is found in the project.")
    history: int = Field(default=30, ge=0, le=100, description="Share of the conversation so far.")
    task: int = Field(default=40, ge=0, le=100, description="Share of the question and of what it mentions.")
    reserve: int = Field(default=10, ge=1, le=90, description="Share that is kept free for the answer.")


class RoleSettings(Section):
    """One role of the agents."""

    model: str = Field(
        default="", description="Its model, as in `chat.model`; empty means that one.", json_schema_extra=USER_ONLY
    )
    fallbacks: list[str] = Field(
        default=[],
        description="Models that answer in its place; with an empty `model`, those of `chat.fallbacks` do.",
        json_schema_extra=USER_ONLY,
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="How freely it chooses its words; 0 is strict.")
    prompt: str = Field(default="", description="What to tell it first, as in `chat.prompt`.")


class PlannerSettings(RoleSettings):
    """The planner, who takes a task apart."""


class CoderSettings(RoleSettings):
    """The coder, who changes code."""


class ReviewerSettings(RoleSettings):
    """The reviewer, who looks for faults."""


class TesterSettings(RoleSettings):
    """The tester, who writes tests."""


class DocumenterSettings(RoleSettings):
    """The documenter, who writes documentation."""


class OperatorSettings(RoleSettings):
    """The operator, who runs commands."""
