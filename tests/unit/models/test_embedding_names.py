"""How embedders are named, and the words that their texts become."""

from pathlib import Path

import pytest

import zicoder.models.embedding as package
from zicoder.errors import InputError, ModelNotInstalled
from zicoder.models.embedding.registry import EMBEDDERS, Options, make_embedder
from zicoder.models.embedding.wordpiece import WordPiece
from zicoder.models.embedding.worker import BATCH_TOKENS, batches
from zicoder.models.store import ModelStore

VOCABULARY = (Path(package.__file__).parent / "minilm-vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
PIECES = WordPiece(VOCABULARY)


def words(text: str, limit: int = 64) -> list[str]:
    return [VOCABULARY[number] for number in PIECES.encode(text, limit)]


def test_the_vocabulary_is_the_models():
    assert len(VOCABULARY) == 30522
    assert (VOCABULARY[0], VOCABULARY[101], VOCABULARY[-1]) == ("[PAD]", "[CLS]", "##\uff5e")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def get_user(id):", ["def", "get", "_", "user", "(", "id", ")", ":"]),
        ("Naïve\tCAFÉ", ["naive", "cafe"]),
        ("embeddings", ["em", "##bed", "##ding", "##s"]),
        ("日本", ["日", "本"]),
        ("«x» — y", ["«", "x", "»", "—", "y"]),
        ("a\x00b\x0cc\u200bd", ["abc", "##d"]),
        ("x" * 101, ["[UNK]"]),
        ("\U0001f600", ["[UNK]"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_text_becomes_the_pieces_that_the_model_was_trained_with(text, expected):
    assert words(text) == ["[CLS]", *expected, "[SEP]"]


def test_control_tokens_in_a_text_are_ordinary_text():
    assert words("[SEP][CLS]") == ["[CLS]", "[", "sep", "]", "[", "cl", "##s", "]", "[SEP]"]


def test_a_long_text_is_cut_and_keeps_its_end_token():
    assert words("one " * 5000, limit=8) == ["[CLS]", *["one"] * 6, "[SEP]"]
    assert len(PIECES.encode("é" * 5_000_000, 256)) <= 256


def test_batches_hold_every_text_once_and_stay_small():
    lengths = [3, 256, 17, 256, 256, 9, 120, 8, 8] * 20
    found = batches(lengths)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) * max(lengths[index] for index in batch) <= BATCH_TOKENS


def test_none_is_no_embedder_and_names_are_known():
    assert make_embedder("none") is None
    assert {"auto", "minilm", "none", "openai", "sentence-transformers"} <= set(EMBEDDERS)
    with pytest.raises(InputError) as caught:
        make_embedder("word2vec")
    assert "minilm" in caught.value.hint


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path):
    options = Options(store=ModelStore(tmp_path))
    with pytest.raises(ModelNotInstalled) as caught:
        make_embedder("minilm", options)
    assert "zi model pull minilm" in caught.value.hint
    assert make_embedder("auto", options) is None


def test_a_sentence_transformers_name_is_a_folder_and_never_fetched(tmp_path):
    with pytest.raises(ModelNotInstalled, match="all-mpnet"):
        make_embedder("sentence-transformers:all-mpnet-base-v2")
    (tmp_path / "config.json").write_text("{}")
    before = make_embedder(f"sentence-transformers:{tmp_path}")
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    after = make_embedder(f"sentence-transformers:{tmp_path}")
    assert before is not None
    assert after is not None
    assert before.name != after.name


@pytest.mark.parametrize("spec", ["openai:", "openai:http://localhost/v1", "openai:ftp://host#m", "openai:#m"])
def test_an_address_that_is_no_good_is_refused_at_once(spec):
    with pytest.raises(InputError) as caught:
        make_embedder(spec)
    assert "openai:URL#MODEL" in caught.value.hint


def test_secrets_are_not_shown():
    options = Options(api_key="sk-secret")
    embedder = make_embedder("openai:https://me:hunter2@example.org/v1?key=k3y#m", options)
    assert embedder is not None
    assert embedder.name == "openai:https://example.org/v1#m"
    assert "secret" not in repr(options)
