"""Fill-in-the-middle templates: which special tokens mark the hole, model family by family.

Plain strings only: whoever runs the model turns them into token ids, with special tokens parsed.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["TEMPLATES", "FimTemplate", "detect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FimTemplate:
    """The token strings of one model family.

    `order` is "psm" (prefix, suffix, middle: most models) or "spm" (suffix first, then prefix, then middle).
    `middle` is "" where the model starts to fill right after the last part.
    `repo` and `file_sep` are "" where the model knows no such token; then context goes in as comments.
    """

    name: str
    prefix: str
    suffix: str
    middle: str
    repo: str = ""
    file_sep: str = ""
    order: Literal["psm", "spm"] = "psm"

    @property
    def needed(self) -> tuple[str, ...]:
        """The tokens without which the template cannot be used."""
        return tuple(filter(None, (self.prefix, self.suffix, self.middle)))


# Order matters to `detect`: of two families with the same FIM tokens, the one that says more comes first.
_ALL = (
    FimTemplate(
        name="qwen",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        repo="<|repo_name|>",
        file_sep="<|file_sep|>",
    ),
    FimTemplate(
        name="codegemma",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        file_sep="<|file_separator|>",
    ),
    FimTemplate(
        name="starcoder",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        repo="<repo_name>",
        file_sep="<file_sep>",
    ),
    FimTemplate(
        name="starcoder1",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        repo="<reponame>",
        file_sep="<filename>",
    ),
    FimTemplate(name="santacoder", prefix="<fim-prefix>", suffix="<fim-suffix>", middle="<fim-middle>"),
    # The lower one eighth block (U+2581) is how SentencePiece writes a leading blank.
    FimTemplate(name="codellama", prefix="▁<PRE>", suffix="▁<SUF>", middle="▁<MID>"),
    # Full-width bars (U+FF5C); "begin" opens the prefix, "hole" stands between the parts.
    FimTemplate(
        name="deepseek",
        prefix="<｜fim▁begin｜>",  # noqa: RUF001 - the token's real spelling
        suffix="<｜fim▁hole｜>",  # noqa: RUF001 - the token's real spelling
        middle="<｜fim▁end｜>",  # noqa: RUF001 - the token's real spelling
    ),
    FimTemplate(name="codestral", prefix="[PREFIX]", suffix="[SUFFIX]", middle="[MIDDLE]", order="spm"),
    FimTemplate(name="codestral-v1", prefix="[PREFIX]", suffix="[SUFFIX]", middle="", order="spm"),
)

TEMPLATES = {template.name: template for template in _ALL}
"""Known templates by name, the most telling first."""


def detect(tokens: Container[str]) -> FimTemplate | None:
    """The template whose tokens a vocabulary has, or None for a left-to-right model.

    `tokens` holds the texts of the vocabulary (a mapping from text to id will do).
    Of the families that fit, the one with the most of its own tokens wins; what the vocabulary lacks is left out.
    """
    fitting = [template for template in _ALL if all(token in tokens for token in template.needed)]
    if not fitting:
        return None
    best = max(fitting, key=lambda t: sum(bool(token) and token in tokens for token in (t.repo, t.file_sep, t.middle)))
    return replace(
        best,
        repo=best.repo if best.repo in tokens else "",
        file_sep=best.file_sep if best.file_sep in tokens else "",
    )
