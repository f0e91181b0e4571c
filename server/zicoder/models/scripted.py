"""A deterministic model that answers from a script: for tests, demonstrations and bug reports, without weights.

A script is a TOML file of rules; the first whose `after` ends the text before the cursor answers.

    [[rule]]
    after = "return "
    text = "a + b"
    delay_ms = 5      # before each piece
    piece = 4         # characters a piece
"""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec

from zicoder.errors import ModelError
from zicoder.models.protocols import InfillRequest, InfillStats

__all__ = ["Rule", "ScriptedModel"]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say after which text. An `after` of "" always matches. `fail` raises a ModelError with that text."""

    after: str
    text: str = ""
    others: tuple[str, ...] = ()
    """What else might be said, the likeliest first: half a nat between one and the next."""
    delay_ms: int = 0
    piece: int = 4
    fail: str = ""


class ScriptedModel:
    """Answers from rules, streams in pieces, and can be cancelled between them like a real model."""

    def __init__(self, rules: tuple[Rule, ...], name: str = "scripted") -> None:
        self._rules = rules
        self._name = name
        self.requests: list[InfillRequest] = []
        """Every request so far, for tests that look at prompts."""
        self.prefills: list[InfillRequest] = []

    @classmethod
    def from_file(cls, path: Path) -> ScriptedModel:
        """Read a script. Raises ModelError that names the file."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            rules = msgspec.convert(values.get("rule", []), tuple[Rule, ...])
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise ModelError(f"The model script {path} cannot be used: {error}.") from error
        return cls(rules, f"scripted:{path.name}")

    @property
    def name(self) -> str:
        """Name of the script."""
        return self._name

    @property
    def fills_suffix(self) -> bool:
        """Always."""
        return True

    def infill(self, request: InfillRequest) -> ScriptedStream:
        """Start an answer."""
        self.requests.append(request)
        rule = next((r for r in self._rules if request.prefix.endswith(r.after)), Rule(after=""))
        return ScriptedStream(rule, request)

    async def prefill(self, request: InfillRequest, *, thorough: bool = False, near_only: bool = False) -> bool:
        """Take note of it."""
        self.prefills.append(request)
        return True


class ScriptedStream:
    """One running answer."""

    def __init__(self, rule: Rule, request: InfillRequest) -> None:
        self._rule = rule
        said = (rule.text, *rule.others)
        self._text = said[request.rank] if request.rank < len(said) and not request.further else ""
        self._request = request
        self._closed = False
        lines = tuple((text.partition("\n")[0], -1 - n / 2, 4) for n, text in enumerate(said))
        self._stats = InfillStats(finish="cancelled", lines=lines if request.search and not request.rank else ())

    @property
    def stats(self) -> InfillStats:
        """What it cost so far."""
        return self._stats

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text."""
        started = time.perf_counter()
        rule, sent, finish = self._rule, 0, "end"
        if rule.fail:
            raise ModelError(rule.fail)
        if self._stats.lines:
            yield ""
        for at in range(0, len(self._text), rule.piece):
            if rule.delay_ms:
                await asyncio.sleep(rule.delay_ms / 1000)
            if self._closed or sent >= self._request.max_tokens:
                finish = "cancelled" if self._closed else "length"
                break
            sent += 1
            yield self._text[at : at + rule.piece]
        elapsed = (time.perf_counter() - started) * 1000
        self._stats = replace(self._stats, generated_tokens=sent, total_ms=elapsed, finish=finish)

    async def aclose(self) -> None:
        """Stop."""
        self._closed = True
