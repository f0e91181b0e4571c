// Executables on disk. A bare name is never given to the system: Windows would look into the workspace first.

import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

const isWindows = process.platform === "win32";

/** Absolute path of a program on PATH; relative entries of PATH are passed over. */
export function onPath(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, executableName(name)))
    .find(isExecutable);
}

/** Path of a program inside a virtual environment. */
export function inEnvironment(environment: string, name: string): string {
  return join(environment, isWindows ? "Scripts" : "bin", executableName(name));
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function expandHome(path: string): string {
  return /^~[\\/]/.test(path) ? join(homedir(), path.slice(2)) : path;
}

function executableName(name: string): string {
  return isWindows ? `${name}.exe` : name;
}
