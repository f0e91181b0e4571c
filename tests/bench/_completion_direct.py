"""The same model without our server: a child process that only evaluates a prompt and takes the likeliest tokens.

Owns two rows of the table: `plain`, the model as it is with the text around the cursor, and `peer`. Must never run a
filter of the product. Nothing is prepared while idle here, so that milliseconds are not comparable with the server's;
what the last prompt shares with the next from its start on is not evaluated again.
"""

# llama_cpp's low-level functions carry no usable types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import _completion_peer as peer
from tests.bench._completion_holes import Hole
from tests.bench._harness import ROOT

from zicoder.context.window import window_at
from zicoder.text import Snapshot

__all__ = ["Direct", "main", "plain_request"]

PREFIX_TOKENS, SUFFIX_TOKENS = 1536, 384
"""The product's budgets."""
MAX_TOKENS = 96
SLICE = 128
"""Tokens between two looks at how busy the machine is."""
MARKS = {"prefix": "pre", "suffix": "suf", "middle": "mid", "repo": "rep", "file": "sep"}


def plain_request(hole: Hole) -> dict[str, Any]:
    """The text around the cursor, just as much of it as the product takes, and nothing else."""
    file = Snapshot(uri="hole", text=hole.punched, language=hole.language)
    window = window_at(file, hole.start, prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    return {
        "style": "plain",
        "prefix": window.prefix,
        "suffix": window.suffix,
        "max_tokens": MAX_TOKENS,
        "indent": 0,
        "stop_at_line": hole.kind != "block",
    }


class Direct:
    """The parent's side."""

    def __init__(self, model: Path, threads: int) -> None:
        command = [sys.executable, "-m", "tests.bench._completion_direct", str(model), str(threads)]
        self._child = subprocess.Popen(
            command, cwd=ROOT, text=True, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Text, tokens and times of one answer. Blocks. Raises EOFError when the child is gone."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise EOFError("the process that runs the model directly has ended")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()


class _Model:
    """The child's side."""

    def __init__(self, path: str, threads: int) -> None:
        import llama_cpp

        from zicoder.engine.worker_threads import ThreadGauge

        self._gauge = ThreadGauge(threads)  # it has something to say once the model is loaded
        self._ll = ll = llama_cpp.llama_cpp
        self._llama = llama_cpp.Llama(path, n_ctx=peer.N_CTX, n_threads=threads, n_threads_batch=threads, verbose=False)
        self._vocab = ll.llama_model_get_vocab(self._llama.model)
        self.marks = {name: getattr(ll, f"llama_vocab_fim_{short}")(self._vocab) for name, short in MARKS.items()}
        self._samplers = {"plain": self._chain(), "peer": self._chain(infill=True)}
        self._held: list[int] = []

    def _chain(self, *, infill: bool = False) -> Any:
        ll = self._ll
        chain = ll.llama_sampler_chain_init(ll.llama_sampler_chain_default_params())
        if infill:
            ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_top_k(40))
            ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_top_p(0.99, 1))
            ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_infill(self._vocab))
        ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_greedy())
        return chain

    def tokenize(self, text: str) -> list[int]:
        return self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=False) if text else []

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Evaluate the prompt and generate until a stop rule holds."""
        prompt = PROMPTS[asked["style"]](asked, self.tokenize, self.marks)
        start = time.perf_counter()
        evaluated = self._evaluate(prompt)
        first = time.perf_counter()
        sampler, raw, text, count = self._samplers[asked["style"]], b"", "", 0
        while count < asked["max_tokens"]:
            token = self._ll.llama_sampler_sample(sampler, self._llama.ctx, -1)
            control = self._ll.llama_vocab_is_eog(self._vocab, token) or self._ll.llama_vocab_is_control(
                self._vocab, token
            )
            if control:
                break
            count += 1
            raw += self._llama.detokenize([token], prev_tokens=prompt)
            text, done = stopped(raw.decode("utf-8", "ignore"), asked["stop_at_line"], asked["indent"])
            if done:
                break
            self._evaluate([*self._held, token])
        end = time.perf_counter()
        return {
            "text": text,
            "prompt": len(prompt),
            "evaluated": evaluated,
            "generated": count,
            "first_ms": round((first - start) * 1000, 1),
            "ms": round((end - start) * 1000, 1),
        }

    def _evaluate(self, tokens: list[int]) -> int:
        """Make the cache hold just these tokens; how many had to be evaluated."""
        shared = 0
        for held, token in zip(self._held, tokens[:-1], strict=False):
            if held != token:
                break
            shared += 1
        self._llama.n_tokens = shared
        for at in range(shared, len(tokens), SLICE):
            threads = self._gauge.read()
            self._ll.llama_set_n_threads(self._llama.ctx, threads, threads)
            self._llama.eval(tokens[at : at + SLICE])
        self._held = tokens
        return len(tokens) - shared


def stopped(text: str, at_line: bool, indent: int) -> tuple[str, bool]:
    """The text up to where generation ends, and whether it does: at a line's end, or at one indented less."""
    begun = text.lstrip()
    if at_line and "\n" in begun:
        return text[: len(text) - len(begun) + begun.index("\n")], True
    last = text.rpartition("\n")[2]
    if indent and "\n" in text and last.strip() and len(last) - len(last.lstrip()) < indent:
        return text[: -len(last) - 1], True
    return text, False


def _plain_tokens(asked: dict[str, Any], tokenize: Callable[[str], list[int]], marks: dict[str, int]) -> list[int]:
    prefix, suffix = tokenize(asked["prefix"]), tokenize(asked["suffix"])
    return [marks["prefix"], *prefix, marks["suffix"], *suffix, marks["middle"]]


PROMPTS: dict[str, Callable[..., list[int]]] = {"plain": _plain_tokens, "peer": peer.tokens}


def main() -> None:
    """The child: one request a line, one answer a line."""
    model = _Model(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        print(json.dumps(model.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
