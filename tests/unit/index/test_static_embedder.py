"""The word table that ships: what it finds, what it costs, and that a damaged file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zicoder.errors import ModelCorrupt
from zicoder.index.document import ChunkWords, path_words
from zicoder.index.static_embedder import TABLE, StaticEmbedder, document_parts, pieces_of, write_table
from zicoder.index.types import Chunk, Kind
from zicoder.index.words import words_of

CODE = {
    "cookie": "def dump(self, session): return self.signer.sign(self.serializer.dumps(dict(session)))  # cookie value",
    "redirect": "def follow(self, response): return self.get(urljoin(self.url, response.headers['Location']))",
    "average": "def mean(values): total = 0\nfor value in values: total += value\nreturn total / len(values)",
    "json": "function loadConfig(path) { return JSON.parse(fs.readFileSync(path, 'utf8')) }",
    "retry": "def call(fn, attempts): \nfor n in range(attempts): \ntry: return fn() \nexcept OSError: sleep(2 ** n)",
    "vector": "float length() const { return std::sqrt(x * x + y * y + z * z); }",
}


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return StaticEmbedder.load()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("where is the session cookie signed", "cookie"),
        ("how are http redirects handled", "redirect"),
        ("compute the arithmetic average of a list of numbers", "average"),
        ("read settings from a json file", "json"),
        ("try again with exponential backoff after a failure", "retry"),
        ("magnitude of a 3d vector", "vector"),
    ],
)
def test_finds_code_by_what_it_does(embedder: StaticEmbedder, question: str, answer: str) -> None:
    scores = embedder.embed_words([words_of(code) for code in CODE.values()]) @ embedder.embed_query(question)
    assert list(CODE)[int(scores.argmax())] == answer


def test_vectors_have_length_one_and_no_words_make_zeros(embedder: StaticEmbedder) -> None:
    vectors = embedder.embed_words([["parse", "url"], [], ["日本"], ["x" * 100_000]])
    assert vectors.shape == (4, embedder.dimension)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[0] == pytest.approx(1, abs=1e-5)
    assert lengths[1] == lengths[2] == 0
    assert lengths[3] == pytest.approx(1, abs=1e-5)


def test_empty_batch(embedder: StaticEmbedder) -> None:
    assert embedder.embed_words([]).shape == (0, embedder.dimension)


def test_a_text_has_the_same_vector_in_any_batch(embedder: StaticEmbedder) -> None:
    texts = [words_of(code) for code in CODE.values()] * 60
    together = embedder.embed_words(texts)
    alone = embedder.embed_words(texts[4:5])[0]
    np.testing.assert_allclose(together[4], alone, atol=1e-6)
    np.testing.assert_allclose(together[-2], alone, atol=1e-6)


def test_a_word_outside_the_vocabulary_is_covered_by_the_longest_pieces() -> None:
    rows = {"web": 0, "##socket": 1, "##sock": 2, "##et": 3, "w": 4}
    assert pieces_of("web", rows) == (0,)
    assert pieces_of("websocket", rows) == (0, 1)
    assert pieces_of("webxyz", rows) == ()


def test_unknown_words_are_related_to_their_parts(embedder: StaticEmbedder) -> None:
    vectors = embedder.embed_words([["zmqwebsocketish"], ["websocket"]])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_a_chunk_is_found_by_its_name_and_its_path(embedder: StaticEmbedder) -> None:
    text = "def run(self):\n    return self.go()"
    chunks = [
        (Chunk("python", Kind.METHOD, 0, 2, text, "run", "Invoice.run"), "billing/invoices.py"),
        (Chunk("python", Kind.METHOD, 0, 2, text, "run", "Thumbnail.run"), "images/resize.py"),
    ]
    words = [ChunkWords.of(chunk, path) for chunk, path in chunks]
    vectors = embedder.embed_documents(words)
    found = vectors @ embedder.embed_query("resize images")
    assert found[1] > found[0]
    np.testing.assert_array_equal(vectors, embedder.embed_parts([document_parts(each) for each in words]))


def test_windows_and_posix_paths_mean_the_same(embedder: StaticEmbedder) -> None:
    chunk = Chunk("python", Kind.MODULE, 0, 1, "x = 1")
    vectors = embedder.embed_documents(
        [ChunkWords.of(chunk, "core/http/client.py"), ChunkWords.of(chunk, "core\\http\\client.py")]
    )
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_only_the_suffix_of_the_file_is_left_out() -> None:
    assert path_words("conf.d/httpServer.test.py") == ("conf", "d", "http", "server", "test")
    assert path_words("etc/conf.d\\Makefile") == ("etc", "conf", "d", "makefile")
    assert path_words("") == ()


def test_table_fits_its_budget() -> None:
    assert TABLE.stat().st_size <= 16 * 1024 * 1024


def small_table(path: Path) -> Path:
    vectors = np.array([[127, 0], [0, 127]], np.int8)
    write_table(path, name="tiny", words=["left", "right"], scales=np.array([1, 0.5], np.float32), vectors=vectors)
    return path


def test_a_written_table_reads_back(tmp_path: Path) -> None:
    table = StaticEmbedder.load(small_table(tmp_path / "t.zitable"))
    assert table.dimension == 2
    assert table.name.startswith("static-tiny-")
    np.testing.assert_allclose(table.embed_query("right"), [0, 1])


@pytest.mark.parametrize("cut", [0, 1, 20, 60, 130, -1])
def test_a_table_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    path = small_table(tmp_path / "t.zitable")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelCorrupt) as caught:
        StaticEmbedder.load(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format": 1, "name": "x", "rows": -1, "dimension": 2, "sha256": ""}',
        b'{"format": 1, "name": "x", "rows": 1000000000, "dimension": 256, "sha256": ""}',
        b'{"format": 2, "name": "x", "rows": 2, "dimension": 2, "sha256": ""}',
    ],
)
def test_a_foreign_header_is_refused(tmp_path: Path, header: bytes) -> None:
    path = small_table(tmp_path / "t.zitable")
    path.write_bytes(header + b"\n" + path.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(ModelCorrupt):
        StaticEmbedder.load(path)


def test_one_wrong_byte_is_noticed(tmp_path: Path) -> None:
    path = small_table(tmp_path / "t.zitable")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt):
        StaticEmbedder.load(path)


def test_a_missing_table_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"none\.zitable cannot be read"):
        StaticEmbedder.load(tmp_path / "none.zitable")
