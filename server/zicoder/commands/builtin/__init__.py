"""The built-in `/commands`. Importing this fills the table."""

from zicoder.commands.builtin import coding, managing, planning, project, questions, reviewing, running
from zicoder.commands.builtin.table import COMMANDS

__all__ = ["COMMANDS", "coding", "managing", "planning", "project", "questions", "reviewing", "running"]
