// "Models and Keys": shows the server's page of them, and passes on what it asks.

import { randomBytes } from "node:crypto";
import { ViewColumn, window, type Disposable, type LogOutputChannel, type WebviewPanel } from "vscode";
import { MODELS_METHODS, type FromPage, type ToPage } from "../page/wire";
import { PageRequests } from "./chat/requests";
import type { ZiClient } from "./client";
import { isUnknown, TOO_OLD } from "./protocol";

export class ModelsPanel implements Disposable {
  private panel: WebviewPanel | undefined;

  constructor(
    private readonly client: () => ZiClient | undefined,
    private readonly log: LogOutputChannel,
  ) {}

  async open(): Promise<void> {
    const client = this.client();
    if (this.panel) {
      this.panel.reveal();
    } else if (client) {
      try {
        const params = { nonce: randomBytes(24).toString("base64") };
        this.show((await client.sendRequest<{ html: string }>("zi/modelsPage", params)).html);
      } catch (error) {
        this.log.error(`zi/modelsPage: ${String(error)}`);
        const why = isUnknown(error) ? TOO_OLD : "The log says more.";
        await window.showErrorMessage(`Zi Coder: the server could not give the page of models. ${why}`);
      }
    }
  }

  /** The server has come or gone. */
  serverChanged(): void {
    this.post({ kind: "server", running: this.client() !== undefined, message: "The server is not running." });
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private show(html: string): void {
    const options = { enableScripts: true, localResourceRoots: [], retainContextWhenHidden: true };
    const panel = window.createWebviewPanel("zi.models", "Zi Models and Keys", ViewColumn.Active, options);
    const requests = new PageRequests(this.client, MODELS_METHODS, (id, value) => {
      this.post({ kind: "progress", id, value });
    });
    this.panel = panel;
    panel.webview.onDidReceiveMessage((message: FromPage) => {
      if (message.kind === "ready") {
        this.serverChanged();
      } else if (message.kind === "cancel") {
        requests.cancel(message.id);
      } else {
        void requests.answer(message).then((response) => {
          this.post(response);
        });
      }
    });
    panel.onDidDispose(() => {
      requests.dispose();
      this.panel = undefined;
    });
    panel.webview.html = html;
  }

  private post(message: ToPage): void {
    void this.panel?.webview.postMessage(message);
  }
}
