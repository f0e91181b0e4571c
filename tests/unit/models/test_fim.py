import pytest
from zicoder.models.fim import TEMPLATES, detect


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_known_family_is_recognised_by_its_own_tokens(name):
    template = TEMPLATES[name]
    tokens = {token: i for i, token in enumerate((*template.needed, template.repo, template.file_sep, "def"))}
    assert detect(tokens) == template


def test_what_the_vocabulary_lacks_is_left_out_of_the_template():
    found = detect({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"})
    assert found is not None
    assert found.needed == ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    assert (found.repo, found.file_sep) == ("", "")


def test_a_vocabulary_with_only_some_of_the_tokens_is_left_to_right():
    assert detect({"<|fim_prefix|>", "<|fim_middle|>"}) is None
    # SmolLM2 knows the words of a repository, but not how to fill a hole in it.
    assert detect({"<repo_name>", "<file_sep>", "<reponame>", "<filename>"}) is None
    assert detect({}) is None


def test_families_that_want_the_suffix_first_say_so():
    assert {name for name, template in TEMPLATES.items() if template.order == "spm"} == {"codestral", "codestral-v1"}
