"""The built-in `/commands`. Importing this fills the table."""

from zicoder.commands.builtin import coding, fix, managing, planning, project, questions, reviewing, running, workflow
from zicoder.commands.builtin.table import COMMANDS

__all__ = [
    "COMMANDS",
    "coding",
    "fix",
    "managing",
    "planning",
    "project",
    "questions",
    "reviewing",
    "running",
    "workflow",
]
