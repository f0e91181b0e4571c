// Starts, replaces and gives up on the server: one thing at a time, and one message for each failure.

import { mkdir } from "node:fs/promises";
import { commands, window, type Disposable, type ExtensionContext, type LogOutputChannel } from "vscode";
import type { ClientEvents, ZiClient } from "./client";
import { serverSettingNames } from "./config";
import { bundledWheel, chosenWheel, installServer, outdated, type Extent } from "./install";
import { BadServerPath, findServer, type Origin, type ServerCommand } from "./server";
import type { StatusItem } from "./status";

const RUNNING_KEY = "zi.serverRunning";
/** So often within the window it is started again by itself. */
const RESTARTS = 5;
const CRASH_WINDOW_MS = 180_000;
const BACKOFF_MS = 1_000;

export interface LifecycleEvents extends Pick<ClientEvents, "onQuestion" | "onChange"> {
  /** A server has come or gone. */
  onChanged(): void;
}

export class Lifecycle implements Disposable {
  private current: ZiClient | undefined;
  private currentOrigin: Origin | undefined;
  private queue: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private crashes: number[] = [];
  private backoff: NodeJS.Timeout | undefined;
  private installing = false;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
    private readonly status: StatusItem,
    private readonly events: LifecycleEvents,
  ) {}

  /** The running client, or undefined. */
  get client(): ZiClient | undefined {
    return this.current;
  }

  /** Where the running server was found; undefined when there is none. */
  get origin(): Origin | undefined {
    return this.currentOrigin;
  }

  /** Requests are served one after the other; those that come while one waits share it. */
  restart(): Promise<void> {
    clearTimeout(this.backoff);
    this.waiting ??= this.enqueue(async () => {
      this.waiting = undefined;
      await this.replace();
    });
    return this.waiting;
  }

  /** A restart the user asked for: earlier crashes are forgotten. */
  restartByHand(): Promise<void> {
    this.crashes = [];
    return this.restart();
  }

  stop(): Promise<void> {
    clearTimeout(this.backoff);
    return this.enqueue(() => this.end());
  }

  dispose(): void {
    clearTimeout(this.backoff);
  }

  private enqueue(job: () => Promise<void>): Promise<void> {
    const done = this.queue.then(job);
    this.queue = done.catch((error: unknown) => {
      this.log.error(error instanceof Error ? error : String(error));
    });
    return this.queue;
  }

  private async replace(): Promise<void> {
    await this.end();
    this.status.showLocal("starting", "The server is starting.");
    let server: ServerCommand | undefined;
    try {
      server = await findServer(this.context, this.log);
    } catch (error) {
      if (!(error instanceof BadServerPath)) {
        throw error;
      }
      this.fail(error.message, "Correct the setting `zi.server.path`.", "Open Settings");
      return;
    }
    if (server) {
      await this.begin(server);
    } else if (this.installing) {
      this.status.showLocal("stopped", "The server is being installed.");
    } else {
      this.status.showLocal("stopped", "The server is not installed.", "Run *Zi: Restart Server* to install it.");
      this.detach(this.offerInstallation());
    }
  }

  private async begin(server: ServerCommand): Promise<void> {
    const cwd = this.context.globalStorageUri.fsPath;
    await mkdir(cwd, { recursive: true });
    // The language client takes most of the time that loading this extension would take, so that it comes after it.
    const { ZiClient } = await import("./client");
    const client = new ZiClient({
      server,
      cwd,
      log: this.log,
      settingNames: serverSettingNames(this.context.extension.packageJSON),
      onStatus: (status) => {
        this.status.show(status);
      },
      onSuggestions: (suggestions) => {
        this.status.showSuggestions(suggestions);
      },
      onQuestion: this.events.onQuestion,
      onChange: this.events.onChange,
      onClosed: () => {
        this.crashed(client);
      },
    });
    try {
      await client.startWithin();
    } catch (error) {
      void client.end();
      this.fail(`The server could not start: ${(error as Error).message}`, "See the log for more.", "Try Again");
      return;
    }
    this.current = client;
    this.currentOrigin = server.origin;
    await commands.executeCommand("setContext", RUNNING_KEY, true);
    this.events.onChanged();
    const extent = server.origin === "private" ? outdated(this.context) : undefined;
    if (extent) {
      this.detach(this.offerUpdate(extent));
    }
  }

  private async end(): Promise<void> {
    const client = this.forget();
    await client?.end();
  }

  private forget(): ZiClient | undefined {
    const client = this.current;
    this.current = undefined;
    this.currentOrigin = undefined;
    void commands.executeCommand("setContext", RUNNING_KEY, false);
    if (client) {
      this.events.onChanged();
    }
    return client;
  }

  private crashed(client: ZiClient): void {
    if (client !== this.current) {
      return; // It died while starting, which `begin` reports, or it has been replaced.
    }
    this.forget();
    const now = Date.now();
    this.crashes = [...this.crashes.filter((time) => now - time < CRASH_WINDOW_MS), now];
    if (this.crashes.length > RESTARTS) {
      this.fail(`The server stopped ${this.crashes.length} times within three minutes.`, "See the log for the cause.", "Restart Server");
      return;
    }
    this.status.showLocal("starting", "The server stopped and is started again.");
    this.backoff = setTimeout(() => void this.restart(), BACKOFF_MS * this.crashes.length);
  }

  /** The one place where a failure reaches the user. */
  private fail(message: string, hint: string, action: "Open Settings" | "Try Again" | "Restart Server"): void {
    this.log.error(message);
    this.status.showLocal("stopped", message, hint);
    this.detach(
      window.showErrorMessage(`Zi Coder: ${message}`, action, "Show Log").then(async (choice) => {
        if (choice === "Show Log") {
          this.log.show();
        } else if (choice === "Open Settings") {
          await commands.executeCommand("workbench.action.openSettings", "zi.server.path");
        } else if (choice) {
          await this.restartByHand();
        }
      }),
    );
  }

  private async offerInstallation(): Promise<void> {
    const bundled = bundledWheel(this.context);
    const install = bundled ? "Install" : "Install from a Wheel…";
    const settings = "Set Path…";
    const choice = await window.showInformationMessage(
      bundled
        ? "Zi Coder needs its language server. Install it into an environment of its own?"
        : "Zi Coder needs its language server. Install it from its wheel into an environment of its own, or set its path.",
      install,
      settings,
    );
    if (choice === settings) {
      await commands.executeCommand("workbench.action.openSettings", "zi.server.path");
    } else if (choice === install) {
      const wheel = bundled ?? (await chosenWheel());
      if (wheel && (await this.install("full", wheel))) {
        await this.restartByHand();
      }
    }
  }

  private async offerUpdate(extent: Extent): Promise<void> {
    const choice = await window.showInformationMessage("A newer Zi Coder server came with the extension.", "Install");
    if (choice) {
      await this.stop(); // Windows cannot replace the files of a running program.
      const wheel = bundledWheel(this.context);
      if (wheel) {
        await this.install(extent, wheel);
      }
      await this.restartByHand();
    }
  }

  /** Two installations at once would be in each other's way. */
  private async install(extent: Extent, wheel: string): Promise<boolean> {
    if (this.installing) {
      return false;
    }
    this.installing = true;
    try {
      return await installServer(this.context, this.log, extent, wheel);
    } finally {
      this.installing = false;
    }
  }

  /** For work that waits on a notification, which may stay open for hours: the queue must not wait with it. */
  private detach(work: PromiseLike<void>): void {
    work.then(undefined, (error: unknown) => {
      this.log.error(error instanceof Error ? error : String(error));
    });
  }
}
