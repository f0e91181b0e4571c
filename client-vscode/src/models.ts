// "Models and Roles": which model plays which role, chosen from lists; a model that is missing is fetched on the way.

import { ProgressLocation, window, type QuickPickItem } from "vscode";
import { ExecuteCommandRequest, ProgressType } from "vscode-languageclient/node";
import type { Answer, Streamed } from "../page/wire";
import type { ZiClient } from "./client";

const STREAMED = new ProgressType<Streamed>();

/** One line of the server's `zi.roles`. */
interface Row {
  readonly role: string;
  readonly model: string;
  readonly answers: string;
  readonly source: string;
  readonly problem: string;
  readonly health?: string;
}

/** One model of `/model list`. */
interface Offer {
  readonly name: string;
  readonly size: number | null;
  readonly installed: boolean;
  readonly summary: string;
}

interface RoleItem extends QuickPickItem {
  readonly row: Row;
}

interface ModelItem extends QuickPickItem {
  /** For `zi.setRole`; null takes the setting out, undefined asks for a name. */
  readonly value: string | null | undefined;
  readonly missing?: boolean;
}

export async function chooseModels(client: ZiClient): Promise<void> {
  for (;;) {
    const rows = await ask<readonly Row[]>(client, "zi.roles");
    const chosen = await window.showQuickPick(rows.map(roleItem), { title: "Models and Roles", placeHolder: "Which role?" });
    if (!chosen || !(await chooseFor(client, chosen.row))) {
      return;
    }
  }
}

/** Whether one was chosen. What goes wrong is said. */
async function chooseFor(client: ZiClient, row: Row): Promise<boolean> {
  try {
    const { data } = await run(client, "/model list local");
    const items = [...standing(row), ...(data["models"] as readonly Offer[]).map(modelItem)];
    const chosen = await window.showQuickPick([...items, { label: "$(edit) Another one…", value: undefined }], {
      title: `Model for ${row.role}`,
      placeHolder: row.answers || row.problem,
      matchOnDetail: true,
    });
    const value = chosen?.value === undefined && chosen ? await asked(row) : chosen?.value;
    if (value === undefined) {
      return false;
    }
    if (chosen?.missing && !(await install(client, String(value)))) {
      return false;
    }
    await ask(client, "zi.setRole", row.role, "model", value);
    return true;
  } catch (error) {
    await window.showErrorMessage(`Zi: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function standing({ role }: Row): ModelItem[] {
  const auto: ModelItem = { label: "$(sparkle) auto", detail: "The best local model that is installed", value: "auto" };
  const same: ModelItem = { label: "$(reply) As for chat", detail: "Takes the role's own setting out", value: null };
  return role === "chat" ? [auto] : [same, auto];
}

function asked(row: Row): Thenable<string | undefined> {
  return window.showInputBox({
    title: `Model for ${row.role}`,
    prompt: "PROVIDER:NAME, as in openai:gpt-5-mini, ollama:qwen2.5-coder:7b, or local:NAME",
    value: row.model,
  });
}

/** Whether it is there now. */
function install(client: ZiClient, model: string): Thenable<boolean> {
  const options = { location: ProgressLocation.Notification, title: `Zi: fetching ${model}`, cancellable: true };
  return window.withProgress(options, async (progress, token) => {
    let reached = 0;
    await run(client, `/model install ${model}`, token, ({ events }) => {
      for (const event of events) {
        if (event.kind === "progress" && event.total) {
          const now = (100 * event.done) / event.total;
          progress.report({ message: event.detail, increment: Math.max(0, now - reached) });
          reached = Math.max(reached, now);
        }
      }
    });
    return !token.isCancellationRequested;
  });
}

function roleItem(row: Row): RoleItem {
  const fault = row.problem || (row.health && row.health !== "ok" ? row.health : "");
  return {
    row,
    label: `$(${fault ? "warning" : "pass"}) ${row.role}`,
    description: `${row.answers || "no model"} (${row.source})`,
    ...(fault && { detail: fault }),
  };
}

function modelItem({ name, size, installed, summary }: Offer): ModelItem {
  const megabytes = size === null ? "" : `${Math.round(size / 1e6).toLocaleString("en")} MB`;
  return {
    label: `$(${installed ? "check" : "cloud-download"}) ${name}`,
    description: installed ? "installed" : `fetch ${megabytes}`,
    detail: summary,
    value: `local:${name}`,
    missing: !installed,
  };
}

/** Runs a `/command`. Its failure is thrown as a sentence. */
async function run(
  client: ZiClient,
  text: string,
  cancellation?: Parameters<ZiClient["sendRequest"]>[2] & object,
  told?: (value: Streamed) => void,
): Promise<Answer> {
  const token = `zi-models-${Math.random().toString(36).slice(2)}`;
  const listening = told && client.onProgress(STREAMED, token, told);
  try {
    const params = { command: "zi.run", arguments: [{ text, token }] };
    const answer = (await client.sendRequest(ExecuteCommandRequest.type, params, cancellation)) as Answer;
    if (answer.error) {
      throw new Error(`${answer.error.message} ${answer.error.hint}`.trim());
    }
    return answer;
  } finally {
    listening?.dispose();
  }
}

async function ask<T>(client: ZiClient, command: string, ...given: readonly unknown[]): Promise<T> {
  return (await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...given] })) as T;
}
