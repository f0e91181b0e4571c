"""What a proposal holds when an answer has several blocks, several files or several attempts."""

from __future__ import annotations

import pytest

from zicoder.agents.edits.proposing import Focus, propose
from zicoder.agents.edits.reader import parse
from zicoder.errors import InputError
from zicoder.proposal import Proposal

FILES = {"src/a.py": "x = 1\ny = 2\n", "src/b.py": "x = 1\n", "Readme.md": "# R\n"}


def block(path: str, search: str, put: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{put}>>>>>>> REPLACE\n\n"


def texts(proposal: Proposal) -> dict[str, str | None]:
    return {edit.path: edit.after for edit in proposal.files}


def problems(remarks: object) -> list[str]:
    assert isinstance(remarks, tuple)
    return [remark.text for remark in remarks if remark.is_problem]


def test_a_refused_block_leaves_the_others() -> None:
    answer = block("src/a.py", "x = 1\n", "x = 3\n") + block("src/b.py", "nothing\n", "x = 4\n")
    proposal, remarks = propose(parse(answer), FILES.get, files=FILES)
    assert texts(proposal) == {"src/a.py": "x = 3\ny = 2\n"}
    assert len(problems(remarks)) == 1
    assert problems(remarks)[0].startswith("Block 2 is not applied. The SEARCH text does not occur in `src/b.py`")


def test_a_second_attempt_goes_on_from_the_first() -> None:
    first, _ = propose(parse(block("src/a.py", "x = 1\n", "x = 3\n") + "```py src/n.py\nn = 1\n```\n"), FILES.get)
    second, remarks = propose(
        parse(block("src/a.py", "x = 3\n", "x = 4\n") + block("src/n.py", "n = 1\n", "n = 2\n")), FILES.get, onto=first
    )
    assert problems(remarks) == []
    assert texts(second) == {"src/a.py": "x = 4\ny = 2\n", "src/n.py": "n = 2\n"}
    assert [edit.before for edit in second.files] == ["x = 1\ny = 2\n", None]
    back, _ = propose(
        parse(block("src/a.py", "x = 4\n", "x = 1\n") + "<<<<<<< DELETE src/n.py\n"), FILES.get, onto=second
    )
    assert back.files == ()


def test_a_block_without_a_path_means_the_file_in_front() -> None:
    answer = block("", "x = 1\n", "x = 3\n")
    proposal, _ = propose(parse(answer), FILES.get, focus=Focus("src/b.py"))
    assert texts(proposal) == {"src/b.py": "x = 3\n"}
    _, remarks = propose(parse(answer), FILES.get)
    assert "names no file" in problems(remarks)[0]


def test_a_whole_file_is_replaced_only_when_that_is_wanted() -> None:
    files = {"a.py": "\ufeffx = 1\r\ny = 2\r\n"}
    answer = "```python a.py\nx = 1\nz = 3\n```\n"
    assert propose(parse(answer), files.get)[0].files == ()
    proposal, _ = propose(parse(answer), files.get, rewrite=True)
    assert texts(proposal) == {"a.py": "\ufeffx = 1\r\nz = 3\r\n"}


def test_an_empty_file_is_filled_and_a_new_one_gets_its_folders() -> None:
    answer = block("empty.py", "", "x = 1\n") + block("docs/Readme.md", "\n", "# D\n")
    proposal, remarks = propose(parse(answer), {**FILES, "empty.py": ""}.get, files=[*FILES, "empty.py"])
    assert problems(remarks) == []
    assert texts(proposal) == {"empty.py": "x = 1\n", "docs/Readme.md": "# D\n"}
    assert [edit.kind for edit in proposal.files] == ["change", "create"]


def test_a_path_in_another_case_is_the_same_file() -> None:
    answer = "```markdown README.md\n# New\n```\n" + block("SRC/B.py", "x = 1\n", "x = 2\n")
    proposal, remarks = propose(parse(answer), FILES.get, files=FILES)
    assert texts(proposal) == {"src/b.py": "x = 2\n"}
    assert "`Readme.md` exists" in problems(remarks)[0]


def test_a_deletion_must_name_its_file_exactly() -> None:
    proposal, remarks = propose(parse("<<<<<<< DELETE a.py\n"), FILES.get, files=FILES)
    assert proposal.files == ()
    assert "There is no file `a.py` to delete. Is it `src/a.py`?" in problems(remarks)[0]


def test_a_file_that_cannot_be_read_is_said() -> None:
    def read(path: str) -> str | None:
        raise InputError(f"`{path}` is not UTF-8 text.")

    _, remarks = propose(parse(block("a.py", "x\n", "y\n")), read)
    assert problems(remarks) == ["Block 1 is not applied. `a.py` is not UTF-8 text."]


def test_versions_and_unchecked_files_are_told() -> None:
    proposal, remarks = propose(parse(block("Readme.md", "# R\n", "# S\n")), FILES.get, version=lambda _: 7)
    assert proposal.files[0].version == 7
    assert [(remark.kind, remark.is_problem) for remark in remarks] == [("unchecked", False)]


def test_errors_that_were_there_before_are_no_problem() -> None:
    files = {"a.py": "def f(:\n    pass\n\nx = 1\n", "b.go": "package b\n\nfunc f( {\n\nvar x = 1\n"}
    answer = block("a.py", "x = 1\n", "x = 2\n") + block("b.go", "var x = 1\n", "var x = 2\n")
    proposal, remarks = propose(parse(answer), files.get)
    assert len(proposal.files) == 2
    assert problems(remarks) == []


@pytest.mark.parametrize(
    "answer",
    [
        "<<<<<<< SEARCH\n" * 4_000,
        "a.py\n" + "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>> REPLACE\n" * 2_000,
        "a.py\n<<<<<<< SEARCH\n" + "=======\n" * 4_000 + ">>>>>>> REPLACE\n",
        "```md a.md\n" + "```\n" * 4_000,
        "# " * 100_000,
        "`" * 200_000,
        "a.py\n<<<<<<< SEARCH\n" + "x = 1\n" * 4_000 + "y\n=======\n" + "z\n" * 4_000 + ">>>>>>> REPLACE\n",
        ("a.py\n<<<<<<< SEARCH\n" + "x = 1\nz = 2\nq = 3\n" + "=======\ny\n>>>>>>> REPLACE\n") * 2_000,
    ],
    ids=["openers", "other ends", "dividers", "fences", "hashes", "backticks", "long block", "many blocks"],
)
def test_a_hostile_answer_comes_to_an_end(answer: str) -> None:
    files = {"a.py": "x = 1\n" * 1_000}
    proposal, _ = propose(parse(answer), files.get)
    assert all(edit.path in ("a.py", "a.md") for edit in proposal.files)
