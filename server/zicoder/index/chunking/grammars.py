"""The table of languages: which grammar wheel reads each, and how its pieces are sized.

What a definition looks like is data too: `queries/NAME.scm`, a tree-sitter query whose captures `definitions.py`
explains. A grammar is imported when its first file is met, never before.
"""

# The grammar wheels carry no types: what they give looks like the integer of old versions.
# pyright: reportDeprecated=false

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files

from tree_sitter import Language, Query

from zicoder.index.types import Kind

__all__ = ["GRAMMARS", "Grammar", "load"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one language is read."""

    wheel: str
    """The module that carries the grammar; missing, the language is read in windows."""
    query: str
    """The file in `queries/`, without its ending."""
    family: str = ""
    """Another file there, of patterns that related languages share."""
    entry: str = "language"
    """The function of `wheel` that gives the grammar."""
    keep: int = 3
    """A definition of this many lines always has a chunk of its own; smaller neighbours are merged."""
    loose: Kind = Kind.MODULE
    """What the lines outside any definition are."""
    dialect: tuple[re.Pattern[str], str] | None = None
    """A sign in the text that it is really the other language, and that language."""
    too_deep: Callable[[str], object] | None = None
    """Whether a text is nested deeper than the grammar can bear, judged from the text alone."""


def _tags_left_open(text: str) -> bool:
    # The grammar takes quadratic time over the depth of elements.
    return text.count("<") - 2 * text.count("</") - text.count("/>") > _MOST_OPEN_TAGS


_MOST_OPEN_TAGS = 2_000

# The grammar for YAML crashes the process from 250 levels on: each needs a column more than the one around it.
_DEEP_YAML = re.compile(r"^[\ufeff \t?:-]{150}", re.M)

_CPP_SIGNS = re.compile(
    r"^[ \t]*(?:template[ \t]*<|namespace\b|using[ \t]+\w|class[ \t]+\w[^;\n]*$|(?:public|private|protected)[ \t]*:)",
    re.M,
)

_DATA = Kind.SECTION

GRAMMARS: dict[str, Grammar] = {
    "c": Grammar("tree_sitter_c", "c", dialect=(_CPP_SIGNS, "cpp")),
    "cpp": Grammar("tree_sitter_cpp", "cpp"),
    "csharp": Grammar("tree_sitter_c_sharp", "csharp"),
    "css": Grammar("tree_sitter_css", "css", keep=10, loose=_DATA),
    "go": Grammar("tree_sitter_go", "go"),
    "html": Grammar("tree_sitter_html", "html", keep=10, loose=_DATA, too_deep=_tags_left_open),
    "java": Grammar("tree_sitter_java", "java"),
    "javascript": Grammar("tree_sitter_javascript", "javascript", family="ecmascript"),
    "javascriptreact": Grammar("tree_sitter_javascript", "javascript", family="ecmascript"),
    "json": Grammar("tree_sitter_json", "json", keep=6, loose=_DATA),
    "jsonc": Grammar("tree_sitter_json", "json", keep=6, loose=_DATA),
    "kotlin": Grammar("tree_sitter_kotlin", "kotlin"),
    "markdown": Grammar("tree_sitter_markdown", "markdown", keep=4, loose=_DATA),
    "php": Grammar("tree_sitter_php", "php", entry="language_php"),
    "python": Grammar("tree_sitter_python", "python"),
    "ruby": Grammar("tree_sitter_ruby", "ruby"),
    "rust": Grammar("tree_sitter_rust", "rust"),
    "scala": Grammar("tree_sitter_scala", "scala"),
    "scss": Grammar("tree_sitter_css", "css", keep=10, loose=_DATA),
    "shellscript": Grammar("tree_sitter_bash", "shellscript"),
    "sql": Grammar("tree_sitter_sql", "sql"),
    "swift": Grammar("tree_sitter_swift", "swift"),
    "toml": Grammar("tree_sitter_toml", "toml", keep=6, loose=_DATA),
    "typescript": Grammar("tree_sitter_typescript", "typescript", family="ecmascript", entry="language_typescript"),
    "typescriptreact": Grammar("tree_sitter_typescript", "typescript", family="ecmascript", entry="language_tsx"),
    "yaml": Grammar("tree_sitter_yaml", "yaml", keep=6, loose=_DATA, too_deep=_DEEP_YAML.search),
}


@cache
def load(grammar: Grammar) -> tuple[Language, Query]:
    """The grammar and its compiled query. Raises ImportError when the wheel is not installed."""
    language = Language(getattr(import_module(grammar.wheel), grammar.entry)())
    queries = files("zicoder.index.chunking").joinpath("queries")
    names = filter(None, (grammar.family, grammar.query))
    return language, Query(language, "\n".join(queries.joinpath(f"{n}.scm").read_text(encoding="utf-8") for n in names))
