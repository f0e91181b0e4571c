// Answers what the page asks: the server's part is passed on, the editor's part is done here. Nothing else is possible.

import { CancellationTokenSource, type Disposable } from "vscode";
import type { FromPage, Streamed, ToPage } from "../../page/wire";
import type { ZiClient } from "../client";
import type { Review } from "../review";
import { applyAsDiff, copy, currentTarget, insert, openFile, saveAs } from "./editor";

type Request = Extract<FromPage, { kind: "request" }>;
type Response = Extract<ToPage, { kind: "response" }>;

export class PageRequests implements Disposable {
  private readonly sources = new Map<number, CancellationTokenSource>();
  private readonly commands = new Set<number>();
  private last = 0;
  private readonly prefix = `zi-chat-${Math.random().toString(36).slice(2)}`;

  constructor(
    private readonly client: () => ZiClient | undefined,
    /** What this page may ask of the server. */
    private readonly allowed: readonly string[],
    private readonly progress: (id: number, value: Streamed) => void,
    /** Where changes are shown; undefined for a page that may do nothing in the editor. */
    private readonly review?: Review,
  ) {}

  /** Whether a command runs. */
  get running(): boolean {
    return this.commands.size > 0;
  }

  cancel(id: number): void {
    this.sources.get(id)?.cancel();
    if (this.commands.has(id)) {
      this.review?.discard();
    }
  }

  dispose(): void {
    for (const source of this.sources.values()) {
      source.cancel();
    }
  }

  /** Never throws: what goes wrong becomes a sentence. */
  async answer({ id, method, params }: Request): Promise<Response> {
    try {
      const result = await (this.allowed.includes(method) ? this.ask(id, method, params) : this.act(method, params));
      return { kind: "response", id, result: result ?? null };
    } catch (error) {
      return { kind: "response", id, error: error instanceof Error ? error.message : String(error) };
    }
  }

  private async ask(id: number, method: string, params: unknown): Promise<unknown> {
    const client = this.client();
    if (!client) {
      throw new Error("The server is not running.");
    }
    const source = new CancellationTokenSource();
    this.sources.set(id, source);
    let told: Disposable | undefined;
    try {
      if (method.includes("/")) {
        return await client.sendRequest(method, params, source.token);
      }
      if (method !== "zi.run") {
        return await client.execute(method, params as unknown[], source.token);
      }
      this.commands.add(id);
      const token = `${this.prefix}-${(this.last += 1)}`;
      told = client.hear(token, (value) => {
        this.progress(id, value);
      });
      const given = { ...invocation(client, params as Invocation), token };
      return await client.execute(method, [given], source.token);
    } catch (error) {
      // A connection that has gone says so in the library's words.
      throw this.client() === client ? error : new Error("The server stopped before the answer was complete.");
    } finally {
      told?.dispose();
      this.commands.delete(id);
      this.sources.delete(id);
      source.dispose();
    }
  }

  private async act(method: string, params: unknown): Promise<void> {
    const { text = "", path = "", line = 1, name = "" } = params as { text?: string; path?: string; line?: number; name?: string };
    if (!this.review) {
      throw new Error("This page may do nothing in the editor.");
    }
    switch (method) {
      case "editor.copy":
        return copy(text);
      case "editor.insert":
        return insert(text);
      case "editor.apply":
        return applyAsDiff(text, this.review);
      case "editor.open":
        return openFile(path, line);
      case "editor.save":
        return saveAs(name, text);
      default:
        throw new Error(`The page asked for ${method}, which there is not.`);
    }
  }
}

interface Invocation {
  readonly about?: boolean;
  readonly uri?: string;
}

/** What is sent with a command: what the page said it is about, else what the editor looks at. */
function invocation(client: ZiClient, { about, ...params }: Invocation): object {
  return params.uri === undefined && about === true ? { ...currentTarget(client), ...params } : params;
}
