// One connection to one server process. A restart makes a new one.

import { createInterface } from "node:readline";
import { commands, MarkdownString, Uri, workspace, type Disposable, type LogOutputChannel, type TextDocument, type TextEditor } from "vscode";
import {
  CancellationToken,
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  ProgressType,
  RevealOutputChannelOn,
  type ApplyWorkspaceEditParams,
  type ApplyWorkspaceEditResult,
  type CodeAction,
  type Command,
  type HandlerResult,
  type LanguageClientOptions,
  type MessageTransports,
  type MessageSignature,
  type WorkspaceEdit as ProtocolEdit,
} from "vscode-languageclient/node";
import type { Question, Streamed, Verdict } from "../page/wire";
import { explicitSettings } from "./config";
import { REVIEW } from "./protocol";
import { confirmed, isDoubtful, type Choice } from "./review";
import type { ServerCommand } from "./server";
import type { Suggestions } from "./snooze";
import type { Status } from "./status";

/** Where documents live that the server is told about. */
const SCHEMES = ["file", "untitled"];
const START_MS = 30_000;
const LAST_WORDS_MS = 1_000;
const STEP_MS = 50;
const NO_SERVER = "what it says is not the language server protocol.";
/** Commands behind links of hovers, and nothing else may be behind one. */
const LINKED = ["zi.explainSymbol", "zi.explainBriefly"];
/** Commands of links and lenses whose place is the chat. */
const IN_CHAT = new Map([
  ["zi.explainSymbol", "zi.chat.explain"],
  ["zi.testSymbol", "zi.chat.test"],
  ["zi.documentSymbol", "zi.chat.doc"],
]);
/** Requests that answer code actions. */
const ACTIONS = new Set(["textDocument/codeAction", "codeAction/resolve"]);
const STREAMED = new ProgressType<Streamed>();
/** The server's commands that answer with the state of its suggestions. */
const SWITCHES = new Set(["zi.snooze", "zi.resume", "zi.toggleSuggestions"]);

export interface ClientEvents {
  onStatus(status: Status): void;
  onSuggestions(suggestions: Suggestions): void;
  /** The server asks for a person's word. */
  onQuestion(question: Question, token: CancellationToken): Promise<{ answer: Verdict }>;
  /** A change that is to be looked at first. */
  onChange(label: string, edit: ProtocolEdit): Promise<Choice>;
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
  private readonly events: ClientEvents;

  constructor(options: ClientOptions) {
    const lastWords = { line: "" };
    const { command, args } = options.server;
    super("zi", "Zi Coder", { command, args: [...args], options: { cwd: options.cwd } }, clientOptions(options, lastWords));
    this.lastWords = lastWords;
    this.events = options;
    this.onNotification("zi/status", (status: Status) => {
      options.onStatus(status);
    });
    this.onRequest("zi/approve", (question: Question, token: CancellationToken) => options.onQuestion(question, token));
    this.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { zi: { approve: true, links: true } };
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

  /** No key reaches the log, however much is logged. */
  override trace(message: string, data?: unknown): void {
    super.trace(message, message.includes("zi/setKey") ? undefined : data);
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
      // A process that dies on the way says more on standard error than the broken connection does, and a moment later.
      await this.lastLine();
      throw new Error(this.lastWords.line || (error instanceof Error ? error.message : String(error)), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for something on standard error, but not for long. */
  private async lastLine(): Promise<void> {
    for (let waited = 0; this.lastWords.line === "" && waited < LAST_WORDS_MS; waited += STEP_MS) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }

  /** A program that is no server is ended at its first words: the library would keep and search all that it says. */
  protected override async createMessageTransports(encoding: string): Promise<MessageTransports> {
    const transports = await super.createMessageTransports(encoding);
    const server = this.serverProcess;
    server?.stdout?.once("data", (first: Buffer) => {
      if (!/^content-/i.test(first.toString("latin1", 0, 8))) {
        this.lastWords.line = NO_SERVER;
        server.kill("SIGKILL");
      }
    });
    return transports;
  }

  /** Ends the server, whatever state it is in. */
  async end(): Promise<void> {
    try {
      await this.stop();
    } catch {
      // A server that cannot be asked is killed by the library two seconds later.
    }
  }

  /** Runs a command of the server. */
  execute<R>(command: string, args: readonly unknown[], token: CancellationToken): Promise<R> {
    return this.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] }, token) as Promise<R>;
  }

  /** Hears what a command streams under this token. */
  hear(token: string, told: (value: Streamed) => void): Disposable {
    return this.onProgress(STREAMED, token, told);
  }

  /** Without the values: the server asks for them, and `explicitSettings` answers. */
  settingsChanged(): Promise<void> {
    return this.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
  }

  /** Applies an edit of the server that the person may first have to look at. */
  async review(label: string, edit: ProtocolEdit): Promise<void> {
    const result = await accepted({ label, edit }, async (params) => {
      if (hasChanged(params.edit)) {
        return { applied: false, failureReason: "a file has changed meanwhile" };
      }
      const made = await this.protocol2CodeConverter.asWorkspaceEdit(params.edit);
      return { applied: await workspace.applyEdit(made) };
    }, this.events);
    if (!result.applied && result.failureReason) {
      this.info(`${label}: ${result.failureReason}`);
    }
  }

  trustGranted(): Promise<void> {
    return this.sendNotification("zi/trustGranted", {});
  }

  /** The suggestion that stands at the cursor was dismissed by hand. */
  dismissed({ document, selection }: TextEditor): void {
    const { code2ProtocolConverter: convert } = this;
    const params = { textDocument: convert.asTextDocumentIdentifier(document), position: convert.asPosition(selection.active) };
    this.sendNotification("zi/suggestionRejected", params).catch((error: unknown) => {
      this.debug(`zi/suggestionRejected was not sent: ${String(error)}`, undefined, false);
    });
  }

  handles(document: TextDocument): boolean {
    return SCHEMES.includes(document.uri.scheme);
  }
}

type SendRequest<P, R> = (type: string | MessageSignature, param?: P, token?: CancellationToken) => Promise<R>;

/** Code actions whose edit is to be looked at show it by our command, instead of VS Code's preview with nothing ticked. */
function reviewed<R>(answer: R): R {
  const each = (action: CodeAction): CodeAction => {
    const { edit, ...rest } = action;
    return edit && isDoubtful(edit) ? { ...rest, command: { title: action.title, command: REVIEW, arguments: [action.title, edit] } } : action;
  };
  if (Array.isArray(answer)) {
    return answer.map((one: CodeAction | Command) => (typeof one.command === "string" ? one : each(one as CodeAction))) as R;
  }
  return answer ? (each(answer as unknown as CodeAction) as R) : answer;
}

type Apply = (params: ApplyWorkspaceEditParams) => HandlerResult<ApplyWorkspaceEditResult, void>;

/** Has the person look at edits that are to be looked at, then applies them: all, or what is ticked in VS Code's preview. */
async function accepted(params: ApplyWorkspaceEditParams, apply: Apply, events: Pick<ClientEvents, "onChange">): Promise<ApplyWorkspaceEditResult> {
  if (!workspace.isTrusted) {
    return { applied: false, failureReason: "the workspace is not trusted" };
  }
  if (!isDoubtful(params.edit)) {
    return apply(params) as Promise<ApplyWorkspaceEditResult>;
  }
  const choice = await events.onChange(params.label ?? "A change", params.edit);
  if (choice === "none") {
    return { applied: false, failureReason: "it was discarded" };
  }
  return ticked(choice === "all" ? { ...params, edit: confirmed(params.edit) } : params, apply);
}

/** Whether an open document is no longer what the edit was made for. */
function hasChanged({ documentChanges = [] }: ProtocolEdit): boolean {
  return documentChanges.some((change) => {
    if (!("textDocument" in change) || change.textDocument.version === null) {
      return false;
    }
    const { uri, version } = change.textDocument;
    const document = workspace.textDocuments.find((one) => one.uri.toString() === Uri.parse(uri).toString());
    return document !== undefined && document.version !== version;
  });
}

/** VS Code calls edits applied when none was ticked, too: then no document has changed. */
async function ticked(params: ApplyWorkspaceEditParams, apply: Apply): Promise<ApplyWorkspaceEditResult> {
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
    initializationOptions: { trusted: workspace.isTrusted, otherSuggestions: true },
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
      sendRequest: async <P, R>(type: string | MessageSignature, param: P | undefined, token: CancellationToken | undefined, next: SendRequest<P, R>): Promise<R> => {
        const answer = await next(type, param, token);
        return ACTIONS.has(typeof type === "string" ? type : type.method) ? reviewed(answer) : answer;
      },
      provideHover: async (document, position, token, next) => {
        const hover = await next(document, position, token);
        for (const content of hover?.contents ?? []) {
          if (content instanceof MarkdownString) {
            content.isTrusted = { enabledCommands: LINKED };
          }
        }
        return hover;
      },
      executeCommand: async (command, args, next) => {
        const inChat = IN_CHAT.get(command);
        if (inChat) {
          return commands.executeCommand(inChat, ...(args as unknown[]));
        }
        const answer: unknown = await next(command, args);
        if (answer && SWITCHES.has(command)) {
          options.onSuggestions(answer as Suggestions);
        }
        return answer;
      },
      workspace: {
        handleApplyEdit: (params, next) => accepted(params, (edit) => next(edit, CancellationToken.None), options),
        configuration: (params, token, next) =>
          params.items.every(({ section }) => section === "zi")
            ? params.items.map(() => explicitSettings(options.settingNames))
            : next(params, token),
      },
    },
  };
}
