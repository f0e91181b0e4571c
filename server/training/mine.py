"""Mines search pairs from the archives of the corpus: `mine.py ARCHIVES OUT`.

Writes one JSON object a line, already split into words:
`functions.jsonl` {package, split, language, path, name, scope, doc, code}, `comments.jsonl` {package, comment, block},
`calls.jsonl` {package, call, code}. Definitions that also occur in a package of `held/` are dropped: nothing that the
index is tuned or reported on may be trained on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.archives import sources_of
from training.functions import Function, functions_in
from zicoder.index.words import split_identifier, words_of

_LOG = logging.getLogger("mine")

# Packages on which the index is tuned or reported, by the directories that a vendored copy would stand in.
_HELD_TEXT = (
    "flask click httpx attr attrs express commander django rich scrapy aiohttp poetry networkx sqlalchemy "
    "fastify zod axios preact react-native better-sqlite3"
)
HELD = frozenset(_HELD_TEXT.split())
_MOST_CODE_WORDS = 300
_FEWEST_CODE_WORDS = 8
_MOST_PER_PACKAGE = 4000
_MOST_SAME_DOC = 3
_TAG = re.compile(
    r"^\s*(?:@(?!desc|summary)\w+|[:.]{1,2}\s*(?:param|return|type|raise|version|deprecated)\w*|-{3,}|={3,}|>>>)", re.M
)
_SECTION = re.compile(
    r"^\s*(?:Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?|Notes?|See Also|Usage)\s*:?\s*$", re.M
)
_LINK = re.compile(r"\{@\w+\s+([^}]*)\}|:\w+:`~?([^`<]*)[^`]*`|@(?:description|desc|summary|brief)\b|</?\w+>")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"(\[]|$)|\n\s*\n")
_COMMENT = re.compile(r"^\s*(?:#|//)\s?(.*)$")
_CALL = re.compile(r"\b([A-Za-z_]\w{3,})\(")
_NOISE = re.compile(r"todo|fixme|xxx|noqa|eslint|type:|pragma|license|copyright|deprecated|pylint|istanbul|@ts-", re.I)


@dataclass(frozen=True, slots=True)
class Mined:
    """A definition with the file that it came from."""

    path: str
    language: str
    function: Function
    code: list[str]


def prose_of(doc: str) -> str:
    """The descriptive part of a docstring: what stands before its first tag or section, links reduced to their text."""
    ends = [match.start() for pattern in (_TAG, _SECTION) if (match := pattern.search(doc))]
    prose = doc[: min(ends)] if ends else doc
    return _LINK.sub(lambda m: m[1] or m[2] or "", prose).strip()


def first_sentence(doc: str) -> str:
    """The first sentence of a docstring's prose."""
    return _SENTENCE_END.split(prose_of(doc), maxsplit=1)[0].strip()


def is_useful(doc: str) -> bool:
    """Whether a sentence says something that one could search for."""
    if _NOISE.search(doc) or not doc.isascii():
        return False
    words = [word for word in words_of(doc) if word.isalpha()]
    return 3 <= len(words) <= 60 and len(set(words)) >= 3


def fingerprint(words: list[str]) -> str:
    """Equal for definitions that differ in white space, case and punctuation alone."""
    return hashlib.sha1(" ".join(words).encode(), usedforsecurity=False).hexdigest()[:16]


def definitions_of(archive: Path, *, without: frozenset[str] = HELD) -> Iterator[Mined]:
    """Every definition of an archive that is long enough, once each; none from directories in `without`."""
    seen: set[str] = set()
    for source in sources_of(archive, without=without):
        for function in functions_in(source.text, source.language):
            code = words_of(function.code)[:_MOST_CODE_WORDS]
            mark = fingerprint(code)
            if len(code) >= _FEWEST_CODE_WORDS and mark not in seen:
                seen.add(mark)
                yield Mined(source.path, source.language, function, code)


def comments_of(code: str) -> Iterator[tuple[str, str]]:
    """(comment, the lines after it up to a blank line or the next comment) for the line comments of a definition."""
    lines = code.splitlines()
    at = 0
    while at < len(lines):
        comment: list[str] = []
        while at < len(lines) and (match := _COMMENT.match(lines[at])):
            comment.append(match[1])
            at += 1
        block: list[str] = []
        while comment and at < len(lines) and len(block) < 12 and lines[at].strip() and not _COMMENT.match(lines[at]):
            block.append(lines[at])
            at += 1
        text = " ".join(comment)
        if len(block) >= 2 and is_useful(text) and "(" not in text[-3:] and ";" not in text:
            yield text, "\n".join(block)
        if not comment:
            at += 1


def calls_of(mined: list[Mined]) -> Iterator[tuple[str, list[str]]]:
    """(line that calls, words of the definition), at most two calls a definition, for names defined once."""
    counts = Counter(item.function.name for item in mined)
    unique = {item.function.name: item for item in mined if counts[item.function.name] == 1}
    taken: Counter[str] = Counter()
    for caller in mined:
        for line in caller.function.code.splitlines()[1:]:
            for name in _CALL.findall(line):
                if name in unique and unique[name] is not caller and taken[name] < 2:
                    taken[name] += 1
                    yield f"{line} {caller.function.name}", unique[name].code


class Miner:
    """Writes what it finds in one archive after the other, without repeating a definition of an earlier one."""

    def __init__(self, out: Path, held: set[str]) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._files = {
            name: (out / f"{name}.jsonl").open("w", encoding="utf-8") for name in ("functions", "comments", "calls")
        }
        self._seen = held
        self._docs: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def mine(self, archive: Path, package: str, split: str) -> None:
        """Adds one archive."""
        mined = [item for item in definitions_of(archive) if fingerprint(item.code) not in self._seen]
        self._seen.update(fingerprint(item.code) for item in mined)
        # a fixed pseudo-random choice keeps large packages from drowning the small ones
        mined.sort(key=lambda item: fingerprint(item.code))
        taken: Counter[bool] = Counter()
        for item in mined:
            doc = item.function.doc if is_useful(first_sentence(item.function.doc)) else ""
            documented = bool(doc)
            if split == "train":
                self._docs[doc] += documented
                if taken[documented] >= _MOST_PER_PACKAGE or self._docs[doc] > _MOST_SAME_DOC:
                    continue
            taken[documented] += 1
            self._write_function(item, package, split, doc)
        if split == "train":
            self._write_extras(mined, package)

    def _write_function(self, item: Mined, package: str, split: str, doc: str) -> None:
        function = item.function
        first = first_sentence(doc)
        self._write(
            "functions",
            package=package,
            split=split,
            language=item.language,
            path=item.path,
            name=" ".join(split_identifier(function.name)),
            scope=" ".join(words_of(function.scope)),
            sentence=first,
            first=" ".join(words_of(first)),
            doc=" ".join(words_of(prose_of(doc))[:80]),
            code=" ".join(item.code),
        )

    def _write_extras(self, mined: list[Mined], package: str) -> None:
        comments = [pair for item in mined for pair in comments_of(item.function.code)]
        for text, block in comments[:_MOST_PER_PACKAGE]:
            self._write("comments", package=package, query=" ".join(words_of(text)), code=" ".join(words_of(block)))
        for call, code in list(calls_of(mined))[:_MOST_PER_PACKAGE]:
            self._write("calls", package=package, query=" ".join(words_of(call)[:40]), code=" ".join(code))

    def _write(self, kind: str, **values: str) -> None:
        self.counts[kind] += 1
        self._files[kind].write(json.dumps(values) + "\n")

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()


def main(archives: Path, out: Path) -> None:
    """Mines every package of corpus.toml."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    corpus = tomllib.loads((Path(__file__).parent / "corpus.toml").read_text(encoding="utf-8"))["package"]
    held = {
        fingerprint(item.code)
        for archive in sorted((archives / "held").iterdir())
        for item in definitions_of(archive, without=frozenset())
    }
    _LOG.info("%d definitions held out", len(held))
    miner = Miner(out, held)
    for package in sorted(corpus, key=lambda package: package["split"]):  # "dev" first: training drops its copies
        miner.mine(archives / package["file"], package["name"], package["split"])
        _LOG.info("%s %s", package["name"], dict(miner.counts))
    miner.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
