// "Search the Project": a list that the server fills while one types. What is found, and in which order, is its business.

import { CancellationTokenSource, Range, Uri, window, type QuickPick, type QuickPickItem } from "vscode";
import type { ZiClient } from "./client";

const DEBOUNCE_MS = 150;
const HITS = 20;

/** One answer of the server's `zi.search`; lines count from 0. */
interface Hit {
  readonly uri: string;
  readonly path: string;
  readonly range: { readonly start: { readonly line: number } };
  readonly qualified: string;
  readonly signature: string;
  readonly text: string;
  readonly unsaved: boolean;
}

interface HitItem extends QuickPickItem {
  readonly hit: Hit;
}

export function searchProject(client: ZiClient): void {
  const list = window.createQuickPick<HitItem>();
  list.placeholder = "A question, a name, or a piece of code";
  list.matchOnDescription = list.matchOnDetail = false;
  let timer: NodeJS.Timeout | undefined;
  let cancellation = new CancellationTokenSource();
  const forget = (): void => {
    clearTimeout(timer);
    cancellation.cancel();
    cancellation.dispose();
    cancellation = new CancellationTokenSource();
  };
  list.onDidChangeValue((text) => {
    forget();
    const { token } = cancellation;
    timer = setTimeout(() => {
      void fill(list, client, text, token);
    }, DEBOUNCE_MS);
  });
  list.onDidAccept(() => {
    const [item] = list.activeItems;
    if (item) {
      list.hide();
      void open(item.hit);
    }
  });
  list.onDidHide(() => {
    forget();
    list.dispose();
  });
  list.show();
}

async function fill(
  list: QuickPick<HitItem>,
  client: ZiClient,
  text: string,
  token: CancellationTokenSource["token"],
): Promise<void> {
  list.busy = true;
  try {
    const hits = (await client.execute<readonly Hit[] | null>("zi.search", [text, HITS], token)) ?? [];
    if (!token.isCancellationRequested) {
      list.items = hits.map(itemOf);
      list.busy = false;
    }
  } catch (error) {
    if (!token.isCancellationRequested) {
      list.busy = false;
      client.debug(`zi.search failed: ${String(error)}`, undefined, false);
    }
  }
}

function itemOf(hit: Hit): HitItem {
  const firstLine = hit.text.trim().split("\n", 1)[0] ?? "";
  return {
    hit,
    label: hit.qualified || firstLine.slice(0, 80) || hit.path,
    description: `${hit.path}:${String(hit.range.start.line + 1)}${hit.unsaved ? " (not saved)" : ""}`,
    detail: (hit.signature || (hit.qualified && firstLine)).slice(0, 160),
    alwaysShow: true, // Found by its meaning, it need not contain what was typed.
  };
}

async function open(hit: Hit): Promise<void> {
  const { line } = hit.range.start;
  try {
    await window.showTextDocument(Uri.parse(hit.uri), { selection: new Range(line, 0, line, 0) });
  } catch (error) {
    await window.showWarningMessage(`Zi Coder: ${hit.path} cannot be opened. ${String(error)}`);
  }
}
