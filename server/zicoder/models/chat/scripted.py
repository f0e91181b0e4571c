"""A chat model that answers from a script: deterministic, for tests, demonstrations and bug reports, without weights.

A script is a TOML file of rules. The first that was not used up, and whose `when` occurs in the last message (what the
user or a tool said), answers; after `times` answers a rule is used up.

    [[rule]]
    when = "add a test"
    text = "I look at the file first."
    calls = [{ tool = "read", arguments = { path = "a.py" } }]
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from zicoder.errors import ModelError

__all__ = ["Call", "Rule", "scripted_chat"]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool that the model calls."""

    tool: str
    arguments: dict[str, Any] = {}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say to what. A `when` of "" always occurs; `times` 0 is without end. `fail` raises a ModelError."""

    when: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    times: int = 0
    delay_ms: int = 0
    """Before each piece."""
    piece: int = 8
    """Characters a piece."""
    fail: str = ""


def scripted_chat(path: Path) -> FunctionModel:
    """Read a script. Raises ModelError that names the file."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        rules = msgspec.convert(values.get("rule", []), tuple[Rule, ...])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ModelError(f"The model script {path} cannot be used: {error}.") from error
    return FunctionModel(stream_function=_Script(rules), model_name=f"scripted:{path.name}")


class _Script:
    """The rules, and how often each may still answer."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._left = [rule.times or -1 for rule in rules]

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        rule = self._rule(_last(messages))
        if rule.fail:
            raise ModelError(rule.fail)
        for at in range(0, len(rule.text), rule.piece):
            if rule.delay_ms:
                await asyncio.sleep(rule.delay_ms / 1000)
            yield rule.text[at : at + rule.piece]
        for number, call in enumerate(rule.calls):
            yield {number: DeltaToolCall(call.tool, json.dumps(call.arguments))}
        if not rule.text and not rule.calls:
            yield ""

    def _rule(self, last: str) -> Rule:
        for number, rule in enumerate(self._rules):
            if self._left[number] and rule.when in last:
                self._left[number] -= 1
                return rule
        return Rule(text="(the script has no answer)")


def _last(messages: list[ModelMessage]) -> str:
    """What was said last to the model."""
    for message in reversed(messages):
        if isinstance(message, ModelRequest):
            said = [_text(part) for part in message.parts]
            return "\n".join(filter(None, said))
    return ""


def _text(part: object) -> str:
    if isinstance(part, ToolReturnPart):
        return part.model_response_str()
    if isinstance(part, UserPromptPart):
        return part.content if isinstance(part.content, str) else " ".join(str(item) for item in part.content)
    return ""
