// Tells the server where the cursor rests, so that it can evaluate the prompt before a suggestion is asked for.

import { window, type Disposable } from "vscode";
import type { ZiClient } from "./client";

const REST_MS = 100;

export class CursorNotifier implements Disposable {
  private timer: NodeJS.Timeout | undefined;
  private readonly subscriptions: readonly Disposable[];

  constructor(private readonly client: () => ZiClient | undefined) {
    this.subscriptions = [
      window.onDidChangeActiveTextEditor(() => {
        this.schedule();
      }),
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === window.activeTextEditor) {
          this.schedule();
        }
      }),
    ];
  }

  /** Trailing: only the place where the cursor comes to rest is sent. */
  schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.send();
    }, REST_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  private send(): void {
    const client = this.client();
    const editor = window.activeTextEditor;
    if (!client || !editor || !client.handles(editor.document)) {
      return;
    }
    const { code2ProtocolConverter: convert } = client;
    const params = {
      textDocument: convert.asTextDocumentIdentifier(editor.document),
      position: convert.asPosition(editor.selection.active),
    };
    client.sendNotification("zi/cursorMoved", params).catch((error: unknown) => {
      client.debug(`zi/cursorMoved was not sent: ${String(error)}`, undefined, false);
    });
  }
}
