"""The tools of one project, put together: the one place that knows them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zicoder.agents.edits.blocks import Block, Reading
from zicoder.agents.edits.proposing import propose
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.tools.commands import ShellTool, TestsTool
from zicoder.agents.tools.editing import Apply, CreateTool, DeleteTool, EditTool, OpenText
from zicoder.agents.tools.git import GitDiffTool, GitLogTool, GitStatusTool, Repository
from zicoder.agents.tools.protocol import Tool
from zicoder.agents.tools.reading import ListTool, ReadTool
from zicoder.agents.tools.searching import DefinitionsTool, GrepTool, OpenSearch, SearchTool, SymbolsTool
from zicoder.errors import ToolError

__all__ = ["LOOKING", "WRITING", "rewrite", "tools"]

LOOKING = ("read", "list", "search", "grep", "symbols", "definitions", "git_status", "git_diff", "git_log")
WRITING = ("edit", "create", "delete", "tests", "shell")


def tools(
    root: Path, *, apply: Apply, sandbox: Sandbox, index: OpenSearch, test_command: str, open_text: OpenText
) -> list[Tool[Any]]:
    """All tools of the project at `root`. `apply` has the person accept or refuse what the tools propose."""
    repository = Repository(root)
    found: list[Tool[Any]] = [
        ReadTool(), ListTool(), SearchTool(index), GrepTool(), SymbolsTool(index), DefinitionsTool(index),
        GitStatusTool(repository), GitDiffTool(repository), GitLogTool(repository),
        EditTool(apply, rewrite, open_text), CreateTool(apply, open_text), DeleteTool(apply, open_text),
        TestsTool(sandbox, test_command), ShellTool(sandbox),
    ]  # fmt: skip
    return found


def rewrite(path: str, before: str, old: str, new: str) -> str:
    """A file's text with `old` replaced by `new`, as tolerantly as a block of edits is.

    Raises ToolError with a sentence for the model: not found, or found more than once.
    """
    reading = Reading(tuple(old.split("\n")), tuple(new.split("\n") if new else ()))
    block = Block(kind="change", number=1, path=path, readings=(reading,))
    proposal, remarks = propose([block], lambda asked: before if asked == path else None, files=(path,))
    if refused := next((remark.text for remark in remarks if remark.kind == "refused"), ""):
        raise ToolError(refused)
    after = proposal.files[0].after if proposal.files else before
    if broken := next((remark.text for remark in remarks if remark.kind == "syntax"), ""):
        raise ToolError(broken, hint="Nothing was changed. Write the edit so that the file stays sound.")
    return after if after is not None else before
