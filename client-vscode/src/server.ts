// Finds the language server. Installing it is the business of install.ts.

import { isAbsolute } from "node:path";
import type { ExtensionContext, LogOutputChannel } from "vscode";
import { serverPathSetting } from "./config";
import { installedServer } from "./install";
import { expandHome, isExecutable, onPath } from "./path";
import { activeInterpreter } from "./python";
import { run } from "./run";

const VERSION_MS = 20_000;

export type Origin = "setting" | "path" | "python" | "private";

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: Origin;
}

/** The setting names a server that cannot be run. Falling back to another one would hide the mistake. */
export class BadServerPath extends Error {}

/** Undefined where there is no server yet. Throws `BadServerPath`. */
export async function findServer(context: ExtensionContext, log: LogOutputChannel): Promise<ServerCommand | undefined> {
  const found = fromSetting() ?? (await fromPath()) ?? (await fromPython()) ?? fromPrivateEnvironment(context);
  log.info(found ? `Server (${found.origin}): ${[found.command, ...found.args].join(" ")}` : "No server found.");
  return found;
}

function fromSetting(): ServerCommand | undefined {
  const setting = serverPathSetting();
  if (!setting) {
    return undefined;
  }
  const command = expandHome(setting);
  if (!isAbsolute(command)) {
    throw new BadServerPath(`The setting zi.server.path must be an absolute path, not "${setting}".`);
  }
  if (!isExecutable(command)) {
    throw new BadServerPath(`The setting zi.server.path names "${setting}", which is not an executable file.`);
  }
  return { command, args: ["lsp"], origin: "setting" };
}

/** Other programs are called `zi` too, so it is asked who it is. */
async function fromPath(): Promise<ServerCommand | undefined> {
  const command = onPath("zi");
  return command && (await isZi(command, [])) ? { command, args: ["lsp"], origin: "path" } : undefined;
}

async function fromPython(): Promise<ServerCommand | undefined> {
  const interpreter = await activeInterpreter();
  if (!interpreter) {
    return undefined;
  }
  // -P keeps the current folder off the module path: a file there must not stand in for a module of the server.
  const module = [...interpreter.args, "-P", "-m", "zicoder"];
  return (await isZi(interpreter.command, module))
    ? { command: interpreter.command, args: [...module, "lsp"], origin: "python" }
    : undefined;
}

function fromPrivateEnvironment(context: ExtensionContext): ServerCommand | undefined {
  const command = installedServer(context);
  return command ? { command, args: ["lsp"], origin: "private" } : undefined;
}

async function isZi(command: string, args: readonly string[]): Promise<boolean> {
  const { ok, output } = await run(command, [...args, "--version"], { timeoutMs: VERSION_MS });
  return ok && /^(zi|zi coder|zicoder)\b/im.test(output);
}
