"""Every check, in order, with one line for each at the end: `make test`, or `python tests/run.py` in the environment.

`python tests/run.py unit e2e` runs only the steps named. All steps run even when one fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "client-vscode"
BIN = Path(sys.executable).parent
NPM = shutil.which("npm") or "npm"
MODELS = ("qwen2.5-coder-0.5b", "smollm2-135m", "minilm")

Command = tuple[Path, list[str]]


def zi(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "zicoder", *arguments]


def pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


STEPS: dict[str, list[Command]] = {
    "format": [(ROOT, [str(BIN / "ruff"), "format", "--check", "--quiet", "."])],
    "lint": [(ROOT, [str(BIN / "ruff"), "check", "--quiet", "."])],
    "types": [(ROOT, [str(BIN / "pyright"), "--warnings"])],
    "imports": [(ROOT, [str(BIN / "lint-imports")])],
    "typescript": [(CLIENT, [NPM, "ci", "--silent"]), (CLIENT, [NPM, "run", "--silent", "check"])],
    "models": [(ROOT, zi("model", "pull", *MODELS))],
    "unit": [(ROOT, pytest("tests/unit"))],
    "e2e": [(ROOT, pytest("--durations=12", "--numprocesses=2", "-m", "not model", "tests/e2e"))],
    "e2e-model": [(ROOT, pytest("--durations=12", "-m", "model", "tests/e2e"))],  # takes every core: one at a time
    "vscode": [(CLIENT, ["bash", "test/e2e/run.sh"])],
}
"""Golden cases run with the unit tests: tests/unit/complete/test_filters.py reads tests/golden."""

COUNT = re.compile(r"(\d+) passed")


def run(name: str) -> tuple[bool, str]:
    """Run one step with its output shown; whether it passed, and a note."""
    note = ""
    for folder, command in STEPS[name]:
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            if found := COUNT.search(line):
                note = f"{found[1]} passed"
        if process.wait():
            return False, note
    return True, note


def main() -> int:
    wanted = sys.argv[1:] or list(STEPS)
    if unknown := set(wanted) - set(STEPS):
        print(f"unknown step: {', '.join(sorted(unknown))}; known: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    results: dict[str, tuple[bool, str, float]] = {}
    for name in wanted:
        print(f"\n=== {name}", flush=True)
        start = time.monotonic()
        try:
            good, note = run(name)
        except OSError as error:
            good, note = False, f"cannot be run: {error}"
            print(note)
        results[name] = (good, note, time.monotonic() - start)
    print("\n=== summary")
    for name, (good, note, seconds) in results.items():
        print(f"{'ok    ' if good else 'FAILED'} {name:<11} {seconds:6.0f} s  {note}")
    failed = sum(not good for good, _, _ in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
