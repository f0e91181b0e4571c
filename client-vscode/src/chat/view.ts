// The chat in the side bar: shows the server's page, and keeps it while servers come and go.

import { randomBytes } from "node:crypto";
import {
  commands,
  window,
  type CancellationToken,
  type Disposable,
  type LogOutputChannel,
  type WebviewView,
  type WebviewViewProvider,
} from "vscode";
import { CHAT_METHODS, type FromPage, type Question, type Target, type ToPage, type Verdict } from "../../page/wire";
import type { ZiClient } from "../client";
import { isUnknown, TOO_OLD } from "../protocol";
import type { Review } from "../review";
import { currentPlace, currentTarget } from "./editor";
import { PageRequests } from "./requests";

const VIEW = "zi.chatView";
const STOPPED = "The server is not running.";

export class ChatView implements WebviewViewProvider, Disposable {
  private view: WebviewView | undefined;
  private requests: PageRequests | undefined;
  private isReady = false;
  private isLoading = false;
  /** What was to be sent before the page could take it. */
  private readonly waiting: ToPage[] = [];
  private readonly questions = new Map<number, (verdict: Verdict) => void>();
  private lastQuestion = 0;
  private readonly subscriptions: Disposable[];

  constructor(
    private readonly client: () => ZiClient | undefined,
    private readonly review: Review,
    private readonly log: LogOutputChannel,
  ) {
    this.subscriptions = [
      window.registerWebviewViewProvider(VIEW, this, { webviewOptions: { retainContextWhenHidden: true } }),
      window.onDidChangeActiveTextEditor(() => {
        this.tellPlace();
      }),
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === window.activeTextEditor) {
          this.tellPlace();
        }
      }),
    ];
  }

  dispose(): void {
    this.forgetPage();
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  async resolveWebviewView(view: WebviewView): Promise<void> {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [] };
    view.webview.onDidReceiveMessage((message: FromPage) => {
      this.receive(message);
    });
    view.onDidDispose(() => {
      this.view = undefined;
      this.forgetPage();
    });
    view.onDidChangeVisibility(() => {
      this.tellPlace();
    });
    await this.load();
  }

  /** The server has come or gone; what the page shows stays. */
  serverChanged(): void {
    const client = this.client();
    if (!client) {
      this.requests?.dispose();
      this.requests = undefined;
      this.denyAll();
    }
    if (this.isReady) {
      this.tellServer();
    } else if (client && this.view) {
      void this.load();
    }
  }

  /** Opens the chat and has it run a command, about what the editor looks at if nothing else is given. */
  async run(text: string, about?: Target): Promise<void> {
    const place = about ?? currentTarget(this.client());
    await this.open();
    this.post({ kind: "run", text, ...(place && { place }) });
  }

  async open(): Promise<void> {
    await commands.executeCommand(`${VIEW}.focus`);
  }

  /** Asks in the page. Undefined where nobody would see it. */
  ask(question: Question, token: CancellationToken): Promise<Verdict> | undefined {
    if (!this.view?.visible || !this.isReady || !this.requests?.running) {
      return undefined;
    }
    const id = (this.lastQuestion += 1);
    return new Promise((resolve) => {
      this.questions.set(id, resolve);
      token.onCancellationRequested(() => {
        this.post({ kind: "withdrawn", id });
        this.answer(id, "never");
      });
      this.post({ kind: "question", id, question });
      this.showBadge();
    });
  }

  private answer(id: number, verdict: Verdict): void {
    this.questions.get(id)?.(verdict);
    this.questions.delete(id);
    this.showBadge();
  }

  private denyAll(): void {
    for (const id of [...this.questions.keys()]) {
      this.answer(id, "never");
    }
  }

  private showBadge(): void {
    if (this.view) {
      const value = this.questions.size;
      this.view.badge = value > 0 ? { value, tooltip: "Zi asks for permission" } : undefined;
    }
  }

  private async load(): Promise<void> {
    const client = this.client();
    const view = this.view;
    if (!view || this.isReady || this.isLoading) {
      return;
    }
    this.isLoading = client !== undefined;
    let html = placeholder(`${STOPPED} The chat opens as soon as it runs.`);
    if (client) {
      try {
        html = (await client.sendRequest<{ html: string }>("zi/chatPage", { nonce: randomBytes(24).toString("base64") })).html;
      } catch (error) {
        this.log.error(`zi/chatPage: ${String(error)}`);
        html = placeholder(`The server could not give the chat page. ${isUnknown(error) ? TOO_OLD : "The log says more."}`);
      }
    }
    this.isLoading = false;
    if (this.view === view) {
      view.webview.html = html;
    }
  }

  private receive(message: FromPage): void {
    if (message.kind === "ready") {
      this.isReady = true;
      this.tellServer();
      this.tellPlace();
      for (const each of this.waiting.splice(0)) {
        this.post(each);
      }
      return;
    }
    const requests = this.theRequests();
    if (message.kind === "cancel") {
      requests.cancel(message.id);
    } else if (message.method === "editor.answer") {
      const { id, answer } = message.params as { id: number; answer: Verdict };
      this.answer(id, answer);
      this.post({ kind: "response", id: message.id, result: null });
    } else {
      void requests.answer(message).then((response) => {
        this.post(response);
        if (message.method === "zi.run" && !requests.running) {
          this.denyAll();
        }
      });
    }
  }

  private theRequests(): PageRequests {
    this.requests ??= new PageRequests(this.client, CHAT_METHODS, (id, value) => {
      this.post({ kind: "progress", id, value });
    }, this.review);
    return this.requests;
  }

  private tellServer(): void {
    this.post({ kind: "server", running: this.client() !== undefined, message: STOPPED });
  }

  private tellPlace(): void {
    if (this.isReady && this.view?.visible) {
      this.post({ kind: "place", place: currentPlace() });
    }
  }

  private post(message: ToPage): void {
    if (this.isReady && this.view) {
      void this.view.webview.postMessage(message);
    } else if (message.kind === "run") {
      this.waiting.push(message);
    }
  }

  private forgetPage(): void {
    this.isReady = false;
    this.requests?.dispose();
    this.requests = undefined;
    this.denyAll();
  }
}

function placeholder(text: string): string {
  return `<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>Zi chat</title></head><body><p role="status">${text}</p></body></html>`;
}
