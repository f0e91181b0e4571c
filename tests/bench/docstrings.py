"""Queries mined from doc comments: the first sentence of a function's doc asks for that function.

Owns the choice of sentences, and the copy of a package's sources without the docs of its functions, so that an index
over it cannot match the sentence with itself. Lines keep their numbers in the copy.

`zi bench docstrings` says how many queries each package yields.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from tests.bench import _definitions
from tests.bench._definitions import Definition, definitions, language_of
from tests.bench.corpora import SOURCES, cache, source, sources
from tests.bench.questions import Query, Target

from zicoder.index.words import words_of

__all__ = ["docstring_queries", "first_sentence", "strip_docs"]

SEED = "1"
WORDS = range(4, 41)
CODE_LINES = 3
MAX_BYTES = 1_000_000
"""A larger file is generated: it is copied as it is and not asked about."""

_NOT_ASKED = frozenset(
    [
        "test",
        "tests",
        "testing",
        "__tests__",
        "androidTest",
        "spec",
        "docs",
        "doc",
        "examples",
        "example",
        "benchmarks",
        "vendor",
        "_vendor",
        "third-party",
        "node_modules",
    ]
)
"""Folders whose functions are no targets: tests, examples, code of others. They stay in the copy."""
_TEST_FILE = re.compile(r"^(test_.*|conftest|.*_test|.*\.(test|spec|test-d))\.\w+$")
_COMMON = frozenset(words_of("a an and are as at be by for from if in into is it its of on or that the this to with"))

_MARKS = re.compile(r"^[ \t]*(?:///?!?|/\*[*!]*|\*/|\*(?!\*)|#+)[ \t]?|[ \t]*\*+/[ \t]*$", re.MULTILINE)
_QUOTES = re.compile(r"^[rRuUbBfF]*(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$")
_LINKS = (
    (re.compile(r"\{@\w+\s+([^{}|]*?)(?:\|[^{}]*)?\}"), r"\1"),  # {@link Other#method}
    (re.compile(r"<\w+ (?:cref|name|langword)=\"(?:\w:)?([^\"]*)\" ?/>"), r"\1"),
    (re.compile(r"</?[A-Za-z][^<>]*>"), " "),
    (re.compile(r"\[([^\]\[]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r":[\w:]+:`~?\.?([^`<]*?)(?:\s*<[^>`]*>)?`"), r"\1"),
    (re.compile(r"[`]+|\*\*|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)"), ""),
    (re.compile(r"\\[a-z]+ "), ""),  # \p name
    (re.compile(r"^\s*[a-z]\w*(?:\[\w, ]*\])?: (?=[A-Z])"), ""),  # the type of a property: "float: Seconds left"
)
_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?](?=\s|$)")
_SECTION = re.compile(r"\n\s*\n|\n\s*(?:@\w|:\w+[^:\n]*:|\.\. |[-=]{3}|>>>|- |\* |# )")
_NOT_PROSE = re.compile(
    r"[@:>|<.{(\[=$-]|(see|todo|fixme|deprecated|copyright)\b|(eslint|swiftlint|istanbul|overrid|inherit)",
    re.IGNORECASE,
)


def docstring_queries(package: str, limit: int) -> tuple[list[Query], Path]:
    """At most `limit` queries of a package, and the folder of its sources without function docs.

    The choice depends on nothing but the package and the limit; a smaller limit gives a prefix of a larger one's.
    """
    folder = _mined(package)
    rows = json.loads((folder / "queries.json").read_text(encoding="utf-8"))[:limit]
    queries = [Query(text, package, (Target(**target),), "docstring") for text, target in rows]
    return queries, folder / "tree"


def first_sentence(doc: str) -> str:
    """The first sentence of a docstring or doc comment on one line, without marks and mark-up; "" if it is no prose."""
    text = doc.strip()
    text = _QUOTES.sub("", text) if text[:1] not in "/#*" else _MARKS.sub("", text)
    text = _SECTION.split(text.partition("</summary>")[0].strip() + "\n")[0]
    for pattern, new in _LINKS:
        text = pattern.sub(new, text)
    text = " ".join(text.split())
    end = _END.search(text)
    text = (text[: end.start()] if end else text).strip().rstrip(":")
    return "" if _NOT_PROSE.match(text) else text


def strip_docs(data: bytes, language: str) -> bytes:
    """A source file without the docs of its functions; every line stays where it was."""
    for entry in sorted(definitions(data, language), key=lambda entry: -entry.doc_start):
        if entry.function and entry.doc:
            doc = data[entry.doc_start : entry.doc_end]
            needed = entry.alone or data[entry.doc_end :].lstrip(b" \t")[:1] == b";"
            lines = b"".join(re.findall(rb"\r?\n", doc))
            data = data[: entry.doc_start] + (b"pass" if needed else b"") + lines + data[entry.doc_end :]
    return data


def _mined(package: str) -> Path:
    """The folder with the stripped copy, `tree`, and all queries, `queries.json`; made anew when the rules change."""
    rules = hashlib.sha256(Path(__file__).read_bytes() + Path(_definitions.__file__).read_bytes()).hexdigest()[:8]
    folder = cache() / "mined" / f"{SOURCES[package].folder}-{rules}"
    if folder.is_dir():
        return folder
    original = source(package)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix="mine-", ignore_cleanup_errors=True) as temporary:
        work = Path(temporary) / "work"
        shutil.copytree(original, work / "tree")
        for name, data, language in _code(original):
            (work / "tree" / name).write_bytes(strip_docs(data, language))
        rows = [(text, asdict(target)) for text, target in _pairs(original, work / "tree")]
        (work / "queries.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster
                raise
    return folder


def _pairs(original: Path, stripped: Path) -> list[tuple[str, Target]]:
    """Every sentence that asks for one function and is said nowhere else in what is left, in the order of drawing."""
    found = [
        (text, Target(path, entry.start, entry.end, entry.symbol))
        for path, data, language in _code(original)
        if not _is_aside(path)
        for entry in definitions(data, language)
        if entry.function and (text := first_sentence(entry.doc)) and _asks(text, entry, data)
    ]
    said = Counter(_folded(text) for text, _ in found)
    rest = _folded("\n".join(_texts(stripped)))
    alone = [pair for pair in found if said[_folded(pair[0])] == 1 and _folded(pair[0]) not in rest]
    return sorted(alone, key=_drawn)


def _drawn(pair: tuple[str, Target]) -> str:
    return hashlib.sha256(f"{SEED}\0{pair[1].path}\0{pair[1].symbol}\0{pair[0]}".encode()).hexdigest()


def _asks(text: str, entry: Definition, data: bytes) -> bool:
    """Whether a sentence says more than the function's name, of a function that has something in it."""
    words = words_of(text)
    if len(text.split()) not in WORDS or not text.isascii():
        return False
    name = words_of(entry.symbol)
    new = {word for word in words if word not in _COMMON and not any(_alike(word, part) for part in name)}
    lines = data.split(b"\n")[entry.start : entry.end]
    first = data.count(b"\n", 0, entry.doc_start)
    inside = entry.start <= first < entry.end
    blank = sum(not line.strip() for line in lines) + (entry.doc.count("\n") + 1 if inside else 0)
    return len(new) >= 2 and len(lines) - blank >= CODE_LINES


def _alike(word: str, part: str) -> bool:
    """The same word, or another form of it: gets, getting."""
    return word == part or (min(len(word), len(part)) >= 3 and (word.startswith(part) or part.startswith(word)))


def _is_aside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(_NOT_ASKED.intersection(parts[:-1])) or _TEST_FILE.match(parts[-1]) is not None


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _code(root: Path) -> Iterator[tuple[str, bytes, str]]:
    """(path, bytes, language) of every file that can be parsed."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        language = language_of(name)
        if language is not None and path.is_file() and path.stat().st_size <= MAX_BYTES:
            yield name, path.read_bytes(), language


def _texts(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            data = path.read_bytes()
            if b"\0" not in data:
                yield data.decode("utf-8", "replace")


def main(argv: Sequence[str]) -> int:
    """Print how many queries each package yields, and one of them."""
    del argv
    for entry in sources():
        queries, _ = docstring_queries(entry.name, 1 << 20)
        print(f"{entry.name:<20} {entry.role:<7} {len(queries):>6}  {queries[0].text if queries else ''}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(()))
