// The one place that knows how messages travel: through VS Code's webview, or through the window that frames the page.

import type { FromPage, Method, Streamed, ToPage } from "./wire";

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** What the page keeps for the time when it is shown again. */
export interface Kept {
  readonly conversation: string;
  readonly draft: string;
}

type Message<K extends ToPage["kind"]> = Extract<ToPage, { kind: K }>;
type Told = Exclude<ToPage["kind"], "response" | "progress">;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly progress: ((value: Streamed) => void) | undefined;
}

export class Bridge {
  private readonly pending = new Map<number, Pending>();
  private readonly handlers = new Map<string, (message: never) => void>();
  private readonly api = typeof acquireVsCodeApi === "function" ? acquireVsCodeApi() : undefined;
  private last = 0;

  constructor() {
    addEventListener("message", (event: MessageEvent<unknown>) => {
      if (this.isFromHost(event)) {
        this.receive(event.data as ToPage);
      }
    });
  }

  on<K extends Told>(kind: K, handler: (message: Message<K>) => void): void {
    this.handlers.set(kind, handler);
  }

  ready(): void {
    this.post({ kind: "ready" });
  }

  /** Asks the host. The error of a refused or failed request has a sentence for a person. */
  request<T>(
    method: Method,
    params: unknown,
    progress?: (value: Streamed) => void,
  ): { readonly answer: Promise<T>; readonly cancel: () => void } {
    const id = (this.last += 1);
    const answer = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject, progress });
    });
    this.post({ kind: "request", id, method, params });
    return {
      answer: answer as Promise<T>,
      cancel: () => {
        this.post({ kind: "cancel", id });
      },
    };
  }

  async ask<T>(method: Method, params: unknown): Promise<T> {
    return this.request<T>(method, params).answer;
  }

  get kept(): Kept | undefined {
    return this.api?.getState() as Kept | undefined;
  }

  keep(state: Kept): void {
    this.api?.setState(state);
  }

  private post(message: FromPage): void {
    if (this.api) {
      this.api.postMessage(message);
    } else {
      parent.postMessage(message, location.origin === "null" ? "*" : location.origin);
    }
  }

  /** VS Code relays from another origin inside its own frame; elsewhere only the framing window of our origin counts. */
  private isFromHost(event: MessageEvent<unknown>): boolean {
    return this.api !== undefined || event.source === parent || event.source === window;
  }

  private receive(message: ToPage): void {
    if (message.kind === "progress") {
      this.pending.get(message.id)?.progress?.(message.value);
    } else if (message.kind === "response") {
      const waiting = this.pending.get(message.id);
      this.pending.delete(message.id);
      if (message.error === undefined) {
        waiting?.resolve(message.result);
      } else {
        waiting?.reject(new Error(message.error));
      }
    } else {
      (this.handlers.get(message.kind) as ((message: ToPage) => void) | undefined)?.(message);
    }
  }
}
