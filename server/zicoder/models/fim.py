"""Fill-in-the-middle templates of the catalog's models: which special tokens mark the hole.

A model file that is not in the catalog needs none: its own vocabulary marks these tokens, and the engine reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TEMPLATES", "FimTemplate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FimTemplate:
    """The token texts of one model family, in the order in which a prompt holds them."""

    prefix: str
    suffix: str
    middle: str


TEMPLATES = {
    "qwen": FimTemplate(prefix="<|fim_prefix|>", suffix="<|fim_suffix|>", middle="<|fim_middle|>"),
}
"""Templates by the name that catalog entries use."""
