"""The material of the quality benchmark is well formed. Needs no network: nothing here looks into a fetched package."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.bench import corpora
from tests.bench._completion_direct import stopped
from tests.bench._completion_holes import KINDS, STRETCH, Hole, candidates, packages, pick
from tests.bench._completion_metrics import difference, interval, score
from tests.bench._completion_peer import pick_ring, request, shown, tokens
from tests.bench._completion_replay import keys
from tests.bench._completion_rows import Kept, one_line, summary, table
from tests.bench._completion_shifted import worse
from tests.bench._definitions import definitions, language_of
from tests.bench.corpora import SIZES, SOURCES, CorpusError, sources, unpack
from tests.bench.docstrings import first_sentence, strip_docs
from tests.bench.questions import FILES, WORDINGS, entries
from tests.bench.questions import packages as questioned


def test_no_package_is_both_tuned_on_and_reported() -> None:
    tuned = {entry.name for entry in sources("tune")}
    reported = {entry.name for entry in sources("report")}
    assert tuned
    assert reported
    assert not tuned & reported
    assert len(sources()) == len(SOURCES)


def test_every_size_is_made_of_known_packages() -> None:
    assert all(name in SOURCES for names in SIZES.values() for name in names)


def test_every_question_file_is_for_one_known_package() -> None:
    assert len(set(questioned())) == len(questioned())
    assert all(name in SOURCES for name in questioned())


def test_questions_are_unique() -> None:
    texts = [text.lower() for path in FILES for text, _, _ in entries(path)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_questions_have_one_to_three_answers_in_code(path: Path) -> None:
    for text, wording, answers in entries(path):
        assert text == text.strip()
        assert wording in WORDINGS
        assert 1 <= len(answers) <= 3, text
        assert len(set(answers)) == len(answers), text
        for answer in answers:
            name, mark, symbol = answer.partition("#")
            assert mark, answer
            assert symbol, answer
            assert language_of(name), answer


def test_there_are_enough_questions_of_each_role() -> None:
    counts = {"tune": 0, "report": 0, "size": 0}
    for path, package in zip(FILES, questioned(), strict=True):
        counts[SOURCES[package].role] += len(list(entries(path)))
    assert counts["tune"] >= 60
    assert counts["report"] >= 160


def test_unpacking_keeps_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("package/src/a.py", "package/../../outside.py", "package/dist/a.js", "/package/b.py"):
            member = tarfile.TarInfo(name)
            member.size = 2
            tar.addfile(member, io.BytesIO(b"x\n"))
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    unpack(archive, tmp_path / "a" / "tree", ("dist",))
    held = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert "a/tree/src/a.py" in held
    assert not [name for name in held if "outside" in name or "dist" in name or "link" in name]
    assert not (tmp_path / "outside.py").exists()


def test_an_archive_with_other_bytes_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "flask.tar.gz"
    archive.write_bytes(b"not flask")
    with pytest.raises(CorpusError, match="flask"):
        corpora.verify(SOURCES["flask"], archive)


@pytest.mark.parametrize(
    ("doc", "sentence"),
    [
        ('"""Return the name, e.g. of a file.  And more."""', "Return the name, e.g. of a file"),
        (
            'r"""\n    Folds `text`\n    into :class:`~a.b.Lines`.\n\n    :param text: it\n    """',
            "Folds text into a.b.Lines",
        ),
        (
            "/**\n * Opens the {@link File} for <b>reading</b>.\n * @param name the name\n */",
            "Opens the File for reading",
        ),
        ("/// Splits words\n/// at spaces. Then more.", "Splits words at spaces"),
        ("// Parse reads one value from the input.", "Parse reads one value from the input"),
        ('/// <summary>Gets the <see cref="T:Node"/> above.</summary>', "Gets the Node above"),
        ("# Sends a mail to all", "Sends a mail to all"),
        ("// eslint-disable-next-line no-console", ""),
        ("/// <summary>\n/// Counts them.\n/// </summary>\n/// <remarks>More</remarks>", "Counts them"),
        ('"""float: Seconds since *start*."""', "Seconds since start"),
        ('""":meta private:"""', ""),
    ],
)
def test_the_first_sentence_is_what_a_person_would_ask(doc: str, sentence: str) -> None:
    assert " ".join(first_sentence(doc).split()) == sentence


PYTHON = b'''\
class Box:
    """Holds things."""

    def put(self, thing):
        """Lay a thing into it.

        Twice is fine.
        """
        self.things.append(thing)

    @property
    def size(self):
        "How many."

    def take(self): "Gone."; return 1
'''


def test_stripping_python_removes_docs_of_functions_and_keeps_lines() -> None:
    stripped = strip_docs(PYTHON, "python")
    text = stripped.decode()
    compile(text, "box.py", "exec")
    assert text.count("\n") == PYTHON.count(b"\n")
    assert "Holds things" in text
    assert not [word for word in ("Lay a thing", "Twice", "How many", "Gone") if word in text]
    assert text.splitlines()[8].strip() == "self.things.append(thing)"


@pytest.mark.parametrize(
    ("language", "source", "symbol", "start", "end"),
    [
        ("javascript", b"/** Adds two numbers. */\nexport function add(a, b) {\n  return a + b\n}\n", "add", 1, 4),
        (
            "javascript",
            b"/** Adds two numbers. */\nReply.prototype.add = function (a) {\n  return a\n}\n",
            "Reply.add",
            1,
            4,
        ),
        (
            "typescript",
            b"class A {\n  /** Adds two numbers. */\n  add(): number {\n    return 1\n  }\n}\n",
            "A.add",
            2,
            5,
        ),
        ("java", b"class A {\n  /** Adds two numbers. */\n  @Override\n  int add() { return 1; }\n}\n", "A.add", 2, 4),
        ("swift", b"class A {\n  /// Adds two numbers.\n  func add() -> Int {\n    return 1\n  }\n}\n", "A.add", 2, 5),
        ("kotlin", b"class A {\n  /** Adds two numbers. */\n  fun add(): Int {\n    return 1\n  }\n}\n", "A.add", 2, 5),
        ("rust", b"impl A {\n  /// Adds two numbers.\n  #[inline]\n  fn add() {\n  }\n}\n", "A.add", 3, 5),
        ("go", b"package a\n\n// Adds two numbers.\nfunc (a *A) Add() int {\n\treturn 1\n}\n", "A.Add", 3, 6),
        ("cpp", b"// Adds two numbers.\nint A::add() {\n  return 1;\n}\n", "A.add", 1, 4),
    ],
)
def test_docs_are_found_and_stripped_in_every_language(
    language: str, source: bytes, symbol: str, start: int, end: int
) -> None:
    [entry] = [entry for entry in definitions(source, language) if entry.symbol == symbol]
    assert (entry.start, entry.end) == (start, end)
    assert first_sentence(entry.doc) == "Adds two numbers"
    stripped = strip_docs(source, language)
    assert b"Adds" not in stripped
    assert stripped.count(b"\n") == source.count(b"\n")


PYTHON_CODE = '''\
import os


class Shelf:
    def __init__(self, root):
        self.root = root
        self.books = {}

    def put(self, name, book):
        known = self.books.get(name)
        if known is None:
            self.books[name] = os.path.join(self.root, book.title)
            self.count = len(self.books)
        return self.books[name]

    def total(self):
        """How many."""
        return len(self.books)
'''
TYPESCRIPT_CODE = """\
export class Shelf {
  put(name: string, book: Book): string {
    const known = this.books.get(name)
    if (known === undefined) {
      this.books.set(name, join(this.root, book.title))
      this.count = this.books.size
    }
    return this.books.get(name)
  }
}
"""


def holes(text: str, language: str) -> list[Hole]:
    return list(candidates("shelf", "shelf", language, text, Random(1)))


@pytest.mark.parametrize(("text", "language"), [(PYTHON_CODE, "python"), (TYPESCRIPT_CODE, "typescript")])
def test_every_kind_of_hole_is_found_and_gives_the_file_back(text: str, language: str) -> None:
    found = holes(text, language)
    assert {hole.kind for hole in found} == set(KINDS)
    for hole in found:
        assert hole.prefix + hole.target + hole.suffix == text
        assert hole.punched == hole.prefix + hole.suffix
        row, column = hole.position
        assert text.split("\n")[row][:column] == hole.prefix.rpartition("\n")[2]
    assert [hole.name for hole in found] == [hole.name for hole in holes(text, language)]


@pytest.mark.parametrize(("text", "language"), [(PYTHON_CODE, "python"), (TYPESCRIPT_CODE, "typescript")])
def test_a_hole_is_where_its_kind_says(text: str, language: str) -> None:
    ends = {"member": ".", "call": "(", "assign": "=", "return": "return"}
    for hole in holes(text, language):
        if hole.kind in ends:
            assert hole.prefix.rstrip().endswith(ends[hole.kind])
        if hole.kind in ("line", "block"):
            assert not hole.prefix.rpartition("\n")[2].strip()
        if hole.kind == "middle":
            assert len(hole.suffix.partition("\n")[0]) >= 2
        elif hole.kind == "block":
            opener = hole.prefix.rstrip().splitlines()[-1]
            assert opener.endswith((":", "{"))
        else:
            assert "\n" not in hole.target
            assert hole.suffix.startswith("\n")


def test_a_block_is_taken_away_to_its_end_and_a_docstring_never() -> None:
    targets = [hole.target for hole in holes(PYTHON_CODE, "python") if hole.kind == "block"]
    assert "self.root = root\n        self.books = {}" in targets
    assert not any("How many" in target for target in targets)


def test_picking_holes_is_deterministic_and_spreads_over_files(tmp_path: Path) -> None:
    for n in range(4):
        (tmp_path / f"m{n}.py").write_text(PYTHON_CODE.replace("Shelf", f"Shelf{n}") * 6, encoding="utf-8")
    (tmp_path / "test_m.py").write_text(PYTHON_CODE * 6, encoding="utf-8")
    found = pick("shelf", tmp_path, "python", 3)
    assert [hole.name for hole in found] == [hole.name for hole in pick("shelf", tmp_path, "python", 3)]
    assert Counter(hole.kind for hole in found) == dict.fromkeys(KINDS, 3)
    assert len({hole.path for hole in found}) > 2
    assert not any("test" in hole.path for hole in found)


def test_the_holes_of_a_file_lie_near_each_other_in_its_order_one_of_a_kind(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(PYTHON_CODE * 40, encoding="utf-8")
    found = pick("shelf", tmp_path, "python", 3)
    assert len({hole.kind for hole in found}) == len({hole.position[0] for hole in found}) == len(found) > 4
    assert [hole.start for hole in found] == sorted(hole.start for hole in found)
    assert found[-1].start - found[0].start <= STRETCH < len(found[0].text)


def test_holes_of_one_role_are_never_in_a_package_of_the_other() -> None:
    for language in ("python", "typescript"):
        assert packages("tune", language)
        assert len(packages("report", language)) >= 4
        assert not set(packages("tune", language)) & set(packages("report", language))


@pytest.mark.parametrize(
    ("answer", "exact", "edit", "identifiers", "shown", "valid"),
    [
        ("len(self.books)", True, 1.0, 1.0, True, True),
        ("  len(self.books)  \n)", True, 1.0, 1.0, True, False),
        ("len(self.shelf)", False, 0.73, 0.67, True, True),
        ("len(self.books", False, 0.97, 1.0, True, False),
        ("", False, 0.0, 0.0, False, True),
    ],
)
def test_an_answer_is_judged(
    answer: str, exact: bool, edit: float, identifiers: float, shown: bool, valid: bool
) -> None:
    judged = score(
        answer, "len(self.books)", prefix="def f(self):\n    n = ", suffix="\n    return n\n", language="python"
    )
    assert judged.exact is exact
    assert judged.edit == pytest.approx(edit, abs=0.005)
    assert judged.identifiers == pytest.approx(identifiers, abs=0.005)
    assert (judged.shown, judged.clean) == (shown, valid)


def test_the_bootstrap_interval_holds_the_mean_and_narrows_with_more_values() -> None:
    few, many = interval([0, 1] * 10), interval([0, 1] * 200)
    alike = interval([0] * 200 + [1] * 200, [str(n // 20) for n in range(400)])
    assert alike[1] - alike[0] > 2 * (many[1] - many[0])
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    mean, low, high = difference([1, 1, 1, 0], [0, 1, 0, 0])
    assert low <= mean == 0.5 <= high


def test_the_peer_gets_its_own_layout_and_only_other_files(tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"m{n}.py").write_text(PYTHON_CODE.replace("Shelf", f"Shelf{n}") * 6, encoding="utf-8")
    hole = next(hole for hole in pick("shelf", tmp_path, "python", 1) if hole.kind == "member")
    ring = pick_ring(hole, tmp_path)
    assert ring == pick_ring(hole, tmp_path)
    assert len(ring) <= 16
    assert all(chunk["text"].count("\n") <= 64 for chunk in ring)
    asked = request(hole, ring)
    assert asked["prefix"].endswith("\n")
    assert asked["prompt"] == hole.prefix.rpartition("\n")[2]
    assert asked["suffix"].startswith("\n")

    def tokenize(text: str) -> list[int]:
        return [ord(char) for char in text]

    marks = {"repo": -1, "file": -2, "prefix": -3, "suffix": -4, "middle": -5}
    laid_out = tokens({**asked, "extra": ring[:1]}, tokenize, marks)
    assert [token for token in laid_out if token < 0] == [-1, -2, -2, -3, -4, -5]
    assert laid_out[laid_out.index(-5) + 1 :] == tokenize(asked["prompt"])
    assert laid_out.index(-4) - laid_out.index(-3) - 1 <= 768


def test_the_peer_does_not_show_what_only_repeats_the_file() -> None:
    text = "def f():\n    a = 1\n    b = 2\n"
    on_blank_line = Hole("p", "p.py", "python", "line", text, 13, 18)
    assert shown("    c = 3\n", on_blank_line) == "c = 3"
    assert shown("    b = 2\n", on_blank_line) == ""
    in_line = Hole("p", "p.py", "python", "middle", text, 13, 17)
    assert shown("1", in_line) == ""


def test_generation_stops_where_the_rules_say() -> None:
    assert stopped("\nreturn 1\nmore", True, 0) == ("\nreturn 1", True)
    assert stopped("a\n    b\n  c", False, 4) == ("a\n    b", True)
    assert stopped("a\n    b\n    c", False, 4) == ("a\n    b\n    c", False)


def test_typing_gives_the_text_with_the_indentation_that_an_editor_adds() -> None:
    text = "if a:\n        b()\n\n    c"
    assert "".join(keys(text)) == text
    assert list(keys(text))[5:7] == ["\n        ", "b"]


def answered(hole: str, variant: str, exact: bool) -> dict[str, Any]:
    judged = {"exact": exact, "edit": float(exact), "whole": float(exact), "identifiers": None, "valid": True}
    cost = {"ms": 100.0, "evaluated": 3, "generated": 5, "clean": True, "shown": exact, "text": "secret_of_the_package"}
    return {"hole": hole, "variant": variant, "kind": "member", "language": "python", **judged, **cost}


def test_the_table_compares_pairs_and_counts_what_failed() -> None:
    rows = [answered(str(n), "full", n < 6) for n in range(10)] + [answered(str(n), "plain", n < 2) for n in range(9)]
    rows.append({"hole": "9", "variant": "plain", "kind": "member", "language": "python", "error": "TimeoutError: "})
    found = summary(rows, ["full", "plain", "peer"])["all"]
    assert (found["full"]["exact"], found["plain"]["holes"], found["plain"]["failed"]) == (60.0, 9, 1)
    assert found["plain"]["full_minus_exact"][0] == 44.4
    assert found["peer"] == {}
    assert [line.split()[0] for line in table(found).splitlines()] == ["row", "full", "plain"]
    assert "secret" not in str(one_line(rows))


def test_a_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    first = Kept(tmp_path / "answers.jsonl")
    first.add(answered("a", "full", True))
    assert Kept(tmp_path / "answers.jsonl").rows == first.rows


@pytest.mark.parametrize(
    ("exact", "edit", "expected"),
    [
        ([-1.5, -4.5, 1.0], [-0.7, -3.0, 1.5], []),
        ([-6.0, -9.0, -3.0], [-0.7, -3.0, 1.5], ["exact"]),
        ([-6.0, -9.0, -3.0], [-2.0, -3.0, -0.1], ["exact", "edit"]),
        ([3.0, 1.0, 5.0], [2.0, 0.0, 4.0], []),
    ],
)
def test_moved_cells_may_cost_no_more_than_noise(exact: list[float], edit: list[float], expected: list[str]) -> None:
    assert worse({"moved_minus_fresh_exact": exact, "moved_minus_fresh_edit": edit}) == expected
