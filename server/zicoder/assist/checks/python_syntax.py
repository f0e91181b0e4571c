"""What Python's own compiler says of a text. Nothing of the text is run. For the checks' process."""

from __future__ import annotations

import re
import warnings

from zicoder.text import LineIndex

__all__ = ["compile_error", "is_sure"]

_SURE = re.compile(
    r"unexpected indent|expected an indented block|unindent does not match|inconsistent use of tabs|outside function"
    r"|outside loop|not properly in loop|Missing parentheses in call|cannot assign to|cannot delete|was never closed"
    r"|unmatched '|does not match opening|follows keyword|repeated|duplicate argument|expected ':'|leading zeros"
    r"|invalid character|invalid non-printable|global declaration|is parameter and|non-default argument"
    r"|NUL byte|future feature .* is not defined|must occur at the beginning",
    re.IGNORECASE,
)
"""What is wrong in every version of the language, whichever the project is written for."""
_LONGEST = 80


def compile_error(text: str) -> tuple[int, int, str] | None:
    """The first syntax error as (start, end, message), offsets in code points; None for sound code."""
    code = text.removeprefix("\ufeff")
    shift = len(text) - len(code)
    if (nul := code.find("\0")) >= 0:
        return nul + shift, nul + shift + 1, "Python source must not contain a NUL byte."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<text>", "exec", dont_inherit=True)
    except SyntaxError as error:
        start, end = _place(code, error)
        return start + shift, end + shift, _sentence(error)
    except (ValueError, MemoryError, RecursionError, OverflowError):
        return None  # nested deeper than Python can say
    return None


def is_sure(message: str) -> bool:
    """Whether this is wrong in every version of Python."""
    return _SURE.search(message) is not None


def _sentence(error: SyntaxError) -> str:
    message = (error.msg or "invalid syntax").strip()
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "?")) else ".")


def _place(code: str, error: SyntaxError) -> tuple[int, int]:
    """The place as offsets, on one line. Python counts from 1, columns in code points."""
    lines = LineIndex(code)
    line = min(max(1, error.lineno or 1), len(lines)) - 1
    first, last = lines.start(line), lines.content_end(line)
    start = min(last, first + max(0, (error.offset or 1) - 1))
    end = start
    if error.end_lineno == error.lineno and error.end_offset and error.end_offset > 0:
        end = min(last, first + error.end_offset - 1)
    elif error.end_lineno and error.end_lineno > (error.lineno or 1):
        end = last
    if end <= start:
        end = min(last, start + 1)
    if end <= start:  # at the end of a line: show its last word
        start = max(first, last - 1)
        end = max(last, start)
    return start, min(end, start + _LONGEST)
