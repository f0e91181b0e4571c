// "Report an Issue": puts together what one would be asked for, without names, keys and code, for the user to look at.

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { version as vscodeVersion, window, workspace, type ExtensionContext } from "vscode";
import type { Origin } from "./server";

const LINES = 200;
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/(\/(?:home|Users)\/|\\Users\\)[^/\\\s"']+/g, "$1…"],
  [/(?<=:\/\/)[^/\s:@]+:[^/\s@]+(?=@)/g, "[…]"],
  [/(?<=(?:api[_-]?key|token|secret|passw(?:or)?d|bearer)["']?\s*[=:]?\s*["']?)[^\s"',;]{6,}/gi, "[…]"],
  [/\b[A-Za-z0-9_-]{40,}\b/g, "[…]"],
];

export async function reportIssue(context: ExtensionContext, origin: Origin | undefined): Promise<void> {
  const { version } = context.extension.packageJSON as { version: string };
  const facts = [
    `- Zi Coder ${version}, VS Code ${vscodeVersion}`,
    `- ${process.platform} ${process.arch}`,
    `- server: ${origin ?? "none is running"}`,
  ];
  const content = [
    "# What happened, and what did you expect?", "", "", "# Where", "", ...facts, "", "# The end of the log", "", "```text",
    await logEnd(join(context.logUri.fsPath, "Zi Coder.log")), "```", "",
    "<!-- Names of folders and whatever looks like a key are taken out. Read it once more before you send it. -->", "",
  ].join("\n");
  await window.showTextDocument(await workspace.openTextDocument({ language: "markdown", content }));
}

async function logEnd(path: string): Promise<string> {
  try {
    return redacted((await readFile(path, "utf8")).trimEnd().split("\n").slice(-LINES).join("\n"));
  } catch {
    return "(there is no log)";
  }
}

export function redacted(text: string): string {
  return PLACES.reduce((clean, [pattern, stand]) => clean.replace(pattern, stand), text.replaceAll(homedir(), "~"));
}
