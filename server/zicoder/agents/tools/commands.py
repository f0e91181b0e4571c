"""Tools that run commands in the sandbox of the session: any command line, and the project's tests."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from zicoder.agents.processes import Ended
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.tools.protocol import Arguments, Grant, ToolText, Touch
from zicoder.errors import ToolError

__all__ = ["ShellTool", "TestsTool", "suggested_test_command"]

MAX_MANIFEST = 1 << 20


class ShellArguments(Arguments):
    """What to run."""

    command: str = Field(description="One command line, run in the project's folder.", min_length=1, max_length=8000)
    seconds: int = Field(default=60, ge=1, le=3600, description="How long it may take.")


class ShellTool:
    """Run a command."""

    name = "shell"
    description = (
        "Run a shell command in the project's folder and answer with its output. The user is asked. There is no "
        "network and no input. Keep it to one simple command."
    )
    arguments = ShellArguments

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def touches(self, arguments: ShellArguments) -> Touch:
        """The command."""
        return Touch(summary=f"run {arguments.command.strip()[:200]}", command=arguments.command)

    async def run(self, arguments: ShellArguments, _: Grant) -> ToolText:
        """The output and how it ended."""
        return _told(await self._sandbox.run_line(arguments.command, seconds=arguments.seconds))


class TestsArguments(Arguments):
    """Which tests to run."""

    __test__ = False

    target: str = Field(
        default="", description="A test file, or a test in it (`tests/test_a.py::test_b`); without it, all tests.",
        max_length=500,
    )  # fmt: skip


class TestsTool:
    """Run the project's tests."""

    __test__ = False
    name = "tests"
    description = "Run the project's tests, all of them or those of one file, and answer with the output."
    arguments = TestsArguments

    def __init__(self, sandbox: Sandbox, command: str) -> None:
        """`command`: as in `zi.agent.test_command`, or what `suggested_test_command` found; "" for none."""
        self._sandbox = sandbox
        self._command = command

    def touches(self, arguments: TestsArguments) -> Touch:
        """The command. Raises ToolError where there is none."""
        line = self._line(arguments.target)
        return Touch(summary=f"run the tests: {line}", command=line)

    async def run(self, arguments: TestsArguments, _: Grant) -> ToolText:
        """The output and how it ended."""
        return _told(await self._sandbox.run_line(self._line(arguments.target)))

    def _line(self, target: str) -> str:
        if not self._command:
            raise ToolError("No way to run this project's tests is known.", hint="Set `zi.agent.test_command`.")
        if not target:
            return self._command
        if target.startswith("-") or not re.fullmatch(r"[\w./\\:\[\]@+=, -]+", target):
            raise ToolError(f"{target[:80]!r} is no test.")
        separator = " -- " if re.match(r"(npm|pnpm|yarn)( run)? test$", self._command) else " "
        quoted = f'"{target}"' if sys.platform == "win32" else shlex.quote(target)
        return f"{self._command}{separator}{quoted}"


def suggested_test_command(root: Path, python: str = "") -> str:
    """The command that a project's own files suggest for its tests, "" if they suggest none. Reads the disk.

    `python`: the interpreter to use (`zi.python.interpreter`); else the project's own virtual environment.
    """
    return next((found for guess in _GUESSES if (found := guess(_Project(root, python)))), "")


@dataclass(frozen=True)
class _Project:
    root: Path
    python: str

    def has(self, *names: str) -> bool:
        return any((self.root / name).exists() for name in names)

    def text(self, name: str) -> str:
        try:
            with (self.root / name).open("rb") as file:
                return file.read(MAX_MANIFEST).decode("utf-8", "replace")
        except OSError:
            return ""


def _by_pytest(project: _Project) -> str:
    try:
        settings = tomllib.loads(project.text("pyproject.toml"))
    except (tomllib.TOMLDecodeError, RecursionError):
        settings = {}
    tool = settings.get("tool")
    configured = (isinstance(tool, dict) and "pytest" in tool) or project.has("pytest.ini", "conftest.py")
    configured = configured or "[tool:pytest]" in project.text("setup.cfg") or "[pytest]" in project.text("tox.ini")
    python_project = bool(settings) or project.has("setup.py", "setup.cfg", "requirements.txt")
    if not configured and not (project.has("tests", "test") and python_project):
        return ""
    places = ("bin/python",) if os.name != "nt" else (r"Scripts\python.exe",)
    own = next((f"{venv}/{p}" for venv in (".venv", "venv") for p in places if project.has(f"{venv}/{p}")), "")
    python = _quoted(project.python) if project.python else own or ("python" if os.name == "nt" else "python3")
    return f"{python} -m pytest -q"


def _by_package(project: _Project) -> str:
    try:
        scripts = json.loads(project.text("package.json") or "{}")["scripts"]
        script = str(scripts["test"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    if not script or "no test specified" in script:
        return ""
    runners = {
        "pnpm-lock.yaml": "pnpm test",
        "yarn.lock": "yarn test",
        "bun.lockb": "bun run test",
        "bun.lock": "bun run test",
    }
    return next((command for lock, command in runners.items() if project.has(lock)), "npm test")


def _by_marker(marker: str, command: str) -> Callable[[_Project], str]:
    return lambda project: command if project.has(marker) else ""


def _by_gradle(project: _Project) -> str:
    if not project.has("build.gradle", "build.gradle.kts"):
        return ""
    wrapper = "gradlew.bat" if os.name == "nt" else "./gradlew"
    return f"{wrapper if project.has(wrapper) else 'gradle'} --offline test"


def _by_make(project: _Project) -> str:
    return "make test" if re.search(r"^test\s*:(?!=)", project.text("Makefile"), re.MULTILINE) else ""


_GUESSES: Sequence[Callable[[_Project], str]] = (
    _by_pytest, _by_marker("go.mod", "go test ./..."), _by_marker("Cargo.toml", "cargo test --offline"), _by_package,
    _by_gradle, _by_marker("pom.xml", "mvn -o -q test"), _by_marker("mix.exs", "mix test"), _by_make,
)  # fmt: skip


def _quoted(path: str) -> str:
    return f'"{path}"' if os.name == "nt" else shlex.quote(path)


def _told(ended: Ended) -> ToolText:
    how = ended.stopped or ("It ended well." if ended.code == 0 else f"It ended with status {ended.code}.")
    output = ended.output.strip("\n")
    return ToolText(f"{output}\n{how}" if output else f"(no output)\n{how}", how, ok=ended.ok)
