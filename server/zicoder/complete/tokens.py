"""The marks by which models tell the parts of a prompt apart, when they leak into the text.

Owns the list of families. A mark that the document itself contains is no leak: somebody may well be
writing a prompt template, or a filter like this one.
"""

from __future__ import annotations

import re

from zicoder.complete.hole import Hole

__all__ = ["find_special_token"]

_MARKS = (
    r"<\|[A-Za-z][\w▁-]{1,30}\|>"  # Qwen, StarCoder 2, Phi, Llama 3: <|fim_middle|>, <|endoftext|>, <|eot_id|>
    r"|<｜[^｜<>\r\n]{1,30}｜>"  # noqa: RUF001  DeepSeek writes its marks with full-width bars
    r"|</?(?:fim[_-](?:prefix|middle|suffix|pad)|file_sep|repo_name|reponame|gh_stars|start_of_turn|end_of_turn|eos|bos)>"
    r"|[ ▁]<(?:PRE|SUF|MID|EOT)>"  # Code Llama
    r"|\[/INST\]"
)
_TOKEN = re.compile(_MARKS)
_TOKEN_OR_S = re.compile(_MARKS + "|</s>")
"""With Llama's end of sequence, which in markup ends a struck-out text."""

_MARKUP = frozenset({"html", "xml", "markdown", "javascriptreact", "typescriptreact", "vue", "svelte", "php"})


def find_special_token(text: str, hole: Hole) -> re.Match[str] | None:
    """The first leaked mark in a text, None when there is none."""
    for match in (_TOKEN if hole.language in _MARKUP else _TOKEN_OR_S).finditer(text):
        mark = match.group()
        if mark not in hole.prefix and mark not in hole.suffix:
            return match
    return None
