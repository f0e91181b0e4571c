// One connection to one server process. A restart makes a new one.

import { createInterface } from "node:readline";
import { workspace, type LogOutputChannel, type TextDocument } from "vscode";
import {
  CancellationToken,
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  type ApplyWorkspaceEditParams,
  type ApplyWorkspaceEditResult,
  type HandlerResult,
  type LanguageClientOptions,
} from "vscode-languageclient/node";
import type { Question, Verdict } from "../page/wire";
import { explicitSettings } from "./config";
import type { ServerCommand } from "./server";
import type { Suggestions } from "./snooze";
import type { Status } from "./status";

/** Where documents live that the server is told about. */
const SCHEMES = ["file", "untitled"];
const START_MS = 30_000;
/** The server's commands that answer with the state of its suggestions. */
const SWITCHES = new Set(["zi.snooze", "zi.resume", "zi.toggleSuggestions"]);

export interface ClientEvents {
  onStatus(status: Status): void;
  onSuggestions(suggestions: Suggestions): void;
  /** The server asks for a person's word. */
  onQuestion(question: Question, token: CancellationToken): Promise<{ answer: Verdict }>;
  /** The connection is gone and nobody asked for it. */
  onClosed(): void;
}

export interface ClientOptions extends ClientEvents {
  readonly server: ServerCommand;
  /** Working directory: a neutral folder, so that nothing in a workspace is run by accident. */
  readonly cwd: string;
  readonly log: LogOutputChannel;
  /** Names of the settings the server may ask for. */
  readonly settingNames: readonly string[];
}

export class ZiClient extends LanguageClient {
  private readonly lastWords: { line: string };

  constructor(options: ClientOptions) {
    const lastWords = { line: "" };
    const { command, args } = options.server;
    super("zi", "Zi Coder", { command, args: [...args], options: { cwd: options.cwd } }, clientOptions(options, lastWords));
    this.lastWords = lastWords;
    this.onNotification("zi/status", (status: Status) => {
      options.onStatus(status);
    });
    this.onRequest("zi/approve", (question: Question, token: CancellationToken) => options.onQuestion(question, token));
    this.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { zi: { approve: true } };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
  }

  /** The library would open a notification for every failure; `Lifecycle` tells the user once. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** Like `start`, but a server that never answers counts as failed. Throws an error with a sentence for a person. */
  async startWithin(milliseconds = START_MS): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`it did not answer within ${milliseconds / 1000} seconds.`));
      }, milliseconds);
    });
    try {
      await Promise.race([this.start(), late]);
    } catch (error) {
      // A process that dies on the way says more on standard error than the broken connection does.
      throw new Error(this.lastWords.line || (error instanceof Error ? error.message : String(error)), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the server, whatever state it is in. */
  async end(): Promise<void> {
    try {
      await this.stop();
    } catch {
      // A server that cannot be asked is killed by the library two seconds later.
    }
  }

  /** Without the values: the server asks for them, and `explicitSettings` answers. */
  settingsChanged(): Promise<void> {
    return this.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
  }

  handles(document: TextDocument): boolean {
    return SCHEMES.includes(document.uri.scheme);
  }
}

type Apply = (params: ApplyWorkspaceEditParams) => HandlerResult<ApplyWorkspaceEditResult, void>;

/** Has VS Code show and apply edits. It calls them applied when none was ticked, too: then no document has changed. */
async function accepted(params: ApplyWorkspaceEditParams, apply: Apply): Promise<ApplyWorkspaceEditResult> {
  if (!workspace.isTrusted) {
    return { applied: false, failureReason: "the workspace is not trusted" };
  }
  const seen = { changed: false };
  const watches = [
    workspace.onDidChangeTextDocument(({ contentChanges }) => {
      seen.changed ||= contentChanges.length > 0;
    }),
    ...[workspace.onDidCreateFiles, workspace.onDidDeleteFiles].map((happened) =>
      happened(() => {
        seen.changed = true;
      }),
    ),
  ];
  try {
    const result = await apply(params);
    if (!("applied" in result)) {
      return { applied: false, failureReason: result.message };
    }
    return result.applied && !seen.changed ? { applied: false, failureReason: "none of it was chosen" } : result;
  } finally {
    for (const watch of watches) {
      watch.dispose();
    }
  }
}

function clientOptions(options: ClientOptions, lastWords: { line: string }): LanguageClientOptions {
  const { log } = options;
  return {
    documentSelector: SCHEMES.map((scheme) => ({ scheme })),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: {},
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        options.onClosed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    stdioOptions: {
      stdout: () => undefined,
      // The server logs to standard error at every level; the library would call each line an error.
      stderr: (stream) => {
        createInterface({ input: stream }).on("line", (line) => {
          lastWords.line = line.trim() || lastWords.line;
          log.info(line);
        });
      },
    },
    middleware: {
      executeCommand: async (command, args, next) => {
        const answer: unknown = await next(command, args);
        if (answer && SWITCHES.has(command)) {
          options.onSuggestions(answer as Suggestions);
        }
        return answer;
      },
      workspace: {
        handleApplyEdit: (params, next) => accepted(params, (edit) => next(edit, CancellationToken.None)),
        configuration: (params, token, next) =>
          params.items.every(({ section }) => section === "zi")
            ? params.items.map(() => explicitSettings(options.settingNames))
            : next(params, token),
      },
    },
  };
}
