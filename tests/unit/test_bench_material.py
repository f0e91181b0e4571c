"""The material of the quality benchmark is well formed. Needs no network: nothing here looks into a fetched package."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tests.bench import corpora
from tests.bench._definitions import definitions, language_of
from tests.bench.corpora import SIZES, SOURCES, CorpusError, sources, unpack
from tests.bench.docstrings import first_sentence, strip_docs
from tests.bench.questions import FILES, WORDINGS, entries, packages


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
    assert len(set(packages())) == len(packages())
    assert all(name in SOURCES for name in packages())


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
    for path, package in zip(FILES, packages(), strict=True):
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
