"""Which lines open a block, close one, or only describe what follows, judged from one line alone.

A line is all that is looked at, because half-written code has nothing more to offer: no grammar, no
tree. What a wrong answer costs is a suggestion that is a line too short or too long.
"""

from __future__ import annotations

import re

from zicoder.complete.syntax import Lexer, syntax_of

__all__ = ["MARKUP", "closer_of", "describes_next", "holds_definitions", "line_key", "opens_block"]

MARKUP = frozenset({"html", "xml", "svelte", "vue", "javascriptreact", "typescriptreact"})
"""Languages in which a tag opens a block."""

_PYTHON_HEADER = re.compile(
    r"\s*(?:(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b|[)\]}])"
)
_WORD_OPENER = re.compile(r"(?:^|[\s;)])(?:do|then|begin)(?:\s*\|[^|]*\|)?$")
_LONE_ELSE = re.compile(r"(?:^|[\s}])else$")
_RUBY_HEADER = re.compile(r"\s*(?:def|class|module|if|elsif|unless|while|until|case|when|begin|rescue|ensure)\b")
_LUA_HEADER = re.compile(r".*\bfunction\b[^()]*\([^()]*\)$")
_YAML_KEY = re.compile(r"\s*(?:- +)*(?:[\w./-]+|\"[^\"]*\"|'[^']*'):(?:\s+[|>][+-]?)?$")
_SWITCH_LABEL = re.compile(r"\s*(?:case\b.*|default\s*):$")
_OPEN_TAG = re.compile(r"(?:^|[\s(>{])<([A-Za-z][\w:.-]*)(?:\s[^<>]*)?(?<!/)>$")
_VOID_TAGS = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_CLOSER = re.compile(r"[)\]}]|</\s*[\w:.-]*|(?:end|fi|done|esac)\b")
_CONTAINER = re.compile(
    r"\b(?:class|interface|impl|struct|enum|trait|namespace|module|mod|record|object|extension|protocol)\b"
)
_ANNOTATION = re.compile(r"\s*(?:@[A-Za-z_][\w.]*(?:\(.*\))?|#!?\[.*\]|\[[A-Z]\w*(?:\(.*\))?\])$")
_COMMENT_LINE = {
    "python": ("#",),
    "yaml": ("#",),
    "ruby": ("#",),
    "shellscript": ("#",),
    "sql": ("--",),
    "lua": ("--",),
}
_SPACE = re.compile(r"\s+")


def line_key(line: str) -> str:
    """A line without its white space, for comparisons that only the code should decide."""
    return _SPACE.sub("", line)


def opens_block(line: str, language: str) -> bool:
    """Whether the lines after this one are expected to stand deeper than it."""
    code = _code_of(line, language)
    if not code:
        return False
    if code.endswith(("{", "(", "[")):
        return True
    if language == "python":
        return code.endswith(":") and _PYTHON_HEADER.match(code) is not None
    if language == "yaml":
        return _YAML_KEY.match(code) is not None
    if language in MARKUP and (tag := _OPEN_TAG.search(code)):
        return tag.group(1).lower() not in _VOID_TAGS
    if language == "ruby" and _RUBY_HEADER.match(code):
        return not re.search(r"\bend$", code)
    if language == "lua" and _LUA_HEADER.match(code):
        return True
    if _SWITCH_LABEL.match(code):
        return True
    return bool(_WORD_OPENER.search(code) or _LONE_ELSE.search(code))


def _code_of(line: str, language: str) -> str:
    """The line without a comment at its end; "" when it ends within a string or a long comment."""
    lexer = Lexer(syntax_of(language))
    lexer.feed(line)
    if lexer.inside == "":
        return line.rstrip()
    if lexer.inside != "\n":
        return ""
    marks = syntax_of(language).line_comments
    at = max(line.rfind(mark) for mark in marks)
    while at > 0:
        lexer = Lexer(syntax_of(language))
        lexer.feed(line[:at])
        if lexer.inside == "":
            return line[:at].rstrip()
        at = max(line.rfind(mark, 0, at) for mark in marks)
    return ""


def closer_of(line: str) -> str:
    """What a line that ends a block starts with: a bracket, `</name`, `end` and its kin; "" for other lines."""
    match = _CLOSER.match(line.lstrip())
    return match.group() if match else ""


def holds_definitions(header: str) -> bool:
    """Whether the block under this header is a list of definitions, like the body of a class."""
    return _CONTAINER.search(header) is not None


def describes_next(line: str, language: str) -> bool:
    """Whether a line is a comment, the end of a docstring or an annotation, so that code follows it."""
    text = line.strip()
    if text.startswith(_COMMENT_LINE.get(language, ("//",))) or text.endswith(("*/", "-->")):
        return True
    if language == "python" and text.endswith(('"""', "'''")):
        return True
    return _ANNOTATION.match(line) is not None
