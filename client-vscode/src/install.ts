// The private environment: a virtual environment in the extension's own storage, with the server that came along or that
// was chosen as a file.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  ProgressLocation,
  window,
  type CancellationToken,
  type ExtensionContext,
  type LogOutputChannel,
  type Progress,
} from "vscode";
import { inEnvironment } from "./path";
import { findPython, pythonAdvice } from "./python";
import { run } from "./run";

/** Written last: an environment without it was left half-made. */
const STAMP = "installed.json";
const WHEEL = /^zicoder-.*\.whl$/;

/**
 * `full` brings everything along; `withoutModels` leaves out llama.cpp, for machines that cannot compile it, and
 * `withoutIndex` LanceDB, for machines that it is not built for; `editorOnly` leaves out both.
 */
export type Extent = "full" | "withoutModels" | "withoutIndex" | "editorOnly";

const EXTRAS: Record<Extent, string> = {
  full: "[full]",
  withoutModels: "[index,embeddings]",
  withoutIndex: "[local]",
  editorOnly: "",
};

/** pip found no wheel of something that only the index needs. */
const NO_INDEX = /No matching distribution found for (lancedb|pyarrow|ctranslate2|watchfiles|tree-sitter)/i;

/** Says in sentences what went wrong and what to do, and how much could be installed nevertheless. */
class InstallError extends Error {
  constructor(
    message: string,
    readonly smaller?: Extent,
  ) {
    super(message);
  }
}

interface Stamp {
  /** File name of the wheel that was installed. */
  readonly wheel: string;
  readonly extent: Extent;
}

/** Path of the installed server, or undefined. */
export function installedServer(context: ExtensionContext): string | undefined {
  return readStamp(context) && inEnvironment(environmentFolder(context), "zi");
}

/** How much is installed, if this extension brings another version of it. */
export function outdated(context: ExtensionContext): Extent | undefined {
  const wheel = bundledWheel(context);
  const stamp = readStamp(context);
  return wheel !== undefined && stamp !== undefined && stamp.wheel !== basename(wheel) ? stamp.extent : undefined;
}

/** Path of the wheel in the extension, or undefined in a build without one. */
export function bundledWheel(context: ExtensionContext): string | undefined {
  const folder = context.asAbsolutePath("bundled");
  const name = existsSync(folder) ? readdirSync(folder).find((one) => WHEEL.test(one)) : undefined;
  return name && join(folder, name);
}

/** Asks for the file that the server comes in. Undefined if none was chosen, which has been told if it was a wrong one. */
export async function chosenWheel(): Promise<string | undefined> {
  const title = "The server's wheel: zicoder-….whl";
  const [chosen] = (await window.showOpenDialog({ title, openLabel: "Install", filters: { Wheel: ["whl"] } })) ?? [];
  if (chosen && !WHEEL.test(basename(chosen.fsPath))) {
    await window.showErrorMessage(`Zi Coder: ${basename(chosen.fsPath)} is not the server's wheel, which is called zicoder-….whl.`);
    return undefined;
  }
  return chosen?.fsPath;
}

/** Installs, or brings up to date, with progress. True on success; a failure has been told to the user. */
export async function installServer(context: ExtensionContext, log: LogOutputChannel, extent: Extent, wheel: string): Promise<boolean> {
  let failure: InstallError | undefined;
  try {
    const done = await window.withProgress(
      { location: ProgressLocation.Notification, title: "Zi Coder", cancellable: true },
      (progress, token) => install(context, log, extent, wheel, progress, token),
    );
    if (done || readStamp(context)) {
      return done;
    }
  } catch (error) {
    failure = error instanceof InstallError ? error : new InstallError(error instanceof Error ? error.message : String(error));
  }
  if (!readStamp(context)) {
    await rm(environmentFolder(context), { recursive: true, force: true });
  }
  return failure !== undefined && offerOtherWays(context, log, extent, wheel, failure);
}

/** False when the user cancelled. Throws an error that says in sentences what went wrong and what to do. */
async function install(
  context: ExtensionContext,
  log: LogOutputChannel,
  extent: Extent,
  wheel: string,
  progress: Progress<{ message: string }>,
  token: CancellationToken,
): Promise<boolean> {
  /** Undefined on success, else what the program said. */
  const step = async (message: string, command: string, args: readonly string[]): Promise<string | undefined> => {
    progress.report({ message });
    log.info(`${message} ${[command, ...args].join(" ")}`);
    const onLine = (line: string): void => {
      log.info(line);
      progress.report({ message: `${message} ${line.trim().slice(0, 70)}` });
    };
    const { ok, output } = await run(command, args, { token, onLine });
    return ok ? undefined : output;
  };

  const environment = environmentFolder(context);
  if (!readStamp(context)) {
    progress.report({ message: "looking for Python…" });
    const python = await findPython();
    if (!python) {
      throw new Error(`No suitable Python was found. ${pythonAdvice()}`);
    }
    await rm(environment, { recursive: true, force: true });
    await mkdir(environment, { recursive: true });
    const failure = await step("creating an environment…", python.command, [...python.args, "-m", "venv", environment]);
    if (token.isCancellationRequested) {
      return false;
    }
    if (failure !== undefined) {
      throw new Error(`Python could not create an environment: ${lastLine(failure)} ${pythonAdvice()}`);
    }
  }
  const file = pathToFileURL(wheel).href;
  const requirement = `zicoder${EXTRAS[extent]} @ ${file}`;
  const compiles = extent === "full" || extent === "withoutIndex";
  const message = compiles ? "installing (compiling llama.cpp takes minutes)…" : "installing…";
  const options = ["--upgrade", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
  const pip = ["-m", "pip", "install", ...options, requirement];
  const failure = await step(message, inEnvironment(environment, "python"), pip);
  if (token.isCancellationRequested) {
    return false;
  }
  if (failure !== undefined) {
    throw pipError(failure, extent);
  }
  const stamp: Stamp = { wheel: basename(wheel), extent };
  await writeFile(join(environment, STAMP), JSON.stringify(stamp));
  return true;
}

async function offerOtherWays(
  context: ExtensionContext,
  log: LogOutputChannel,
  extent: Extent,
  wheel: string,
  failure: InstallError,
): Promise<boolean> {
  log.error(failure.message);
  const again = "Try Again";
  const without = NO_INDEX.test(failure.message) ? "Install Without the Index" : "Install Without Local Models";
  const actions = [again, ...(failure.smaller ? [without] : []), "Show Log"];
  const choice = await window.showErrorMessage(`Zi Coder's server could not be installed. ${failure.message}`, ...actions);
  if (choice === again || choice === without) {
    return installServer(context, log, choice === without ? (failure.smaller ?? extent) : extent, wheel);
  }
  if (choice) {
    log.show();
  }
  return false;
}

function pipError(output: string, extent: Extent): InstallError {
  const missing = NO_INDEX.exec(output);
  const offline = /Temporary failure in name resolution|Failed to establish a new connection|getaddrinfo/i.test(output);
  if (missing && !offline) {
    const smaller = extent === "full" ? "withoutIndex" : extent === "withoutModels" ? "editorOnly" : undefined;
    return new InstallError(`${missing[0]} that runs on this machine. Everything but the code index works without it.`, smaller);
  }
  if (/CMake|C compiler|CMAKE_C_COMPILER|Failed building wheel for llama/i.test(output)) {
    const smaller = extent === "full" ? "withoutModels" : extent === "withoutIndex" ? "editorOnly" : undefined;
    return new InstallError("llama.cpp could not be compiled. Install a C++ compiler and CMake, or install without local models.", smaller);
  }
  const unknown = extent === "full" ? "withoutModels" : undefined;
  if (offline || /No matching distribution/i.test(output)) {
    return new InstallError("pip could not reach a package index. Connect once, or configure pip's index, then try again.", unknown);
  }
  if (/No space left on device|not enough space/i.test(output)) {
    return new InstallError("The disk is full. Free about 2 GB, then try again.", unknown);
  }
  return new InstallError(`pip said: ${lastLine(output)}`, unknown);
}

function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1)?.trim() ?? "";
}

function readStamp(context: ExtensionContext): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(join(environmentFolder(context), STAMP), "utf8")) as Stamp;
  } catch {
    return undefined; // Never installed, or not to the end.
  }
}

function environmentFolder(context: ExtensionContext): string {
  return join(context.globalStorageUri.fsPath, "server");
}
