// What the chat does in the editor: says what is looked at, opens, inserts, and shows changes before they are made.

import { posix } from "node:path";
import {
  commands,
  env,
  languages,
  Position,
  Range,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
  type DocumentSymbol,
  type TextDocument,
  type TextEditor,
} from "vscode";
import type { Place, Target } from "../../page/wire";
import type { ZiClient } from "../client";
import type { Review } from "../review";

/** More problems of one document say nothing more. */
const MOST_PROBLEMS = 50;

/** The document and selection that a command is about. */
export function currentTarget(client: ZiClient | undefined): Target | undefined {
  const editor = window.activeTextEditor;
  if (!editor || !client?.handles(editor.document)) {
    return undefined;
  }
  return {
    uri: client.code2ProtocolConverter.asUri(editor.document.uri),
    range: client.code2ProtocolConverter.asRange(editor.selection),
    problems: problems(editor.document, editor.selection),
  };
}

export function currentPlace(): Place | null {
  const editor = window.activeTextEditor;
  if (!editor || !["file", "untitled"].includes(editor.document.uri.scheme)) {
    return null;
  }
  const { selection } = editor;
  const [first, last] = selection.isEmpty ? [0, 0] : [selection.start.line + 1, selection.end.line + 1];
  return { path: workspace.asRelativePath(editor.document.uri, false), first, last };
}

export async function copy(text: string): Promise<void> {
  await env.clipboard.writeText(text);
}

export async function insert(text: string): Promise<void> {
  const editor = theEditor();
  await editor.edit((edit) => {
    edit.replace(editor.selection, text);
  });
  await window.showTextDocument(editor.document, editor.viewColumn);
}

/** Shows the text as a change, and makes it if it is wanted: of what is selected, else of the definition of that name. */
export async function applyAsDiff(text: string, review: Review): Promise<void> {
  const { document, selection } = theEditor();
  const range = selection.isEmpty ? ((await definition(document, text)) ?? selection) : selection;
  const whole = new Range(new Position(range.start.line, 0), range.end);
  const indent = /^[ \t]*/.exec(document.lineAt(range.start.line).text)?.[0] ?? "";
  const place = range.isEmpty ? range : whole;
  const replacement = indented(text, indent) + (range.isEmpty ? "\n" : "");
  const before = document.getText();
  const after = before.slice(0, document.offsetAt(place.start)) + replacement + before.slice(document.offsetAt(place.end));
  const { version } = document;
  if ((await review.ask("Code from the chat", [{ uri: document.uri, before, after }], 1)) !== "all") {
    return;
  }
  if (document.version !== version) {
    throw new Error("The file has changed meanwhile; nothing was done.");
  }
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, place, replacement);
  await workspace.applyEdit(edit);
  await window.showTextDocument(document);
}

/** Opens a file of the workspace; `line` counts from 1. */
export async function openFile(path: string, line: number): Promise<void> {
  const folder = workspace.workspaceFolders?.[0];
  const normal = posix.normalize(path.replaceAll("\\", "/"));
  if (!folder || posix.isAbsolute(normal) || normal.startsWith("..")) {
    throw new Error(`${path} is no file of this workspace.`);
  }
  const at = Math.max(0, line - 1);
  try {
    await window.showTextDocument(Uri.joinPath(folder.uri, normal), { selection: new Range(at, 0, at, 0) });
  } catch {
    throw new Error(`${path} cannot be opened.`);
  }
}

export async function saveAs(name: string, text: string): Promise<void> {
  const file = `${name.replace(/[^\p{L}\p{N} _-]+/gu, " ").trim().slice(0, 60) || "conversation"}.md`;
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const target = await window.showSaveDialog({ ...(folder && { defaultUri: Uri.joinPath(folder, file) }), filters: { Markdown: ["md"] } });
  if (target) {
    await workspace.fs.writeFile(target, Buffer.from(text));
  }
}

function theEditor(): TextEditor {
  const editor = window.activeTextEditor;
  if (!editor) {
    throw new Error("Open a file first.");
  }
  return editor;
}

/** Where the document defines what the code defines first. */
async function definition(document: TextDocument, code: string): Promise<Range | undefined> {
  const name = /^\s*(?:export\s+|default\s+|async\s+|pub\s+)*(?:def|class|function|func|fn|interface|struct)\s+(\w+)/m.exec(code)?.[1];
  const found = name && (await commands.executeCommand<DocumentSymbol[] | undefined>("vscode.executeDocumentSymbolProvider", document.uri));
  const search = (symbols: readonly DocumentSymbol[]): DocumentSymbol | undefined => {
    for (const symbol of symbols) {
      const hit = symbol.name === name ? symbol : search(symbol.children);
      if (hit) {
        return hit;
      }
    }
    return undefined;
  };
  return found ? search(found)?.range : undefined;
}

/** Code that was written without the place's indentation gets it. */
function indented(text: string, indent: string): string {
  const lines = text.split("\n");
  return indent && !lines[0]?.startsWith(indent) ? lines.map((line) => (line ? indent + line : line)).join("\n") : text;
}

/** Those at the range first. */
function problems(document: TextDocument, range: Range): string[] {
  const all = languages.getDiagnostics(document.uri);
  const here = all.filter((each) => each.range.intersection(range));
  return (here.length > 0 ? here : all)
    .slice(0, MOST_PROBLEMS)
    .map(({ range: at, message, source }) => `line ${at.start.line + 1}: ${message}${source ? ` (${source})` : ""}`);
}
