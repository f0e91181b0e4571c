import msgspec
import pytest

from zicoder.errors import ModelError, UnknownModel
from zicoder.models.catalog import HubSource, ModelEntry, WheelPiece, WheelSource, load_catalog, parse_catalog

ENTRY = """
[[models]]
name = "m"
file = "m.gguf"
size = 4
sha256 = "{sha}"
licence = "MIT"
parameters = "1B"
context_tokens = 10
good_for = ["infill"]
summary = "s"
""".replace("{sha}", "0" * 64)


def test_the_catalog_that_ships_is_valid_and_complete():
    catalog = load_catalog()
    assert list(catalog) == ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m", "minilm"]
    for entry in catalog.values():
        assert entry.sources, f"{entry.name} can be had from nowhere"
        assert entry.licence == "Apache-2.0"
    qwen = catalog["qwen2.5-coder-0.5b"]
    assert qwen.size == 491400064
    assert "infill" in qwen.good_for
    assert qwen.fim_template is not None
    assert qwen.fim_template.middle == "<|fim_middle|>"
    assert [type(source) for source in qwen.sources] == [HubSource, WheelSource]
    assert catalog["smollm2-135m"].fim_template is None


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownModel) as caught:
        load_catalog().find("qwen2.5-coder")
    assert caught.value.hint == "Did you mean 'qwen2.5-coder-0.5b'?"
    with pytest.raises(UnknownModel) as caught:
        load_catalog().find("smolm2-135m")
    assert caught.value.hint == "Did you mean 'smollm2-135m'?"
    with pytest.raises(UnknownModel) as caught:
        load_catalog().find("zzz")
    assert "qwen2.5-coder-0.5b, " in caught.value.hint


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("size = 4", "size = 0"), "size"),
        (("size = 4", "sise = 4"), "sise"),
        (("0" * 64, "0" * 63), "sha256"),
        (('name = "m"', 'name = "../m"'), "name"),
        (('file = "m.gguf"', 'file = "../m.gguf"'), "file"),
        (('summary = "s"', 'summary = "s"\nfim = "nonsense"'), "nonsense"),
        (('good_for = ["infill"]', 'good_for = ["cooking"]'), "good_for"),
        (('[[models]]\nname = "m"', "[[models]"), "line"),
    ],
)
def test_a_slip_in_the_catalog_is_named(change, named):
    assert parse_catalog(ENTRY)
    with pytest.raises(ModelError, match=named):
        parse_catalog(ENTRY.replace(*change))


def test_pieces_must_add_up_to_the_model():
    text = ENTRY + '[[models.sources]]\nkind = "wheels"\npieces = [{project="p", version="1", member="m", size=3}]\n'
    with pytest.raises(ModelError, match="add up"):
        parse_catalog(text)
    assert parse_catalog(text.replace("size=3", "size=4"))


@pytest.mark.parametrize("member", ["/etc/passwd", "../x", "a/../../x", "a\\x"])
def test_a_member_cannot_leave_its_wheel(member):
    with pytest.raises(msgspec.ValidationError, match="leaves"):
        msgspec.convert({"project": "p", "version": "1", "member": member, "size": 1}, WheelPiece)


def test_an_option_cannot_be_smuggled_to_pip_as_a_project():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"project": "--index-url", "version": "1", "member": "m", "size": 1}, WheelPiece)


def test_one_name_cannot_stand_for_two_models():
    entry = load_catalog()["smollm2-135m"]
    assert isinstance(entry, ModelEntry)
    with pytest.raises(ModelError, match="twice"):
        parse_catalog(ENTRY + ENTRY)
