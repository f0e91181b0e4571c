// What needs a person's word: in the chat where it can be seen, else in a window that waits. No answer is a no.

import { commands, Uri, window, workspace, type CancellationToken, type MessageItem } from "vscode";
import type { Question, Verdict } from "../../page/wire";
import type { ChatView } from "./view";

interface Choice extends MessageItem {
  readonly verdict: Verdict;
}

/** Answers the server's `zi/approve`. */
export async function approve(chat: ChatView, question: Question, token: CancellationToken): Promise<{ answer: Verdict }> {
  if (!workspace.isTrusted) {
    return { answer: "never" }; // Without trust nothing is run and nothing is changed.
  }
  return { answer: await (chat.ask(question, token) ?? modal(question)) };
}

async function modal({ tool, summary, detail, reason, rule, project }: Question): Promise<Verdict> {
  // The first one has the focus: a key that was meant for something else must not say yes.
  const choices: Choice[] = [
    { title: "Deny", verdict: "never" },
    { title: "Allow Once", verdict: "once" },
    { title: "Allow for This Session", verdict: "session" },
    ...(rule ? [{ title: `Always Allow ${rule}`, verdict: "always" as const }] : []),
  ];
  const lines = [`Where: ${project}`, `Why asked: ${reason}`, "", detail === summary ? "" : detail];
  const chosen = await window.showWarningMessage(
    `Zi wants to use ${tool}: ${summary}`,
    { modal: true, detail: lines.join("\n").trim() },
    ...choices,
  );
  return chosen?.verdict ?? "never";
}

/** Opens the record of what agents were allowed and refused. */
export async function showAuditLog(): Promise<void> {
  const { path, exists } = await commands.executeCommand<{ path: string; exists: boolean }>("zi.auditLog");
  if (exists) {
    await window.showTextDocument(Uri.file(path), { preview: true });
  } else {
    await window.showInformationMessage("Nothing was asked for and nothing was refused yet, so there is no record.");
  }
}
