"""Builds the development questions from packages that training never sees: `evalset.py ARCHIVES OUT.jsonl`.

A question is the first sentence of a definition's documentation; the candidates are definitions of the same package
with their documentation removed. One JSON object a line: {package, language, path, name, scope, query, text, nameless};
`query` is "" for candidates that are only there to be confused with, `nameless` is the text without the own name.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

from training.mine import Mined, definitions_of, fingerprint, first_sentence, is_useful
from zicoder.index.words import words_of

_CANDIDATES = 400
_QUESTIONS = 100
_FEWEST_CODE_WORDS = 14


def rows_of(archive: Path, package: str) -> list[dict[str, str]]:
    """Up to 400 candidates of one package, up to 100 of them with a question; the choice is fixed by their content."""
    mined = [item for item in definitions_of(archive) if len(item.code) >= _FEWEST_CODE_WORDS]
    mined.sort(key=lambda item: fingerprint(item.code))
    asked: list[tuple[Mined, str]] = []
    others: list[Mined] = []
    questions: set[str] = set()
    for item in mined:
        sentence = first_sentence(item.function.doc)
        mark = " ".join(words_of(sentence))
        if len(asked) < _QUESTIONS and is_useful(sentence) and mark not in questions:
            asked.append((item, sentence))
            questions.add(mark)
        elif mark not in questions:
            others.append(item)
    chosen = asked + [(item, "") for item in others[: _CANDIDATES - len(asked)]]
    return [_row(item, question, package) for item, question in chosen]


def _row(item: Mined, question: str, package: str) -> dict[str, str]:
    function = item.function
    return {
        "package": package,
        "language": item.language,
        "path": item.path,
        "name": function.name,
        "scope": function.scope,
        "query": " ".join(question.split()),
        "text": function.code,
        "nameless": re.sub(rf"\b{re.escape(function.name)}\b", "_", function.code),
    }


def main(archives: Path, out: Path) -> None:
    """Writes the questions of every package of the dev split."""
    corpus = tomllib.loads((Path(__file__).parent / "corpus.toml").read_text(encoding="utf-8"))["package"]
    with out.open("w", encoding="utf-8") as file:
        for package in corpus:
            if package["split"] == "dev":
                rows = rows_of(archives / package["file"], package["name"])
                file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
