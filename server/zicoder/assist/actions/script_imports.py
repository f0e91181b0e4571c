r"""Where a name of TypeScript or JavaScript can be imported from, and the edit that puts the import there.

The project's own imports come first, then what its files export. Files are read as text and within limits; nothing is
resolved as a compiler would: paths of `tsconfig.json` are followed only where another file already uses them.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zicoder.assist.actions.action import Index
from zicoder.text import Edit, Snapshot, common_prefix

__all__ = ["LANGUAGES", "ScriptImport", "script_candidates", "script_import_edit"]

LANGUAGES = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact"))
MOST = 6
MOST_FILES = 12
"""Files that are read for one name."""
MAX_BYTES = 400_000
HEAD_CHARS = 20_000
"""Of a text, in which its imports stand."""
_ENDINGS = {
    ".ts": ".js", ".tsx": ".js", ".mts": ".mjs", ".cts": ".cjs", ".js": ".js", ".jsx": ".jsx", ".mjs": ".mjs",
    ".cjs": ".cjs",
}  # fmt: skip
"""Of files with code, and what an import calls them that names endings."""
_IMPORT = re.compile(
    r"^import[ \t]+(?P<type>type[ \t]+(?!from\b))?(?P<clause>[^'\";]*?)\s*from[ \t]*(?P<quote>['\"])(?P<path>[^'\"\n]+)"
    r"(?P=quote)(?P<end>;?)", re.M,
)  # fmt: skip
_REQUIRE = re.compile(
    r"^(?:const|let|var)[ \t]+(?P<clause>\w+|\{[^}]*\})[ \t]*=[ \t]*require\([ \t]*(?P<quote>['\"])(?P<path>[^'\"\n]+)"
    r"(?P=quote)[ \t]*\)(?P<end>;?)", re.M,
)  # fmt: skip
_MADE = r"function\*?|class|const|let|var|interface|type|enum|const\s+enum|namespace"
_HEAD = re.compile(r"\ufeff?(?:#![^\n]*\n)?(?:\s*(?://[^\n]*\n|/\*.*?\*/[ \t]*\n|(['\"])use \w+\1;?[ \t]*\n))*", re.S)
_BRACES = re.compile(r"\{(?P<names>[^}]*)\}")


@dataclass(frozen=True, slots=True)
class ScriptImport:
    """`import { name } from "path"`, without braces for a default, and for types only where that is the style."""

    path: str
    name: str
    default: bool = False
    types: bool = False


async def script_candidates(name: str, snapshot: Snapshot, *, index: Index | None, root: Path | None) -> list[
    ScriptImport
]:  # fmt: skip
    """What to import for a name that is not defined, best first."""
    own = snapshot.path
    if index is None or root is None or own is None:
        return []
    users, symbols = await asyncio.gather(index.callers(name, 40), index.symbols(name, 60))
    using = [root / hit.path for hit in users if hit.language in LANGUAGES]
    types = {root / each.path for each in symbols if each.name == name and each.kind in ("interface", "type")}
    defining = [root / each.path for each in symbols if each.name == name and each.qualified in ("", name)]
    return await asyncio.to_thread(_found, name, snapshot, own, using, defining, types)


def _found(
    name: str, snapshot: Snapshot, own: Path, using: list[Path], defining: list[Path], types: set[Path]
) -> list[ScriptImport]:
    """Blocking."""
    style = _Style(snapshot, own)
    counted: Counter[ScriptImport] = Counter()
    for path in list(dict.fromkeys(each for each in using if each != own))[:MOST_FILES]:
        for each in _imports_of(_head(path), name):
            target = _target(path, each.path)
            if not each.path.startswith("."):
                counted[each] += 2
            elif target is not None and target != own:
                where = style.path_to(target)
                if where:
                    counted[ScriptImport(where, name, each.default, target in types and style.typed)] += 1
    found = dict.fromkeys(each for each, _ in counted.most_common())
    near = sorted(
        {each for each in defining if each != own and each.suffix in _ENDINGS and not each.name.endswith(".d.ts")},
        key=lambda path: (_distance(path, own), str(path)),
    )
    for path in near[:MOST_FILES]:
        way = _exported(_read(path), name)
        where = style.path_to(path) if way else ""
        if where and not any(each.path == where for each in found):
            found[ScriptImport(where, name, way == "default", path in types and style.typed)] = None
    return list(found)[:MOST]


def _imports_of(text: str, name: str) -> Iterator[ScriptImport]:
    for pattern in (_IMPORT, _REQUIRE):
        for match in pattern.finditer(text):
            braces = _BRACES.search(match["clause"])
            listed = [each.strip().removeprefix("type ") for each in braces["names"].split(",")] if braces else []
            if name in listed:
                yield ScriptImport(match["path"], name)
            elif re.match(rf"{re.escape(name)}\s*(?:,|$)", match["clause"]):
                yield ScriptImport(match["path"], name, default=True)


def _exported(text: str, name: str) -> str:
    """How a file shows a name: "named", "default", or "" for not at all."""
    word = re.escape(name)
    before = r"(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    if re.search(rf"^export\s+{before}(?:{_MADE})\s+{word}\b", text, re.M):
        return "named"
    if re.search(rf"^export\s+default\s+(?:{before}(?:function\*?|class)\s+)?{word}\b", text, re.M):
        return "default"
    if re.search(rf"^(?:module\.)?exports\.{word}\s*=", text, re.M):
        return "named"
    if re.search(rf"^module\.exports\s*=\s*(?:(?:async\s+)?(?:function|class)\s+)?{word}\b", text, re.M):
        return "default"
    for match in re.finditer(r"^(?:export|module\.exports\s*=)\s*(?:type\s*)?\{([^}]*)\}(?!\s*from)", text, re.M):
        if name in [each.split(" as ")[-1].partition(":")[0].strip() for each in match[1].split(",")]:
            return "named"
    return ""


class _Style:
    """How the file writes paths."""

    def __init__(self, snapshot: Snapshot, own: Path) -> None:
        head = snapshot.text[:HEAD_CHARS]
        paths = [match["path"] for pattern in (_IMPORT, _REQUIRE) for match in pattern.finditer(head)]
        relative = [path for path in paths if path.startswith(".")]
        ending = next((Path(path).suffix for path in relative if Path(path).suffix in _ENDINGS), "")
        self.typed = re.search(r"^import\s+type\b", head, re.M) is not None
        self._own = own
        self._package = _package_of(own)
        self._endings = bool(ending) or (not relative and own.suffix in (".mjs", ".js") and _is_module(self._package))
        self._source = ending in (".ts", ".tsx", ".mts")

    def path_to(self, target: Path) -> str:
        """The path that an import names a file by, "" for a file of another package."""
        if _package_of(target) != self._package or "node_modules" in target.parts:
            return ""
        path = Path(os.path.relpath(target, self._own.parent)).as_posix()
        stem = path.removesuffix(target.suffix)
        if self._endings:
            path = stem + (target.suffix if self._source else _ENDINGS.get(target.suffix, target.suffix))
        else:
            path = stem
            if target.stem == "index":
                path = stem.removesuffix("index").rstrip("/") or "."
        return path if path.startswith(".") else f"./{path}"


def _package_of(path: Path) -> Path | None:
    """The folder of the nearest package.json."""
    for folder in list(path.parents)[:12]:
        if (folder / "package.json").is_file():
            return folder
    return None


def _is_module(package: Path | None) -> bool:
    return package is not None and re.search(r'"type"\s*:\s*"module"', _read(package / "package.json")) is not None


def _target(path: Path, imported: str) -> Path | None:
    """The file of the project that a relative import in `path` means."""
    if not imported.startswith("."):
        return None
    base = Path(os.path.normpath(path.parent / imported))
    sources = [base.with_suffix(suffix) for suffix, named in _ENDINGS.items() if base.suffix in (suffix, named)]
    tries: Iterable[Path] = (
        *sources, *(base.with_name(base.name + suffix) for suffix in _ENDINGS), *(base / f"index{s}" for s in _ENDINGS)
    )  # fmt: skip
    return next((each for each in tries if each.is_file()), None)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _head(path: Path) -> str:
    return _read(path)[:HEAD_CHARS]


def _distance(path: Path, own: Path) -> int:
    aside = 100 if re.search(r"(?:^|[./])(?:tests?|specs?|__tests__|__mocks__)(?:[./]|$)", path.as_posix()) else 0
    shared = common_prefix(path.parent.parts, own.parent.parts)
    return aside + len(path.parent.parts) + len(own.parent.parts) - 2 * shared


def script_import_edit(snapshot: Snapshot, wanted: ScriptImport) -> tuple[Edit, str]:
    """The edit that adds an import, and the statement or the name that it adds, for a title."""
    text = snapshot.text
    imports = list(_IMPORT.finditer(text, 0, HEAD_CHARS))
    requires = [] if imports else list(_REQUIRE.finditer(text, 0, HEAD_CHARS))
    known = imports or requires
    for match in known:
        if match["path"] == wanted.path and not wanted.default:
            added = _added(snapshot, match, wanted)
            if added is not None:
                return added, f'{wanted.name} to the import of "{wanted.path}"'
    line = _statement(snapshot, known, wanted, required=bool(requires))
    newline = snapshot.newline
    relative = wanted.path.startswith(".")
    before = [match for match in known if relative or not match["path"].startswith(".")]
    if before:
        at = before[-1].end()
        at = text.index("\n", at) + 1 if "\n" in text[at:] else len(text)
        gap = "" if text[at - 1 : at] == "\n" else newline
        return Edit(at, at, f"{gap}{line}{newline}"), line
    if known:
        at = known[0].start()
        return Edit(at, at, f"{line}{newline}"), line
    at = _free(text)
    blank = newline if text[at : at + 1] not in ("", "\n", "\r") else ""
    return Edit(at, at, f"{line}{newline}{blank}"), line


def _added(snapshot: Snapshot, match: re.Match[str], wanted: ScriptImport) -> Edit | None:
    """The name among those of a statement that is there."""
    clause, start = match["clause"], match.start("clause")
    only_types = "type" in match.re.groupindex and bool(match["type"])
    if only_types and not wanted.types:
        return None
    braces = _BRACES.search(clause)
    if braces is None:
        if not re.fullmatch(r"\w+", clause) or only_types or match.re is _REQUIRE:
            return None
        return Edit(start + len(clause), start + len(clause), f", {{ {wanted.name} }}")
    names = braces["names"]
    if "//" in names or "/*" in names:
        return None
    written = names.rstrip()
    at = start + braces.start("names") + len(written)
    if not written:
        return Edit(at, start + braces.end("names"), f" {wanted.name} ")
    lead = re.search(r"[\r\n]+[ \t]*", names)
    gap = lead[0] if lead else " "
    comma = written.endswith(",")
    return Edit(at, at, f"{'' if comma else ','}{gap}{wanted.name}{',' if comma else ''}")


def _statement(snapshot: Snapshot, known: list[re.Match[str]], wanted: ScriptImport, *, required: bool) -> str:
    text = snapshot.text[:HEAD_CHARS]
    quote = known[-1]["quote"] if known else '"' if text.count('"') > text.count("'") else "'"
    ends = text.count(";\n") + text.count(";\r")
    end = known[-1]["end"] if known else ";" if ends > len(snapshot.lines) // 20 else ""
    what = wanted.name if wanted.default else f"{{ {wanted.name} }}"
    if required:
        return f"const {what} = require({quote}{wanted.path}{quote}){end}"
    return f"import {'type ' if wanted.types else ''}{what} from {quote}{wanted.path}{quote}{end}"


def _free(text: str) -> int:
    """Behind the comments and directives at the top."""
    head = _HEAD.match(text[:HEAD_CHARS])
    return head.end() if head else 0
