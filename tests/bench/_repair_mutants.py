"""Small mistakes that can be put into a Python function, one at a time, as edits of its text.

Each is of a kind that people make. Pure: whether a test notices one is found out elsewhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["KINDS", "Function", "Mutation", "functions", "mutations"]

FEWEST, MOST = 5, 40
"""Lines of a function, its docstring included."""

KINDS = (
    "comparison", "off by one", "operator", "and/or", "missing not", "swapped operands", "swapped arguments",
    "wrong variable", "missing return", "dropped condition", "wrong constant", "dropped statement",
)  # fmt: skip

_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "//"), ast.FloorDiv: ("//", "%"),
    ast.Mod: ("%", "//"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a module or a method of one of its classes."""

    name: str
    """`Class.method` for a method."""
    line: int
    """One-based, of `def`."""
    first: int
    """One-based, of its first decorator."""
    last: int
    node: ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Mutation:
    """One edit of a module's text: characters [start, end) become `text`."""

    kind: str
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


def functions(source: str) -> list[Function]:
    """The functions of a length that a person mends at a glance."""
    found: list[Function] = []
    for owner, nodes in _scopes(ast.parse(source)):
        for node in nodes:
            if not isinstance(node, ast.FunctionDef):
                continue
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            last = node.end_lineno or node.lineno
            if FEWEST <= last - first + 1 <= MOST:
                found.append(Function(f"{owner}{node.name}", node.lineno, first, last, node))
    return found


def _scopes(module: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    yield "", module.body
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield f"{node.name}.", node.body


def mutations(source: str, function: ast.FunctionDef) -> list[Mutation]:
    """Every mistake that can be made in a function, in the order of its text. Those that do not parse are left out."""
    work = _Work(source)
    found: dict[tuple[int, int, str], Mutation] = {}
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    names = _names(function)
    for statement in body:
        for node in ast.walk(statement):
            for kind, start, end, text in work.of(node, names):
                if source[start:end] != text and _parses(Mutation(kind, start, end, text).apply(source)):
                    found[start, end, text] = Mutation(kind, start, end, text)
    return [found[key] for key in sorted(found)]


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _names(function: ast.FunctionDef) -> list[str]:
    """The parameters and local variables, in the order of their appearance."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return [name for name in dict.fromkeys(names + stored) if name not in {"self", "cls", "_"}]


_Found = tuple[str, int, int, str]


class _Work:
    """Finds mistakes in one source by its nodes."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno or 0, node.end_col_offset or 0)

    def text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def of(self, node: ast.AST, names: list[str]) -> Iterator[_Found]:
        match node:
            case ast.Compare():
                yield from self._comparison(node)
            case ast.BinOp():
                yield from self._operation(node)
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _OPERATORS:
                yield from self._between("operator", target, value, *(f"{sign}=" for sign in _OPERATORS[type(op)]))
            case ast.BoolOp(values=[first, second, *_]):
                yield from self._condition(node, first, second)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield "missing not", *self.span(node), self.text(operand)
            case ast.Constant():
                yield from self._constant(node)
            case ast.Name(id=name, ctx=ast.Load()) if name in names and len(names) > 1:
                yield "wrong variable", *self.span(node), names[(names.index(name) + 1) % len(names)]
            case ast.Call(args=[ast.Name() | ast.Attribute() as a, ast.Name() | ast.Attribute() as b, *_]):
                yield "swapped arguments", self.span(a)[0], self.span(b)[1], f"{self.text(b)}, {self.text(a)}"
            case ast.stmt():
                yield from self._statement(node)
            case _:
                pass

    def _statement(self, node: ast.stmt) -> Iterator[_Found]:
        match node:
            case ast.If(test=ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not())):
                pass
            case ast.If(test=test) | ast.While(test=ast.Name() as test):
                yield "missing not", *self.span(test), f"not {self.text(test)}"
            case ast.Return(value=ast.Constant()):
                pass
            case ast.Return(value=ast.expr() as value):
                yield "missing return", *self.span(node), self.text(value)
            case ast.Assign() | ast.Expr(value=ast.Call()) | ast.Continue() | ast.Break():
                yield "dropped statement", *self.span(node), "pass"
            case _:
                pass

    def _comparison(self, node: ast.Compare) -> Iterator[_Found]:
        left, right, sign = node.left, node.comparators[0], _COMPARED[type(node.ops[0])]
        yield from self._between("comparison", left, right, *sign)
        if sign[0] in {"<", "<=", ">", ">="}:
            yield from self._between("comparison", left, right, sign[0], sign[0].translate(str.maketrans("<>", "><")))

    def _operation(self, node: ast.BinOp) -> Iterator[_Found]:
        left, right = self.text(node.left), self.text(node.right)
        if (sign := _OPERATORS.get(type(node.op))) is None:
            return
        yield from self._between("operator", node.left, node.right, *sign)
        if isinstance(node.op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)) and not isinstance(node.left, ast.Constant):
            between = self.source[self.span(node.left)[1] : self.span(node.right)[0]]
            simple = isinstance(node.left, (ast.Name, ast.Call, ast.Attribute))
            if simple and isinstance(node.right, (ast.Name, ast.Call, ast.Attribute)):
                yield ("swapped operands", *self.span(node), right + between + left)
        if isinstance(node.op, (ast.Add, ast.Sub)) and right == "1":
            yield ("off by one", *self.span(node), left)

    def _condition(self, node: ast.BoolOp, first: ast.expr, second: ast.expr) -> Iterator[_Found]:
        words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield from self._between("and/or", first, second, *words)
        if len(node.values) == 2:
            yield ("dropped condition", *self.span(node), self.text(first))
            yield ("dropped condition", *self.span(node), self.text(second))

    def _constant(self, node: ast.Constant) -> Iterator[_Found]:
        start, end = self.span(node)
        match node.value:
            case bool():
                yield "wrong constant", start, end, str(not node.value)
            case int() if abs(node.value) < 1000 and self.source[start:end].isdigit():
                yield "off by one", start, end, str(node.value + 1)
                if node.value > 0:
                    yield "off by one", start, end, str(node.value - 1)
            case None:
                yield "wrong constant", start, end, "0"
            case str() if self.source[start:end] in {"''", '""', "' '", '" "'}:
                quote = self.source[start]
                yield "wrong constant", start, end, f"{quote}{'' if node.value else ' '}{quote}"
            case _:
                pass

    def _between(self, kind: str, left: ast.expr, right: ast.expr, sign: str, other: str) -> Iterator[_Found]:
        start, end = self.span(left)[1], self.span(right)[0]
        pattern = r"\s+".join(map(re.escape, sign.split()))
        if found := re.search(rf"(?<![\w<>=!]){pattern}(?![\w<>=])", self.source[start:end]):
            yield kind, start + found.start(), start + found.end(), other

    def _at(self, line: int, column: int) -> int:
        """The offset of a place as `ast` gives it: columns are bytes of UTF-8."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())
