"""Whether a text at the cursor makes Python that parses, by Python's own parser.

The grammar that other languages are judged by takes far too much for Python: `x =` and a line break, a header without
a body, any indentation. Owns what may still be missing of a statement that is being typed.
"""

from __future__ import annotations

import ast
import re
import warnings

from zicoder.complete.hole import Hole, indent_of, indent_width
from zicoder.complete.mended import Judge, Mended
from zicoder.complete.region import Region, member_around
from zicoder.text import LINE_END

__all__ = ["python_judge"]

SMALL_REGION = 3_000
"""Characters of a statement up to which it is parsed whole, rather than the function in it alone: some 1 ms."""
FILLERS = (
    *("", "x", "pass", "x:", ":", "x():", "x in x:", "in x:", "import x", "x import x", "def x():", "else x"),
    *("x,", ",", "x)", "x):", "x),", "x]", "x: x,", "):", ")"),
)
"""What can stand at a cursor, at the least: one of these makes the code parse, or nothing does."""
REST_OF_HEADER = (": pass", "(): pass", " in x: pass", "\npass")
"""What may be missing of a header that was begun before the cursor and has no body below."""

_OPEN_TRY = re.compile(r"[ \t]*try[ \t]*:")


def python_judge(hole: Hole, statement: Region, text: str) -> Judge | None:
    """A judge for this place; None when the code around it does not parse whatever stands here.

    `statement` is the code around the hole (see `region.statement_around`), `text` what is to be judged: when it
    parses, nothing else need be found out.
    """
    regions = [statement]
    if len(statement.before) + len(statement.after) > SMALL_REGION and (member := member_around(hole)):
        regions.insert(0, member)
    for region in regions:
        if judge := _judge_in(hole, region, text):
            return judge
    return None


def _judge_in(hole: Hole, region: Region, text: str) -> Judge | None:
    mended = Mended(hole, region)

    def parses(part: str, tails: tuple[str, ...]) -> bool:
        return any(_parses(code) for tail in tails for code in mended.insert(part, tail))

    open_try = _end_of_try(hole)
    tails = ("", open_try) if open_try else ("",)
    bodies = _bodies(hole)
    if parses(text, tails):
        return lambda part: part == text or parses(part, tails)
    closing_quote = mended.string_at_cursor
    if not any(parses(filler, tails) for filler in (*FILLERS, closing_quote)):
        bodies += REST_OF_HEADER
        if not parses("x", REST_OF_HEADER):
            return None

    def judge(part: str) -> bool:
        same_statement = _is_one_line(part) or mended.within_brackets(part)
        return parses(part, tails) or (same_statement and parses(part, bodies))

    return judge


def _is_one_line(text: str) -> bool:
    return sum(1 for line in LINE_END.split(text) if line.strip()) == 1


def _bodies(hole: Hole) -> tuple[str, ...]:
    """What completes a line that is the header of a block, or a decorator."""
    indent = indent_of(hole.line_before)
    body = f"\n{indent} pass"
    return (body, f"{body}\n{indent}finally: pass", f"\n{indent} case _: pass", f"\n{indent}def x(): pass")


def _end_of_try(hole: Hole) -> str:
    """What completes the innermost `try` around the cursor, "" when there is none near."""
    width = indent_width(hole.line_before) if hole.line_before else 1_000
    for line in hole.lines_above(100):
        if indent_width(line) < width:
            width = indent_width(line)
            if _OPEN_TRY.match(line):
                return f"\n{indent_of(line)}finally: pass"
    return ""


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
