// The status-bar item and its menu. The server says what to show; nothing is decided here.

import { commands, MarkdownString, StatusBarAlignment, ThemeColor, window, type Disposable, type QuickPickItem } from "vscode";
import type { Suggestions } from "./snooze";

export type State = "off" | "starting" | "loading" | "ready" | "busy" | "noModel" | "unavailable" | "crashed" | "stopped";

/** What the server says of the code index. */
export interface IndexStatus {
  readonly state: "off" | "closed" | "indexing" | "ready" | "following" | "failed";
  readonly files: number | null;
  readonly message: string;
  /** What to do, with commands between backticks. */
  readonly hint: string;
}

/** Parameters of the server's `zi/status` notification. */
export interface Status {
  readonly state: State;
  readonly model: string | null;
  readonly message: string;
  readonly hint: string;
  readonly lastLatencyMs: number | null;
  /** How much of the model is loaded, 0 to 100. */
  readonly percent: number | null;
  /** Absent from a status that this client made. */
  readonly index?: IndexStatus;
}

interface Look {
  readonly icon: string;
  readonly label: string;
  readonly background?: "warning" | "error";
}

/** Every icon is a codicon of one width, so the item never moves its neighbours. */
const LOOKS: Record<State, Look> = {
  off: { icon: "circle-slash", label: "off" },
  starting: { icon: "loading~spin", label: "starting" },
  loading: { icon: "loading~spin", label: "loading the model" },
  ready: { icon: "sparkle", label: "ready" },
  busy: { icon: "loading~spin", label: "thinking" },
  noModel: { icon: "cloud-download", label: "no model", background: "warning" },
  unavailable: { icon: "warning", label: "suggestions unavailable", background: "warning" },
  crashed: { icon: "sync~spin", label: "the engine is starting again", background: "warning" },
  stopped: { icon: "debug-disconnect", label: "stopped", background: "warning" },
};

/** In these states it is worth saying that no suggestion comes up by itself. */
const QUIET_STATES: readonly State[] = ["ready", "busy"];

/** Shorter work is not shown: an icon that flashes at every key is a distraction. */
const BUSY_DELAY_MS = 250;

export class StatusItem implements Disposable {
  private readonly item = window.createStatusBarItem("zi.status", StatusBarAlignment.Right, 100);
  private busyTimer: NodeJS.Timeout | undefined;
  private snoozeTimer: NodeJS.Timeout | undefined;
  private rendered: Status | undefined;
  /** Why no suggestion comes up by itself, if none does and the user wants it so. */
  private quiet: { readonly label: string; readonly message: string; readonly snoozed: boolean } | undefined;
  private message = "";

  constructor() {
    this.item.name = "Zi Coder";
    this.item.command = "zi.showMenu";
    this.item.show();
  }

  show(status: Status): void {
    clearTimeout(this.busyTimer);
    if (status.state === "busy") {
      this.busyTimer = setTimeout(() => {
        this.render(status);
      }, BUSY_DELAY_MS);
    } else {
      this.render(status);
    }
  }

  /** What the server answered when they were snoozed, resumed or toggled; it says nothing when a snooze ends. */
  showSuggestions({ active, snoozedSeconds, reason }: Suggestions): void {
    clearTimeout(this.snoozeTimer);
    const snoozed = snoozedSeconds > 0;
    const end = new Date(Date.now() + snoozedSeconds * 1000).toLocaleTimeString([], { timeStyle: "short" });
    const label = snoozed ? `snoozed until ${end}` : "quiet";
    this.quiet = active ? undefined : { label, message: snoozed ? `Suggestions are ${label}.` : reason, snoozed };
    if (snoozed) {
      this.snoozeTimer = setTimeout(() => {
        this.showSuggestions({ active: true, snoozedSeconds: 0, reason: "" });
      }, snoozedSeconds * 1000);
    }
    if (this.rendered) {
      this.render(this.rendered);
    }
  }

  /** A status this client knows by itself, without a server; the session and its switches are over. */
  showLocal(state: State, message: string, hint = ""): void {
    clearTimeout(this.snoozeTimer);
    this.quiet = undefined;
    this.show({ state, message, hint, model: null, lastLatencyMs: null, percent: null });
  }

  async openMenu(serverRunning: boolean): Promise<void> {
    const forServer: (QuickPickItem & { command: string })[] = [
      { label: "$(search) Search the project", description: "by meaning and by name", command: "zi.searchProject" },
      { label: "$(comment-discussion) Open the chat", command: "zi.openChat" },
      { label: "$(chip) Models and keys", description: "which model answers", command: "zi.chooseModels" },
      { label: "$(question) Why no suggestion?", command: "zi.whyNoSuggestion" },
      this.quiet?.snoozed
        ? { label: "$(bell) Resume suggestions", description: this.quiet.label, command: "zi.resume" }
        : { label: "$(bell-slash) Snooze suggestions", description: "for a while", command: "zi.snoozeSuggestions" },
      { label: "$(circle-slash) Toggle suggestions", description: "on or off for this session", command: "zi.toggleSuggestions" },
      { label: "$(trash) Forget suggestion history", description: "and what was learnt from it", command: "zi.forgetHistory" },
      { label: "$(refresh) Restart engine", description: "the process that runs the model", command: "zi.restartEngine" },
    ];
    const always = [
      { label: "$(server-process) Restart server", description: "and look for it again", command: "zi.restartServer" },
      { label: "$(output) Show log", command: "zi.showLog" },
      { label: "$(gear) Open settings", command: "zi.openSettings" },
    ];
    const items = serverRunning ? [...forServer, ...always] : always;
    const choice = await window.showQuickPick(items, { title: "Zi Coder", placeHolder: this.message });
    if (choice) {
      await commands.executeCommand(choice.command);
    }
  }

  dispose(): void {
    clearTimeout(this.busyTimer);
    clearTimeout(this.snoozeTimer);
    this.item.dispose();
  }

  private render(status: Status): void {
    this.rendered = status;
    const quiet = QUIET_STATES.includes(status.state) ? this.quiet : undefined;
    const look = quiet ? { icon: "bell-slash", label: quiet.label } : LOOKS[status.state];
    this.message = quiet?.message ?? status.message;
    this.item.text = `$(${look.icon}) Zi`;
    this.item.tooltip = tooltip(status, look, this.message);
    this.item.accessibilityInformation = { label: `Zi Coder, ${look.label}: ${this.message}` };
    this.item.backgroundColor = look.background && new ThemeColor(`statusBarItem.${look.background}Background`);
  }
}

function tooltip(status: Status, look: Look, message: string): MarkdownString {
  const facts = [
    status.model === null ? "" : `Model: ${literal(status.model)}`,
    status.percent === null ? "" : `Loaded: ${Math.round(status.percent)} %`,
    status.lastLatencyMs === null ? "" : `Last suggestion: ${Math.round(status.lastLatencyMs)} ms`,
    status.index ? `Index: ${indexFact(status.index)}` : "",
  ];
  // Hints name commands between backticks, so they are Markdown; the rest is shown as it is.
  const parts = [`**Zi Coder: ${look.label}**`, literal(message), status.hint, facts.filter(Boolean).join("  \n")];
  return new MarkdownString(parts.filter(Boolean).join("\n\n"));
}

function indexFact({ state, files, message, hint }: IndexStatus): string {
  const reason = [literal(message), hint].filter(Boolean).join(" ");
  const count = files === null ? "" : `, ${files.toLocaleString("en")} files`;
  return reason || `${state === "following" ? "kept up to date by another window" : state}${count}`;
}

function literal(text: string): string {
  return text.replace(/[\\`*_{}[\]()<>#+!|~-]/g, "\\$&");
}
