// Finds Python interpreters: the one chosen in the Python extension, and any on the machine that can make an environment.

import { extensions, workspace, type Event, type Uri } from "vscode";
import { onPath } from "./path";
import { run } from "./run";

const PYTHON_EXTENSION = "ms-python.python";
const PROBE = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
const PROBE_MS = 15_000;

/** The little of the Python extension's API that is used here. */
interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(): { readonly path: string };
    resolveEnvironment(path: { readonly path: string }): Promise<{ executable: { uri: Uri | undefined } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath: Event<unknown>;
  };
}

export interface Interpreter {
  readonly command: string;
  readonly args: readonly string[];
}

/** Undefined as well in a workspace without trust: its interpreter may lie in the workspace and would run its code. */
export async function activeInterpreter(): Promise<Interpreter | undefined> {
  if (!workspace.isTrusted) {
    return undefined;
  }
  const environments = (await pythonApi())?.environments;
  if (!environments) {
    return undefined;
  }
  const resolved = await environments.resolveEnvironment(environments.getActiveEnvironmentPath());
  const path = resolved?.executable.uri?.fsPath;
  return path ? { command: path, args: [] } : undefined;
}

/** Undefined if the Python extension is not installed or has not been started. */
export function onInterpreterChanged(): Event<unknown> | undefined {
  const extension = extensions.getExtension<PythonApi>(PYTHON_EXTENSION);
  return extension?.isActive ? extension.exports.environments.onDidChangeActiveEnvironmentPath : undefined;
}

/** A Python ≥ 3.11 that can create a virtual environment. */
export async function findPython(): Promise<Interpreter | undefined> {
  for (const candidate of [await activeInterpreter(), ...installedPythons()]) {
    if (candidate && (await run(candidate.command, [...candidate.args, "-c", PROBE], { timeoutMs: PROBE_MS })).ok) {
      return candidate;
    }
  }
  return undefined;
}

/** What to do when `findPython` finds nothing, as a sentence. */
export function pythonAdvice(): string {
  switch (process.platform) {
    case "win32":
      return "Install Python 3.11 or newer from python.org or the Microsoft Store, then try again.";
    case "darwin":
      return "Install Python 3.11 or newer (`brew install python`), then try again.";
    default:
      return "Install Python 3.11 or newer with its venv module (Debian: `apt install python3-venv`), then try again.";
  }
}

function installedPythons(): Interpreter[] {
  const names = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.14"];
  const found = names.flatMap((name) => onPath(name) ?? []).map((command) => ({ command, args: [] }));
  const launcher = process.platform === "win32" ? onPath("py") : undefined;
  return launcher ? [{ command: launcher, args: ["-3"] }, ...found] : found;
}

async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = extensions.getExtension<PythonApi>(PYTHON_EXTENSION);
  try {
    return await extension?.activate();
  } catch {
    // A Python extension that cannot start is as good as none; it reports its own failure.
    return undefined;
  }
}
