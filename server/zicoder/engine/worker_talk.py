"""Conversations: what an earlier prompt or answer left in the cache is not evaluated again.

An answer can be held to a format by a grammar: to a JSON schema from its first token, or to the form of a tool's call
from where the model begins one.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence

import numpy as np
from llama_cpp.llama_grammar import json_schema_to_gbnf
from numpy.typing import NDArray

from zicoder.engine.protocol import Chat, Tool
from zicoder.engine.worker_answer import Answer, Begin, Clock, Emit, Steps
from zicoder.engine.worker_branches import MOST, Branch, Branches
from zicoder.engine.worker_cache import SLICE
from zicoder.engine.worker_grammar import Grammar
from zicoder.engine.worker_llama import SMALL_PASS, Aborted, AbortFlag, Context, Model
from zicoder.engine.worker_threads import ThreadGauge
from zicoder.errors import ModelMisconfigured

__all__ = ["Talk", "read_prompt"]

CALL, CALL_END = "<tool_call>", "</tool_call>"
LIKELY = 64
"""So many of the likeliest tokens are tried against a grammar before all are."""


class Talk:
    """The conversation side of one loaded model."""

    def __init__(self, model: Model, *, threads: int, gauge: ThreadGauge, abort: AbortFlag) -> None:
        self._model = model
        self._threads = threads
        self._gauge = gauge
        self._abort = abort
        self._context: Context | None = None
        self._branches: Branches | None = None

    def forget(self) -> None:
        """Empty the cache, after a native error left the cells in doubt."""
        if self._context and self._branches:
            self._context.clear()
            self._branches.forget()

    def close(self) -> None:
        """Free everything native."""
        if self._context:
            self._context.close()

    def answer(self, request: Chat, window: int, begin: Begin, emit: Emit) -> Steps:
        """Answer a conversation. Raises ModelMisconfigured for a prompt that is too long for the window."""
        clock = Clock()
        context, branches = self._of_size(window)
        before = context.evaluated
        context.use_threads(self._gauge.read())
        prompt = self._model.chat_tokens([(m.role, m.content) for m in request.messages])
        prompt += self._model.tokenize(request.begin) if request.begin else []
        if len(prompt) + request.max_tokens > context.n_ctx:
            raise ModelMisconfigured(
                f"The prompt has {len(prompt):,} tokens, and with an answer of {request.max_tokens:,} "
                f"the model's window of {context.n_ctx:,} is too small.",
                hint="Ask about less at once, or choose a model with a larger window.",
            )
        branch = branches.turn_to(prompt, len(prompt) + request.max_tokens)
        logits = yield from read_prompt(context, branch, prompt)
        evaluated = context.evaluated - before
        clock.first()
        begin(clock.stats("end", prompt=len(prompt), evaluated=evaluated))
        answer = Answer(self._model, lambda piece: emit(piece, 0.0), stop=request.stop, max_tokens=request.max_tokens)
        form = Form(self._model, request)
        choose = Sampler(request.temperature, request.seed)
        try:
            while answer.take(form.choose(choose, logits[-1])) and not form.complete(answer):
                yield
                logits = yield from context.evaluate([answer.last], at=len(branch), seq=branch.seq, logits=1)
                branch.grow([answer.last])
        finally:
            form.close()
        return clock.stats(answer.finish, prompt=len(prompt), evaluated=evaluated, generated=answer.count)

    def _of_size(self, window: int) -> tuple[Context, Branches]:
        """A cache with room for so many tokens. One that is too small is given up with all that it holds."""
        size = min(window, self._model.context_limit or window)
        if self._context is None or self._branches is None or self._context.n_ctx < size:
            self.close()
            self._context = self._branches = None
            context = Context(self._model, n_ctx=size, n_seq=MOST, threads=self._threads, abort=self._abort)
            self._context, self._branches = context, Branches(context)
        return self._context, self._branches


def read_prompt(
    context: Context, branch: Branch, prompt: list[int]
) -> Generator[None, None, Sequence[NDArray[np.float32]]]:
    """Evaluate what the branch does not hold; the logits behind it.

    What was interrupted is lost and done again, in shorter pieces, the shortest of which are not interrupted: somebody
    who types without a pause would bring the reading to a stop.
    """
    logits: Sequence[NDArray[np.float32]] = ()
    size = SLICE
    while len(branch) < len(prompt):
        part = prompt[len(branch) : len(branch) + size]
        last = len(branch) + len(part) == len(prompt)
        try:
            logits = context.decode(part, at=len(branch), seq=branch.seq, logits=int(last))
        except Aborted:
            size = max(SMALL_PASS, size // 2)
            yield
            continue
        branch.grow(part)
        size = min(SLICE, 2 * size)
        if not last:
            yield
    return logits


class Form:
    """The format that an answer is held to, if any, from the point where it begins."""

    def __init__(self, model: Model, request: Chat) -> None:
        self._model = model
        self._tools = request.tools
        self._grammar: Grammar | None = None
        if request.schema:
            self._grammar = Grammar(model, _gbnf(request.schema))
        elif request.must_call:
            self._grammar = Grammar(model, _calls(request.tools, opened=False))
        self._in_call = request.must_call

    def choose(self, choose: Sampler, logits: NDArray[np.float32]) -> int:
        """The next token."""
        if self._grammar is None:
            return choose(logits)
        token = choose(logits)
        if not self._grammar.allowed(np.array([token], np.int32))[0]:
            token = self._allowed(choose, logits)
        if not self._model.ends(token):
            self._grammar.accept(token)
        return token

    def _allowed(self, choose: Sampler, logits: NDArray[np.float32]) -> int:
        """The choice among the tokens that the grammar allows: of the likely ones, else of all."""
        assert self._grammar is not None
        likely = np.argpartition(logits, -LIKELY)[-LIKELY:].astype(np.int32)
        for tokens in (likely, np.arange(len(logits), dtype=np.int32)):
            good = tokens[self._grammar.allowed(tokens)]
            if len(good):
                return int(good[choose(logits[good])])
        raise ModelMisconfigured("The model has no token that the required format allows.")

    def complete(self, answer: Answer) -> bool:
        """Take note of what was said; True when it ends a call."""
        if not self._tools:
            return False
        if self._in_call:
            return answer.ends_with(CALL_END)
        if answer.ends_with(CALL):
            self._in_call = True
            self._grammar = Grammar(self._model, _calls(self._tools, opened=True))
        return False

    def close(self) -> None:
        """Free the grammar."""
        if self._grammar is not None:
            self._grammar.close()


def _gbnf(schema: str) -> str:
    """A JSON schema as a grammar. Raises ModelMisconfigured for one that is beyond the library."""
    try:
        return json_schema_to_gbnf(schema)
    except Exception as error:  # whatever the library says of a schema that came from outside
        raise ModelMisconfigured(f"The required format cannot be expressed as a grammar: {error}.") from error


def _calls(tools: Sequence[Tool], *, opened: bool) -> str:
    """The grammar of one call of any of the tools; `opened`: its first mark stands already."""
    shapes = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": json.loads(tool.schema)},
            "required": ["name", "arguments"],
        }
        for tool in tools
    ]
    call = _gbnf(json.dumps({"oneOf": shapes})).replace("root ::=", "call ::=", 1)
    before = "" if opened else f'"{CALL}" '
    return f'root ::= {before}"\\n"? call "\\n"? "{CALL_END}"\n{call}'


class Sampler:
    """Greedy at temperature 0; otherwise the 40 likeliest tokens, weighed by temperature."""

    def __init__(self, temperature: float, seed: int) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng(seed)

    def __call__(self, logits: NDArray[np.float32]) -> int:
        if self._temperature <= 0:
            return int(logits.argmax())
        best = np.argpartition(logits, -40)[-40:] if len(logits) > 40 else np.arange(len(logits))
        weights = np.exp((logits[best] - logits[best].max()) / self._temperature)
        return int(self._random.choice(best, p=weights / weights.sum()))
