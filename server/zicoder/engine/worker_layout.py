"""How the parts of an infill request are laid out as tokens.

    FIM_PREFIX pieces of other files as comments, text before the cursor FIM_SUFFIX text after it FIM_MIDDLE

What changes least comes first, so that the KV cache of one request serves the next. Comments at the top of the file
itself told a small model more than the marks for several files that it was taught (docs/completion.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from zicoder.engine.protocol import Infill
from zicoder.engine.worker_cache import Prompt
from zicoder.engine.worker_llama import Model
from zicoder.text import commented

__all__ = ["Laid", "Layout", "answer_limit"]

STEP = 64
KEPT_PARTS = 64
"""Pieces of context whose tokens are remembered."""


def answer_limit(request: Infill, size: int) -> int:
    """Most tokens of an answer: half of the cache belongs to the prompt, whatever is asked for."""
    return min(request.max_tokens, size // 2)


@dataclass(frozen=True, slots=True)
class Laid:
    """A prompt and the tokens that start the answer behind it."""

    prompt: Prompt
    middle: list[int]
    reading: list[int]
    """The same text, marks left out, with what stands before the cursor at its end."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.middle)


class Layout:
    """The layout that one model was taught. A model without marks for a hole reads left to right."""

    def __init__(self, model: Model, fim: tuple[int, int, int] | None) -> None:
        self._model = model
        self._fim = fim
        self._parts: dict[tuple[tuple[str, str], str, str], list[int]] = {}

    def far(self, request: Infill, size: int) -> Laid:
        """The whole prompt, cut to `size` tokens: context gives way first, then what is far from the hole."""
        room = size - answer_limit(request, size) - 8
        prefix = self._model.tokenize(request.prefix)
        suffix = self._model.tokenize(request.suffix) if self._fim else []
        title = self._title(request)
        context = [*self._context(request, room - len(title) - len(prefix) - len(suffix)), *title]
        return self._laid(context, prefix, suffix, room - len(context))

    def near(self, request: Infill, size: int) -> Laid:
        """Only what is next to the hole."""
        room = size - answer_limit(request, size) - 8
        prefix = self._model.tokenize(request.prefix[-request.near_prefix :])
        suffix = self._model.tokenize(request.suffix[: request.near_suffix]) if self._fim else []
        return self._laid([], prefix, suffix, room)

    def _laid(self, context: list[int], prefix: list[int], suffix: list[int], room: int) -> Laid:
        bos = self._model.bos
        if self._fim is None:
            tokens = [*bos, *context, *prefix[-room:]] or self._model.tokenize("\n")
            return Laid(Prompt(tokens[:-1]), tokens[-1:], tokens)
        pre, suf, mid = self._fim
        tail = suffix[: room // 3]
        over = max(0, len(prefix) + len(tail) - room)
        prefix = prefix[min(len(prefix), -(-over // STEP) * STEP) :]  # in steps, or each key would move every cell
        head = [*bos, pre, *context, *prefix]
        return Laid(Prompt([*head, suf, *tail], marker=suf), [mid], [*context, *tail, *prefix])

    def _context(self, request: Infill, room: int) -> list[int]:
        """Pieces of other files, as many as there is room for.

        Where room is short, those that change most often, the last, go first.
        """
        tokens: list[int] = []
        for part in request.context:
            new = self._part(request.comment, part.path, part.text)
            if len(tokens) + len(new) > room:
                break
            tokens += new
        return tokens

    def _title(self, request: Infill) -> list[int]:
        """The line above the document's text that says what it is."""
        known = request.title and request.comment[0]
        return self._model.tokenize(commented(request.comment, request.title)) if known else []

    def _part(self, comment: tuple[str, str], path: str, text: str) -> list[int]:
        known = self._parts.get((comment, path, text))
        if known is None:
            if len(self._parts) >= KEPT_PARTS:
                del self._parts[next(iter(self._parts))]
            known = self._model.tokenize(commented(comment, f"{path}:\n{text}"))
            self._parts[comment, path, text] = known
        return known
