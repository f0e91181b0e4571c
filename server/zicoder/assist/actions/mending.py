"""Repairs of errors of syntax that are certain to make the text sound, as actions."""

from __future__ import annotations

from zicoder.assist.actions.action import Action, Asked, Change
from zicoder.assist.checks.checker import Checker
from zicoder.assist.problem import Problem
from zicoder.text import Edit

__all__ = ["Mending"]


class Mending:
    """What `checks.mending` found: every repair was tried, and the text is sound with it."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    async def actions(self, asked: Asked) -> list[Action]:
        """The repairs of the first error, where that is what the problems are about."""
        if not asked.wants("quickfix") or not asked.problems:
            return []
        errors = await self._checker.syntax(asked.snapshot)
        about = self._about(asked, errors)
        if about is None:
            return []
        return [
            Action(
                title=f"{title} (checked: the file then parses)", kind="quickfix",
                change=Change((Edit(start, end, text),)), problem=about, preferred=sure, rank=2 + number,
            )
            for number, (start, end, text, title, sure) in enumerate(await self._checker.repairs(asked.snapshot))
        ]  # fmt: skip

    @staticmethod
    def _about(asked: Asked, errors: list[Problem]) -> Problem | None:
        """The problem that is one of the errors, told by us or by a server that may have noticed it elsewhere."""
        for problem in asked.problems:
            if any(problem.ours and problem.code == "syntax" and problem.start == each.start for each in errors):
                return problem
        lines = asked.snapshot.lines
        for problem in asked.problems:
            line = lines.position(problem.start).line
            if not problem.ours and any(abs(lines.position(each.start).line - line) <= 1 for each in errors):
                return problem
        return None
