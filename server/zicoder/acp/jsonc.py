"""One value set in a JSON file that a person keeps: comments, trailing commas and every other character stay. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from zicoder.errors import InputError

__all__ = ["parsed", "with_value"]

_QUIET = re.compile(r'"(?:\\.|[^"\\])*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/[ \t]*)?(?=\r?\n)")
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Object:
    """Where an object of the text begins and ends, and the values of its members, [start, end)."""

    start: int
    end: int
    members: dict[str, tuple[int, int]]


def parsed(text: str) -> Any:
    """The value of a JSON text with comments; {} for one without any value. Raises InputError that names the line."""
    return _loaded(_plain(text))


def with_value(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with `value` at `path`, objects made where they are missing.

    Raises InputError where the text is no JSON, or something on the way is no object.
    """
    plain = _plain(text)
    if _loaded(plain) == {} and not plain.strip("\ufeff \t\r\n"):
        newline = _newline(text)
        comment = text if not text.strip("\ufeff") or text.endswith("\n") else text + newline
        return f"{comment}{_written(_nested(path, value), '', newline)}{newline}"
    at = next(number for number, c in enumerate(plain) if c not in "\ufeff \t\r\n")
    for depth, key in enumerate(path):
        if plain[at] != "{":
            raise InputError(f"`{'.'.join(path[:depth]) or 'the file'}` is no JSON object.")
        here = _object(plain, at)
        if key not in here.members:
            return _inserted(text, here, key, _nested(path[depth + 1 :], value))
        at, end = here.members[key]
        if depth + 1 == len(path):
            return text[:at] + _written(value, _indent(text, at), _newline(text)) + text[end:]
    return text


def _plain(text: str) -> str:
    """The text as strict JSON of the same length: spaces for comments and trailing commas."""

    def quiet(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else re.sub(r"[^\r\n]", " ", found[0])

    return _TRAILING.sub(quiet, _QUIET.sub(quiet, text))


def _loaded(plain: str) -> Any:
    bare = plain.replace("\ufeff", " ", 1) if plain.startswith("\ufeff") else plain
    if not bare.strip():
        return {}
    try:
        return json.loads(bare)
    except json.JSONDecodeError as error:
        raise InputError(f"Line {error.lineno} is not valid JSON ({error.msg}).") from None
    except RecursionError:
        raise InputError("It is nested too deeply.") from None


def _object(plain: str, start: int) -> _Object:
    """The object that begins at `start`, in a text that is known to be JSON. Of equal keys, the last counts."""
    members: dict[str, tuple[int, int]] = {}
    at = _skip(plain, start + 1)
    while plain[at] != "}":
        key, at = cast("tuple[str, int]", _DECODER.raw_decode(plain, at))
        at = _skip(plain, _skip(plain, at) + 1)
        begin = at
        _, at = _DECODER.raw_decode(plain, at)
        members[key] = begin, at
        at = _skip(plain, at)
        if plain[at] == ",":
            at = _skip(plain, at + 1)
    return _Object(start, at, members)


def _skip(plain: str, at: int) -> int:
    found = _SPACE.match(plain, at)
    return found.end() if found else at


def _inserted(text: str, here: _Object, key: str, value: Any) -> str:
    """A member put first into an object, on a line of its own."""
    newline, outer = _newline(text), _indent(text, here.start)
    inner = outer + "  "
    first = min((begin for begin, _ in here.members.values()), default=None)
    if first is not None and "\n" in text[here.start : first]:
        inner = _indent(text, first)
    member = f"{newline}{inner}{json.dumps(key, ensure_ascii=False)}: {_written(value, inner, newline)}"
    at = here.start + 1
    if rest := _REST_OF_LINE.match(text, at):
        at = rest.end()
    if here.members:
        member += ","
    elif not text[at : here.end].strip():
        return text[:at] + member + newline + outer + text[here.end :]
    return text[:at] + member + text[at:]


def _indent(text: str, at: int) -> str:
    """The white space at the beginning of the line."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _written(value: Any, indent: str, newline: str) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return f"{newline}{indent}".join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value
