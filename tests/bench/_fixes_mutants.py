"""Mistakes of people who type, put into sound Python or TypeScript one at a time.

Each is an edit of a whole text; none says what a checker will make of it. Logic mistakes that no checker sees (off by
one, a missing return) are those of `_repair_mutants`.
"""

from __future__ import annotations

import ast
import io
import keyword
import random
import re
import tokenize
from collections.abc import Callable, Iterator

from tests.bench._repair_mutants import Mutation, functions, mutations

from zicoder.index.chunking.tokens import tokens_of

__all__ = ["PYTHON_KINDS", "TYPESCRIPT_KINDS", "python_mutations", "typescript_mutations"]

PYTHON_KINDS = (
    "undefined name", "wrong attribute", "argument count", "wrong keyword", "missing import", "unclosed bracket",
    "indentation", "missing return", "off by one",
)  # fmt: skip
TYPESCRIPT_KINDS = ("unclosed bracket", "extra bracket", "missing comma", "misspelt keyword")
_CLOSING = ")]}"


def python_mutations(source: str, kind: str, chance: random.Random) -> list[Mutation]:
    """Every mistake of a kind in a text, in an order that `chance` decides. Those that change nothing are left out."""
    tree = ast.parse(source)
    made = list(_PYTHON[kind](source, tree, chance))
    chance.shuffle(made)
    return made


def typescript_mutations(source: str, kind: str, chance: random.Random) -> list[Mutation]:
    """The same for TypeScript and JavaScript: mistakes of syntax only."""
    tokens = tokens_of(source, "typescript") or []
    made: list[Mutation] = []
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if kind == "unclosed bracket" and token.kind in _CLOSING:
            made.append(Mutation(kind, token.start, token.end, ""))
        elif kind == "extra bracket" and token.kind in _CLOSING:
            made.append(Mutation(kind, token.end, token.end, token.text))
        elif kind == "missing comma" and token.kind == "," and after.kind not in _CLOSING and before.kind not in "([{":
            made.append(Mutation(kind, token.start, token.end, ""))
        elif kind == "misspelt keyword" and token.kind == token.text and token.text.isalpha() and len(token.text) > 4:
            made.append(Mutation(kind, token.start, token.end, misspelt(token.text, chance)))
    chance.shuffle(made)
    return made


def misspelt(name: str, chance: random.Random) -> str:
    """As fingers do it: two letters swapped, one left out, one twice, or a neighbour's."""
    while True:
        at = chance.randrange(1, len(name))
        made = chance.choice(
            (
                name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
                name[:at] + name[at + 1 :],
                name[:at] + name[at] + name[at:],
                name[:at] + chance.choice("aeionrst") + name[at + 1 :],
            )
        )
        if made != name and made.isidentifier() and not keyword.iskeyword(made):
            return made


Maker = Callable[[str, ast.Module, random.Random], Iterator[Mutation]]


def _names(source: str, tree: ast.Module, chance: random.Random) -> Iterator[Mutation]:
    words = set(re.findall(r"\w+", source))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and len(node.id) > 3:
            wrong = misspelt(node.id, chance)
            if wrong not in words:
                start, end = _span(source, node)
                yield Mutation("undefined name", start, end, wrong)


def _attributes(source: str, tree: ast.Module, chance: random.Random) -> Iterator[Mutation]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and len(node.attr) > 3:
            end = _span(source, node)[1]
            wrong = misspelt(node.attr, chance)
            if not re.search(rf"\b{wrong}\b", source):
                yield Mutation("wrong attribute", end - len(node.attr), end, wrong)


def _counts(source: str, tree: ast.Module, _: random.Random) -> Iterator[Mutation]:
    """Calls of what the file itself defines or a class of it: an argument is left out, or one is given twice."""
    own = {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or any(isinstance(a, ast.Starred) for a in node.args):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called not in own:
            continue
        start, end = _span(source, node.args[-1])
        yield Mutation("argument count", end, end, f", {source[start:end]}")
        if len(node.args) > 1:
            yield Mutation("argument count", _span(source, node.args[-2])[1], end, "")


def _keywords(source: str, tree: ast.Module, chance: random.Random) -> Iterator[Mutation]:
    for node in ast.walk(tree):
        for each in node.keywords if isinstance(node, ast.Call) else ():
            if each.arg and len(each.arg) > 3:
                start = _span(source, each)[0]
                yield Mutation("wrong keyword", start, start + len(each.arg), misspelt(each.arg, chance))


def _imports(source: str, tree: ast.Module, _: random.Random) -> Iterator[Mutation]:
    """A name that is used is no longer imported. Imports inside of `if` and `try` stay."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or getattr(node, "module", "") == "__future__":
            continue
        start, end = _span(source, node)
        for at, alias in enumerate(node.names):
            if (alias.asname or alias.name.partition(".")[0]) not in used:
                continue
            if len(node.names) == 1:
                yield Mutation("missing import", start, end + (source[end : end + 1] == "\n"), "")
            elif at + 1 < len(node.names):
                yield Mutation("missing import", _span(source, alias)[0], _span(source, node.names[at + 1])[0], "")
            else:
                yield Mutation("missing import", _span(source, node.names[at - 1])[1], _span(source, alias)[1], "")


def _brackets(source: str, _: ast.Module, __: random.Random) -> Iterator[Mutation]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.OP and token.string in _CLOSING:
            at = starts[token.start[0] - 1] + token.start[1]
            yield Mutation("unclosed bracket", at, at + 1, "")


def _indentation(source: str, tree: ast.Module, chance: random.Random) -> Iterator[Mutation]:
    """One line stands one step or one space aside; only where Python then cannot read the file."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = sorted({node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)})
    for line in chance.sample(lines, min(len(lines), 60)):
        start = starts[line - 1]
        width = len(source[start : starts[line]]) - len(source[start : starts[line]].lstrip(" "))
        by = chance.choice((-4, -1, 1, 4))
        made = Mutation("indentation", start, start + width, " " * (width + by))
        if width + by >= 0 and not _parses(made.apply(source)):
            yield made


def _logic(kind: str) -> Maker:
    def make(source: str, _: ast.Module, __: random.Random) -> Iterator[Mutation]:
        for function in functions(source):
            yield from (each for each in mutations(source, function.node) if each.kind == kind)

    return make


_PYTHON: dict[str, Maker] = {
    "undefined name": _names, "wrong attribute": _attributes, "argument count": _counts, "wrong keyword": _keywords,
    "missing import": _imports, "unclosed bracket": _brackets, "indentation": _indentation,
    "missing return": _logic("missing return"), "off by one": _logic("off by one"),
}  # fmt: skip


def _span(source: str, node: ast.AST) -> tuple[int, int]:
    """[start, end) of a node in code points."""
    lines = source.splitlines(keepends=True)
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    before = len("".join(lines[: first - 1]))
    until = len("".join(lines[: last - 1]))
    start = len(lines[first - 1].encode()[: getattr(node, "col_offset", 0)].decode())
    return before + start, until + len(lines[last - 1].encode()[: getattr(node, "end_col_offset", 0)].decode())


def _parses(text: str) -> bool:
    try:
        compile(text, "<text>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
