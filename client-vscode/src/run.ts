// Runs a short-lived program and collects its output. Never throws: a program that cannot start is a failed one.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CancellationToken } from "vscode";

export interface Outcome {
  readonly ok: boolean;
  /** Standard output and standard error, in the order they arrived. */
  readonly output: string;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly token?: CancellationToken;
  readonly onLine?: (line: string) => void;
}

const isWindows = process.platform === "win32";

export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    // Its own process group, so that cancelling an installation also ends the compilers it started.
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: !isWindows, windowsHide: true });
    const kill = (): void => {
      if (child.pid !== undefined) {
        killTree(child.pid);
      }
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(kill, options.timeoutMs);
    const cancelled = options.token?.onCancellationRequested(kill);
    const finish = (ok: boolean): void => {
      clearTimeout(timer);
      cancelled?.dispose();
      resolve({ ok, output: lines.join("\n") });
    };
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        options.onLine?.(line);
      });
    }
    child.once("error", (error) => {
      lines.push(error.message);
      finish(false);
    });
    child.once("close", (code) => {
      finish(code === 0);
    });
  });
}

function killTree(pid: number): void {
  if (isWindows) {
    spawn("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore", windowsHide: true }).on("error", () => {
      // Without taskkill nothing more can be done; the program ends by itself.
    });
    return;
  }
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}
