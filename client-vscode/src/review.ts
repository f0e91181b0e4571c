// A change before it is made: shown in VS Code's own diff editor, and taken whole, in parts, or not at all.

import { commands, Position, Uri, window, workspace, type Disposable, type Tab, type TextDocument } from "vscode";
import type { TextDocumentEdit, TextEdit, WorkspaceEdit } from "vscode-languageclient/node";

/** Documents that show how a file would be. */
const SCHEME = "zi-change";
const REVIEWING_KEY = "zi.reviewing";
const APPLY = "Apply All";
const PARTS = "Choose Parts…";
const DISCARD = "Discard";

export type Choice = "all" | "parts" | "none";

/** One file as it is and as it would be; undefined where there is none. */
export interface FileChange {
  readonly uri: Uri;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export class Review implements Disposable {
  private readonly texts = new Map<string, string>();
  private readonly subscriptions: Disposable[];
  /** Decides about the change that is shown. */
  private decide: ((choice: Choice) => void) | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private last = 0;

  constructor() {
    this.subscriptions = [
      workspace.registerTextDocumentContentProvider(SCHEME, {
        provideTextDocumentContent: (uri) => this.texts.get(uri.toString()) ?? "",
      }),
      commands.registerCommand("zi.change.apply", () => this.decide?.("all")),
      commands.registerCommand("zi.change.parts", () => this.decide?.("parts")),
      commands.registerCommand("zi.change.discard", () => this.decide?.("none")),
    ];
  }

  dispose(): void {
    this.discard();
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  /** Nobody waits for the answer any more. */
  discard(): void {
    this.decide?.("none");
  }

  /** Shows changes and waits for a word; one after the other. Closing what is shown means no. */
  ask(label: string, files: readonly FileChange[], hunks: number): Promise<Choice> {
    const answer = this.queue.then(() => this.asked(label, files, hunks));
    this.queue = answer.catch(() => undefined);
    return answer;
  }

  private async asked(label: string, files: readonly FileChange[], hunks: number): Promise<Choice> {
    const title = `Zi: ${label}`;
    // VS Code adds the number of files to some titles.
    const isShown = (tab: Tab): boolean => tab.label.startsWith(title);
    this.last += 1;
    let decide: (choice: Choice) => void = () => undefined;
    const decided = new Promise<Choice>((resolve) => {
      decide = resolve;
    });
    this.decide = decide;
    const watch = window.tabGroups.onDidChangeTabs(({ closed: tabs }) => {
      if (tabs.some(isShown)) {
        decide("none");
      }
    });
    const toast = { isOpen: false };
    try {
      await this.show(title, files);
      await commands.executeCommand("setContext", REVIEWING_KEY, true);
      toast.isOpen = true;
      void this.tell(`${label}: ${counted(hunks, "change")} in ${counted(files.length, "file")}.`, hunks, decide).then(() => {
        toast.isOpen = false;
      });
      return await decided;
    } finally {
      this.decide = undefined;
      watch.dispose();
      await commands.executeCommand("setContext", REVIEWING_KEY, false);
      await window.tabGroups.close(window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(isShown)));
      if (toast.isOpen) {
        await commands.executeCommand("notifications.hideToasts"); // it would ask for what is decided
      }
      this.texts.clear();
    }
  }

  /** A notification with buttons. It may outlive its change, so it decides about that one and no other. */
  private async tell(text: string, hunks: number, decide: (choice: Choice) => void): Promise<void> {
    const buttons = hunks > 1 ? [APPLY, PARTS, DISCARD] : [APPLY, DISCARD];
    const chosen = await window.showInformationMessage(text, ...buttons);
    if (chosen) {
      decide(chosen === APPLY ? "all" : chosen === PARTS ? "parts" : "none");
    }
  }

  private async show(title: string, files: readonly FileChange[]): Promise<void> {
    const pairs = files.map((file): [Uri, Uri, Uri] => {
      const old = file.before === undefined ? this.side(file, "before", "") : file.uri;
      return [file.uri, old, this.side(file, "after", file.after ?? "")];
    });
    const [only] = pairs;
    if (only && pairs.length === 1) {
      await commands.executeCommand("vscode.diff", only[1], only[2], title, { preview: false });
    } else {
      await commands.executeCommand("vscode.changes", title, pairs);
    }
  }

  /** A document that is only shown; its path keeps the file's name, which says what language it is in. */
  private side({ uri }: FileChange, which: string, text: string): Uri {
    const shown = uri.with({ scheme: SCHEME, authority: "", query: `${this.last}-${which}` });
    this.texts.set(shown.toString(), text);
    return shown;
  }
}

/** Whether somebody is to look at an edit before it is made. */
export function isDoubtful(edit: WorkspaceEdit): boolean {
  return Object.values(edit.changeAnnotations ?? {}).some(({ needsConfirmation }) => needsConfirmation);
}

/** The same edit for somebody who has looked at it. */
export function confirmed(edit: WorkspaceEdit): WorkspaceEdit {
  const sure = Object.entries(edit.changeAnnotations ?? {}).map(([id, note]) => [id, { ...note, needsConfirmation: false }]);
  return { ...edit, changeAnnotations: Object.fromEntries(sure) as NonNullable<WorkspaceEdit["changeAnnotations"]> };
}

/** What an edit makes of each file, and in how many places. */
export async function fileChanges(edit: WorkspaceEdit): Promise<{ readonly files: readonly FileChange[]; readonly hunks: number }> {
  const files = new Map<string, FileChange>();
  let hunks = 0;
  for (const change of edit.documentChanges ?? []) {
    if ("textDocument" in change) {
      const { uri } = change.textDocument;
      const created = files.get(uri);
      const document = created ? undefined : await workspace.openTextDocument(Uri.parse(uri));
      files.set(uri, { uri: Uri.parse(uri), before: document?.getText(), after: document ? changed(document, change) : written(change) });
      hunks += change.edits.length;
    } else if (change.kind === "create") {
      files.set(change.uri, { uri: Uri.parse(change.uri), before: undefined, after: "" });
    } else if (change.kind === "delete") {
      files.set(change.uri, { uri: Uri.parse(change.uri), before: "", after: undefined });
      hunks += 1;
    }
  }
  return { files: [...files.values()], hunks };
}

function changed(document: TextDocument, { edits }: TextDocumentEdit): string {
  const offset = ({ line, character }: TextEdit["range"]["start"]): number => document.offsetAt(new Position(line, character));
  let text = document.getText();
  // From the end on, so that what is still to come stays where it is.
  const backwards = edits
    .filter((edit): edit is TextEdit => "newText" in edit)
    .map((edit) => ({ start: offset(edit.range.start), end: offset(edit.range.end), text: edit.newText }))
    .sort((one, other) => other.start - one.start || other.end - one.end);
  for (const { start, end, text: replacement } of backwards) {
    text = text.slice(0, start) + replacement + text.slice(end);
  }
  return text;
}

/** The text of a file that is not there yet. */
function written({ edits }: TextDocumentEdit): string {
  return edits.map((edit) => ("newText" in edit ? edit.newText : "")).join("");
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
