"""The engine process with the real 0.5B model: answers, cache, priorities, cancellation, death and restart."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from zicoder.engine.handle import Engine
from zicoder.engine.protocol import Chat, ContextPart, FimTokens, Infill, Load, Message
from zicoder.engine.status import EngineState, EngineStatus
from zicoder.engine.worker_llama import AbortFlag, Context, Model
from zicoder.errors import EngineCrashed, EngineError, EngineStopped, EngineUnavailable, ModelError, ModelMisconfigured
from zicoder.models.llama import LlamaInfill
from zicoder.models.protocols import InfillRequest
from zicoder.models.store import ResolvedModel
from zicoder.settings import EngineSettings

pytestmark = pytest.mark.model

QWEN_FIM = FimTokens(prefix="<|fim_prefix|>", suffix="<|fim_suffix|>", middle="<|fim_middle|>")
PREFIX = "def area(width, height):\n    return width * height\n\n\ndef volume(width, height, depth):\n    return "
SUFFIX = "\n\n\nprint(volume(2, 3, 4))\n"


def load(engine: Engine, path: Path, *, name: str = "q", fim: FimTokens | None = QWEN_FIM, ctx: int = 2048) -> Load:
    return Load(id=engine.new_id(), model=name, path=str(path), context_tokens=ctx, threads=2, fim=fim)


def infill(engine: Engine, prefix: str = PREFIX, suffix: str = SUFFIX, **more: Any) -> Infill:
    values: dict[str, Any] = {"max_tokens": 16, "stop": ("\n",), "document": "d", "model": "q", **more}
    return Infill(id=engine.new_id(), prefix=prefix, suffix=suffix, **values)


async def answer(engine: Engine, request: Infill | Chat) -> tuple[str, int]:
    reading = engine.read(request)
    text = "".join([piece async for piece in reading])
    return text, reading.stats.evaluated_tokens


async def until(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.02)


class Judge:
    """The model itself, in this process, evaluating everything afresh."""

    def __init__(self, path: Path) -> None:
        self._model = Model(str(path), on_progress=lambda _: None)
        self._context = Context(self._model, n_ctx=2048, n_seq=1, threads=2, abort=AbortFlag())
        self._fim = self._model.fim_ids(QWEN_FIM)

    def gap(self, prefix: str, suffix: str, one: str, other: str) -> float:
        """By how much the logits of two answers differ at the first token where the answers do; 0 where none does."""
        pairs = zip(self._model.tokenize(one), self._model.tokenize(other), strict=False)
        agreed: list[int] = []
        for a, b in pairs:
            if a != b:
                break
            agreed.append(a)
        else:
            return 0.0
        logits = self._logits([*self._prompt(prefix, suffix), *agreed])
        return abs(float(logits[a] - logits[b]))

    def line_logprob(self, prefix: str, suffix: str, line: str) -> float:
        """Of a line, written with its text's own tokens, and of its end behind it."""
        tokens, total = self._prompt(prefix, suffix), 0.0
        for token in self._model.tokenize(line):
            total += float(self._logprobs(tokens)[token])
            tokens.append(token)
        logprobs = self._logprobs(tokens)
        likely = np.argsort(-logprobs)[:24].tolist()
        ends = [
            logprobs[token] for token in likely
            if self._model.ends(token) or self._model.piece(token).lstrip(b" \t\r").startswith(b"\n")
        ]  # fmt: skip
        return total + float(np.logaddexp.reduce(ends)) if ends else -np.inf

    def _prompt(self, prefix: str, suffix: str) -> list[int]:
        assert self._fim is not None
        pre, suf, mid = self._fim
        before, after = (self._model.tokenize(part) for part in (prefix, suffix))
        return [*self._model.bos, pre, *before, suf, *after, mid]

    def _logprobs(self, tokens: list[int]) -> NDArray[np.float64]:
        logits = self._logits(tokens).astype(float)
        return logits - np.logaddexp.reduce(logits)

    def _logits(self, tokens: list[int]) -> NDArray[np.float32]:
        self._context.clear()
        last = (len(tokens) - 1) // 256 * 256
        for start in range(0, last, 256):
            self._context.decode(tokens[start : start + 256], at=start, seq=0)
        return self._context.decode(tokens[last:], at=last, seq=0, logits=1)[0]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(log_file=tmp_path / "engine.log") as engine:
        yield engine


async def test_fills_a_hole_and_reads_the_suffix(engine: Engine, qwen: Path) -> None:
    loaded = await engine.load(load(engine, qwen))
    assert loaded.fim
    text, _ = await answer(engine, infill(engine))
    assert "width * height * depth" in text


async def test_another_answer_begins_with_another_token(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    texts = [(await answer(engine, infill(engine, rank=rank)))[0] for rank in range(3)]
    assert len(set(texts)) == 3, texts
    assert (await answer(engine, infill(engine)))[0] == texts[0]


async def test_typing_costs_only_what_was_typed(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    body = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(40))
    _, cold = await answer(engine, infill(engine, body + PREFIX))
    assert cold > 400
    line = "width * height"
    for n in range(1, len(line) + 1):
        _, evaluated = await answer(engine, infill(engine, body + PREFIX + line[:n]))
        assert evaluated <= 16, f"after {line[:n]!r}"


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda p, s: (p + "width\n    x = ", s), 24),
        (lambda p, s: (p[:-7], s), 24),
        (lambda p, s: (p + "width * height * ", s[2:]), 40),
        (lambda p, s: (p[:-20], p[-20:] + s), 40),
        (lambda p, s: (p, s + "# the end\n"), 24),
    ],
    ids=["type a line", "delete a word", "text taken away below", "cursor up", "text added at the end"],
)
async def test_a_moved_cache_answers_like_a_fresh_one(
    engine: Engine, qwen: Path, change: Callable[[str, str], tuple[str, str]], most: int
) -> None:
    """What is reused must be the right cells: positions off by one would show as nonsense or a native error."""
    await engine.load(load(engine, qwen))
    await answer(engine, infill(engine))
    prefix, suffix = change(PREFIX, SUFFIX)
    moved, evaluated = await answer(engine, infill(engine, prefix, suffix))
    assert evaluated <= most
    await engine.load(load(engine, qwen, name="fresh"))
    fresh, _ = await answer(engine, infill(engine, prefix, suffix, model="fresh"))
    assert moved.strip()[:8] == fresh.strip()[:8]


async def test_prefill_makes_the_request_cheap(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    await answer(engine, infill(engine, prefill=True))
    _, evaluated = await answer(engine, infill(engine))
    assert evaluated == 1


LONG = "".join(f"name_{i} = {i}\n" for i in range(150)) + PREFIX
LIMITS: dict[str, Any] = {"near_prefix": len(PREFIX), "near_suffix": len(SUFFIX), "prompt_ms": 1}


async def test_a_long_cold_prompt_is_answered_from_its_near_part_until_the_rest_is_ready(
    engine: Engine, qwen: Path
) -> None:
    await engine.load(load(engine, qwen, ctx=4096))

    async def ask(*, prefill: bool = False) -> tuple[str, bool, int]:
        reading = engine.read(infill(engine, LONG, prefill=prefill, **LIMITS))
        text = "".join([piece async for piece in reading])
        return text, reading.stats.near, reading.stats.evaluated_tokens

    text, near, evaluated = await ask()
    assert "depth" in text
    assert near
    assert evaluated < 100
    text, near, evaluated = await ask()
    assert near, "nothing has prepared the whole prompt yet"
    assert evaluated <= 2
    _, _, evaluated = await ask(prefill=True)
    assert evaluated > 500
    text, near, evaluated = await ask()
    assert "depth" in text
    assert not near
    assert evaluated <= 2


async def test_only_what_is_next_to_the_hole_is_read_while_the_rest_is_still_to_come(
    engine: Engine, qwen: Path
) -> None:
    await engine.load(load(engine, qwen, ctx=4096))

    async def ask(**more: Any) -> tuple[bool, int]:
        reading = engine.read(infill(engine, LONG, **LIMITS | more))
        [_ async for _ in reading]
        return reading.stats.near, reading.stats.evaluated_tokens

    _, evaluated = await ask(prefill=True, near_only=True)
    assert 0 < evaluated < 100
    near, evaluated = await ask()
    assert near
    assert evaluated <= 2
    # as on a machine that is quick enough for all of it
    _, evaluated = await ask(prefill=True, near_only=True, prompt_ms=0)
    assert evaluated > 500


async def test_a_document_that_is_opened_again_keeps_what_was_read_of_the_project(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen, ctx=4096))
    pieces = (ContextPart("shapes.py", "class Shape:\n    sides = 4\n" * 8),)
    await answer(engine, infill(engine, LONG, context=pieces, prefill=True, thorough=True))
    await answer(engine, infill(engine, LONG, **LIMITS, prefill=True, near_only=True))  # the project is not known yet
    _, evaluated = await answer(engine, infill(engine, LONG, context=pieces, prefill=True, thorough=True))
    assert evaluated == 0
    _, evaluated = await answer(engine, infill(engine, LONG, context=pieces))
    assert evaluated == 1


async def test_special_tokens_in_a_project_file_stay_text(engine: Engine, qwen: Path) -> None:
    """A hostile file must not be able to end the prefix and start a prompt of its own."""
    await engine.load(load(engine, qwen))
    plain = infill(engine, "x = '<|fim_middle|>'\n" + PREFIX, prefill=True)
    reading = engine.read(plain)
    [_ async for _ in reading]
    assert reading.stats.prompt_tokens > 40
    text, _ = await answer(engine, infill(engine, "x = '<|fim_middle|>'\n" + PREFIX))
    assert "depth" in text


async def test_cancel_in_the_middle_of_prompt_evaluation(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    lines = [f"name_{i} = {i}\n" for i in range(300)]
    task = asyncio.create_task(answer(engine, infill(engine, "".join(lines), suffix="")))
    await until(lambda: engine.status.state is EngineState.BUSY, "busy")
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, evaluated = await answer(engine, infill(engine, "".join(lines[:60]), suffix="", max_tokens=1))
    assert evaluated > 50, "the cancelled prompt was read to its end"
    text, evaluated = await answer(engine, infill(engine))
    assert "depth" in text
    assert evaluated < 100
    assert engine.pid is not None


async def test_infill_overtakes_chat_and_chat_goes_on_unharmed(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    chat = Chat(
        id=engine.new_id(), model="q", max_tokens=60,
        messages=(Message(role="user", content="Count from 1 to 30 in words."),),
    )  # fmt: skip
    alone, _ = await answer(engine, chat)
    order: list[str] = []

    async def talk() -> str:
        again = Chat(id=engine.new_id(), model="q", max_tokens=60, messages=chat.messages)
        text = ""
        async for piece in engine.read(again):
            order.append("chat")
            text += piece
        return text

    talking = asyncio.create_task(talk())
    await until(lambda: len(order) > 2, "chat streams")
    text, _ = await answer(engine, infill(engine))
    order.append("infill")
    assert "depth" in text
    assert await talking == alone
    assert "chat" in order[order.index("infill") :], "the infill waited for the end of the chat"


async def test_infill_is_answered_while_a_long_chat_prompt_is_read(engine: Engine, qwen: Path) -> None:
    """Before the chat has said a word, and without making it read anything twice or say anything else."""
    await engine.load(load(engine, qwen))
    await answer(engine, infill(engine))
    long = "".join(f"Line {n} of the report: {n * 7} units of part {n % 13}.\n" for n in range(22))
    messages = (Message(role="user", content=long + "What is line 3 about? Answer in one sentence."),)

    def question(model: str) -> Chat:
        return Chat(id=engine.new_id(), model=model, messages=messages, max_tokens=24, window=2048)

    await engine.load(load(engine, qwen, name="undisturbed"))
    alone, read_alone = await answer(engine, question("undisturbed"))
    assert read_alone > 300
    order: list[str] = []

    async def talk() -> tuple[str, int]:
        reading = engine.read(question("q"))
        text = ""
        async for piece in reading:
            order.append("chat")
            text += piece
        return text, reading.stats.evaluated_tokens

    talking = asyncio.create_task(talk())
    await until(lambda: engine.status.state is EngineState.BUSY, "the prompt is being read")
    for n in range(3):
        text, evaluated = await answer(engine, infill(engine, PREFIX + "width"[:n]))
        order.append("infill")
        assert "depth" in text
        assert evaluated <= 4
    assert await talking == (alone, read_alone)
    assert order.index("chat") >= 2, "the infill waited for the chat's prompt"


async def test_several_models_at_once(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    await engine.load(load(engine, qwen, name="left-to-right", fim=None))
    first, second = await asyncio.gather(
        answer(engine, infill(engine)), answer(engine, infill(engine, model="left-to-right"))
    )
    assert "depth" in first[0]
    assert second[0].strip()


async def test_a_template_the_model_does_not_have_is_refused(engine: Engine, qwen: Path) -> None:
    wrong = FimTokens(prefix="<PRE>", suffix="<SUF>", middle="<MID>")
    with pytest.raises(ModelMisconfigured, match="<PRE>"):
        await engine.load(load(engine, qwen, fim=wrong))
    assert await engine.load(load(engine, qwen))


async def test_a_truncated_model_file_is_refused(engine: Engine, qwen: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.gguf"
    with qwen.open("rb") as whole:
        half.write_bytes(whole.read(30_000_000))
    with pytest.raises(ModelError, match=r"half\.gguf"):
        await engine.load(load(engine, half))
    assert await engine.load(load(engine, qwen))


async def test_killed_engine_comes_back_with_its_model(qwen: Path, tmp_path: Path) -> None:
    seen: list[EngineStatus] = []
    async with Engine(log_file=tmp_path / "engine.log", on_status=seen.append) as engine:
        await engine.load(load(engine, qwen))
        pid = engine.pid
        assert pid
        waiting = asyncio.create_task(answer(engine, infill(engine, "x = 1\n" * 500)))
        await until(lambda: engine.status.state is EngineState.BUSY, "busy")
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineCrashed):
            await waiting
        assert any(s.state is EngineState.CRASHED for s in seen)
        await until(lambda: engine.status.state is EngineState.READY and engine.pid not in (None, pid), "restarted")
        text, _ = await answer(engine, infill(engine))
        assert "depth" in text


async def test_three_crashes_in_a_minute_and_it_stays_down_until_restarted(qwen: Path, tmp_path: Path) -> None:
    async with Engine(log_file=tmp_path / "engine.log") as engine:
        await engine.load(load(engine, qwen))
        for _ in range(3):
            await until(lambda: engine.status.state is EngineState.READY and engine.pid is not None, "up")
            pid = engine.pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: engine.pid != pid, "noticed")  # type: ignore[misc]
        await until(lambda: engine.status.state is EngineState.STOPPED, "stopped")
        with pytest.raises(EngineStopped, match="3 times"):
            await engine.load(load(engine, qwen))
        await engine.restart()
        await until(lambda: engine.status.state is EngineState.READY, "restarted by hand")
        text, _ = await answer(engine, infill(engine))
        assert "depth" in text


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX; Windows ends a child's pipe the same way")
def test_no_engine_outlives_its_parent(qwen: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from zicoder.engine.handle import Engine\n"
        "from zicoder.engine.protocol import Load, Infill\n"
        "async def main():\n"
        "    e = Engine()\n"
        f"    await e.load(Load(id=1, model='q', path={str(qwen)!r}, context_tokens=2048, threads=2))\n"
        "    e.submit(Infill(id=2, model='q', document='d', prefix='x = 1\\n' * 600, suffix='', max_tokens=400))\n"
        "    print(e.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs([child], timeout=2)
    assert not alive


async def test_missing_native_library_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A llama_cpp that cannot be imported, found first on the path."""
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text("raise ImportError('no native library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with Engine(log_file=tmp_path / "engine.log") as engine:
        with pytest.raises(EngineUnavailable, match="llama-cpp-python") as caught:
            await engine.load(Load(id=1, model="q", path="x", context_tokens=512, threads=1))
        assert "pip install" in caught.value.hint


async def test_unloading_a_model_ends_what_it_is_doing(engine: Engine, qwen: Path) -> None:
    """Settings change while ghost text is being made: the native memory must not go before its last user."""
    await engine.load(load(engine, qwen))
    for _ in range(3):
        running = [
            asyncio.create_task(answer(engine, infill(engine, "x = 1\n" * 100, stop=(), max_tokens=200))),
            asyncio.create_task(answer(engine, infill(engine, "y = 2\n" * 300, prefill=True))),
        ]
        await until(lambda: engine.status.state is EngineState.BUSY, "busy")
        await asyncio.sleep(0.3)
        engine.unload("q")
        await asyncio.gather(*running, return_exceptions=True)
        await engine.load(load(engine, qwen))
    assert engine.crashes == 0
    text, _ = await answer(engine, infill(engine))
    assert "depth" in text


async def test_a_load_whose_caller_gave_up_is_used_by_the_next(engine: Engine, qwen: Path) -> None:
    first = asyncio.create_task(engine.load(load(engine, qwen)))
    await until(lambda: engine.status.state is EngineState.LOADING, "loading")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await until(lambda: engine.status.state is EngineState.READY, "loaded all the same")
    pid = engine.pid
    text, _ = await answer(engine, infill(engine))
    assert "depth" in text
    assert engine.pid == pid


async def test_half_a_character_in_a_document_does_no_harm(qwen: Path) -> None:
    """Editors send lone surrogates when one half of an emoji has been typed."""
    entry = ResolvedModel("qwen", qwen)
    async with Engine() as engine:
        model = LlamaInfill(engine, entry, EngineSettings(context_tokens=2048))
        stream = model.infill(
            InfillRequest(document="d", prefix="x = '\ud83d'\n" + PREFIX, suffix=SUFFIX, max_tokens=16)
        )
        text = "".join([piece async for piece in stream])
        assert "depth" in text
        await until(lambda: engine.status.state is EngineState.READY, "idle again")


async def test_cancelling_while_typing_moves_the_text_below_leaves_the_cache_right(engine: Engine, qwen: Path) -> None:
    """The library moves cells in place: doing that twice would spoil what stands after the cursor."""
    await engine.load(load(engine, qwen))
    body = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(12))
    await answer(engine, infill(engine, body + PREFIX))
    prefix = body + PREFIX
    for n in range(1, 25):
        prefix = body + "# " + "note " * n + "\n" + PREFIX
        task = asyncio.create_task(answer(engine, infill(engine, prefix)))
        await asyncio.sleep(0.01 * (n % 12))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    text, _ = await answer(engine, infill(engine, prefix))
    await engine.load(load(engine, qwen, name="fresh"))
    fresh, _ = await answer(engine, infill(engine, prefix, model="fresh"))
    assert text.strip()[:8] == fresh.strip()[:8], "moved cells may change a near tie further on, not the answer"


BODY = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(40))


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda body: body.replace("def f3(x):\n", "def f3(x, y=12):\n"), 40),
        (lambda body: body.replace("def f3(x):\n    return x + 3\n\n\n", ""), 16),
        (lambda body: "import os\n" + body.replace("return x + 20", "return x - 20"), 60),
        (lambda body: body[len(body) // 2 :], 16),
    ],
    ids=["edit far above", "delete a function above", "edit two places", "the window moves on"],
)
async def test_an_edit_above_costs_only_itself(
    engine: Engine, qwen: Path, change: Callable[[str], str], most: int
) -> None:
    await engine.load(load(engine, qwen))
    before, _ = await answer(engine, infill(engine, BODY + PREFIX))
    after, evaluated = await answer(engine, infill(engine, change(BODY) + PREFIX))
    assert evaluated <= most
    assert after == before


async def test_other_files_are_read_when_idle(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    shapes = ContextPart("shapes.py", "def zylinder_volumen(radius, hoehe):\n    return 3.14 * radius**2 * hoehe\n")
    other = ContextPart("other.py", "def quark(masse):\n    return masse * 17\n")
    question: dict[str, Any] = {
        "prefix": f"{BODY}import shapes\n\n\ndef f(r, h):\n    return shapes.",
        "suffix": "\n",
    }
    plain, _ = await answer(engine, infill(engine, **question))
    assert "zylinder_volumen(" not in plain
    for context in ((shapes,), (shapes, other)):
        await answer(engine, infill(engine, **question, context=context, prefill=True, thorough=True))
        informed, evaluated = await answer(engine, infill(engine, **question, context=context))
        assert "zylinder_volumen(" in informed
        assert evaluated <= 2


async def test_each_of_several_documents_finds_its_cache_again(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    texts = {name: BODY.replace("def f", f"def {name}_") + PREFIX for name in ("a", "b", "c")}
    first = {name: await answer(engine, infill(engine, text, document=name)) for name, text in texts.items()}
    for _ in range(2):
        for name, text in texts.items():
            said, evaluated = await answer(engine, infill(engine, text, document=name))
            assert evaluated <= 2, name
            assert said == first[name][0]


async def test_guessing_ahead_changes_nothing_but_near_ties(engine: Engine, qwen: Path) -> None:
    """The library adds up in another order when it evaluates several tokens at a time (logits differ by up to 0.3), so
    that two tokens that are nearly as good can change places; `test_worker_writing.py` shows that nothing else can.
    How much is guessed depends on the time that the machine takes, so which places differ changes from run to run.
    """
    await engine.load(load(engine, qwen, ctx=4096))
    judge = Judge(qwen)
    accepted = 0
    source = Path(inspect.getsourcefile(asyncio.base_events) or "").read_text("utf-8").splitlines(keepends=True)
    places = range(60, 660, 120)
    for at in places:
        question: dict[str, Any] = {
            "prefix": "".join(source[at - 60 : at]),
            "suffix": "".join(source[at + 6 : at + 12]),
            "max_tokens": 40,
            "stop": (),
        }
        # A cold prompt may be answered from its near part, which is another prompt: read all of it first.
        await answer(engine, infill(engine, **question, prefill=True, thorough=True))
        said: list[str] = []
        for draft in (False, True):
            reading = engine.read(infill(engine, **question, draft=draft))
            said.append("".join([piece async for piece in reading]))
            accepted += reading.stats.accepted_tokens
        assert judge.gap(question["prefix"], question["suffix"], said[0], said[1]) < 0.5
    assert accepted > 5


async def test_the_model_knows_what_the_document_is(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    asked = {"prefix": 'import logging\n\nFILE = "', "suffix": '"\n'}
    without, _ = await answer(engine, infill(engine, **asked))
    text, _ = await answer(engine, infill(engine, **asked, title="src/zylinder_volumen.py"))
    assert "zylinder" not in without
    assert "zylinder" in text
    for title in ("<|fim_middle|>", "a\nb"):
        await answer(engine, infill(engine, **asked, title=title))


LINES = [
    (
        "class Form:\n    def __init__(self, msg):\n        self.msg = msg\n\n    def __str__(self):\n        return ",
        "\n",
    ),
    ("import os\n\n\ndef shell(words):\n    name = os.", "\n    return name\n"),
    ("def volume(width, height, depth):\n    size = ", "\n    return size\n"),
]


async def test_the_likeliest_line_is_found_and_others_with_it(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    judge = Judge(qwen)
    spent, found = 0, 0
    for prefix, suffix in LINES:
        greedy, _ = await answer(engine, infill(engine, prefix, suffix))
        reading = engine.read(infill(engine, prefix, suffix, search=30))
        text = "".join([piece async for piece in reading])
        assert text == reading.stats.lines[0][0]
        more = engine.read(infill(engine, prefix, suffix, search=30, further=True))
        assert "".join([piece async for piece in more]) == ""
        lines = more.stats.lines
        assert text == lines[0][0] or lines[0][1] >= reading.stats.lines[0][1]
        assert greedy in [line for line, _, _ in lines]
        for line, logprob, tokens in lines:
            assert 0 < tokens <= 16
            # Sums of several ways to write a line are larger, and a moved or longer call rounds otherwise.
            assert logprob > judge.line_logprob(prefix, suffix, line) - 0.7
        judged = [judge.line_logprob(prefix, suffix, line) for line in (text, greedy)]
        assert judged[0] > judged[1] - 0.7
        spent += reading.stats.searched_tokens + more.stats.searched_tokens
        found += len(lines) > 1
        again, _ = await answer(engine, infill(engine, prefix, suffix))
        assert again == greedy  # the cache is as it was
    assert found >= 2
    assert spent >= 10


async def test_an_answer_does_not_indent_further_where_the_cursor_is_indented(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    prefix = "def area(width, height):\n    return width * height\n\n\ndef volume(width, height, depth):\n"
    for search in (0, 4):
        deeper, _ = await answer(engine, infill(engine, prefix, "\n", search=search))
        assert deeper.startswith("    return")
        level, _ = await answer(engine, infill(engine, prefix, "\n", search=search, indented=True))
        assert level.startswith("return")
        other, _ = await answer(engine, infill(engine, prefix, "\n", search=search, indented=True, rank=1))
        assert other[:1].strip()
        assert not other.startswith("return")


async def test_an_answer_goes_on_behind_the_line_that_was_found(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    prefix = "def area(width, height):\n    "
    reading = engine.read(infill(engine, prefix, "\n", stop=(), max_tokens=40, search=20))
    text = "".join([piece async for piece in reading])
    assert text.strip().splitlines()[0] == reading.stats.lines[0][0].strip()
    assert len(text.strip().splitlines()) > 1
    assert reading.stats.logprob < 0


async def test_an_answer_nobody_waits_for_gives_way(engine: Engine, qwen: Path) -> None:
    await engine.load(load(engine, qwen))
    speculative = engine.read(infill(engine, BODY + PREFIX, max_tokens=200, stop=(), speculative=True))

    async def read() -> None:
        async for _ in speculative:
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    text, _ = await answer(engine, infill(engine))
    assert "depth" in text
    await asyncio.wait_for(reading, 20)
    assert speculative.stats.finish == "cancelled"
    assert speculative.stats.generated_tokens < 200


@pytest.mark.parametrize("other", ["chat", "prefill"])
async def test_a_conversation_nobody_waits_for_gives_way_to_all(engine: Engine, qwen: Path, other: str) -> None:
    await engine.load(load(engine, qwen))
    messages = (Message(role="user", content="Count from one to a hundred in words."),)

    def count(**more: Any) -> Chat:
        return Chat(id=engine.new_id(), model="q", messages=messages, window=2048, **more)

    quiet = engine.read(count(max_tokens=400, speculative=True))
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in quiet:
            begun.set()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(begun.wait(), 60)
    assert engine.status.state is EngineState.READY, "it makes nobody wait"
    await answer(engine, count(max_tokens=8) if other == "chat" else infill(engine, prefill=True))
    await asyncio.wait_for(reading, 20)
    assert quiet.stats.finish == "cancelled"


async def test_a_prefill_that_is_overtaken_half_way_leaves_the_cache_right(engine: Engine, qwen: Path) -> None:
    """The new text in the middle is evaluated in part only; what stands behind it must end up where it belongs."""
    await engine.load(load(engine, qwen, ctx=4096))
    await answer(engine, infill(engine, BODY + PREFIX))
    notes = "".join(f"NOTE_{i} = {i}\n" for i in range(24))
    for n in range(6):
        prefill = asyncio.create_task(answer(engine, infill(engine, notes * (n + 1) + BODY + PREFIX, prefill=True)))
        await asyncio.sleep(0.15 * n)
        text, _ = await answer(engine, infill(engine, BODY + PREFIX))
        assert "width * height * depth" in text
        await prefill


async def test_a_model_given_up_while_it_loads_is_not_loaded_again(engine: Engine, qwen: Path) -> None:
    loads = [asyncio.create_task(engine.load(load(engine, qwen))) for _ in range(3)]
    await until(lambda: engine.status.state is EngineState.LOADING, "it begins to load")
    engine.unload("q")
    ends = await asyncio.gather(*loads, return_exceptions=True)
    assert [type(end) for end in ends[1:]] == [EngineStopped, EngineStopped]
    with pytest.raises(EngineError, match="not loaded"):
        await answer(engine, infill(engine))
    await engine.load(load(engine, qwen))
    text, _ = await answer(engine, infill(engine))
    assert "depth" in text
