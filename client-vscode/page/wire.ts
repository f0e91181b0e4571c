// What the page and whoever shows it say to each other: plain messages, so that VS Code, a browser and another editor
// can be the host alike. The host forwards `zi.*` to the server and does `editor.*` itself.

/** What the chat page may ask of the server, through the host. */
export const CHAT_METHODS = ["zi.run", "zi.commands", "zi.mentions", "zi.conversation"] as const;

/** What the page of models and keys may ask of it. Those with a slash are requests, the others commands. */
export const MODELS_METHODS = [
  "zi.run",
  "zi.roles",
  "zi.setRole",
  "zi.models",
  "zi.removeModel",
  "zi.measureModel",
  "zi.modelsChanged",
  "zi.providers",
  "zi/setKey",
  "zi/deleteKey",
] as const;

/** Requests to the host itself: `editor.copy` {text}, `editor.insert` {text}, `editor.apply` {text}, `editor.open`
 *  {path, line}, `editor.save` {name, text}, `editor.answer` {id, answer}. */
export const EDITOR_METHODS = [
  "editor.copy",
  "editor.insert",
  "editor.apply",
  "editor.open",
  "editor.save",
  "editor.answer",
] as const;

export type Method = (typeof CHAT_METHODS)[number] | (typeof MODELS_METHODS)[number] | (typeof EDITOR_METHODS)[number];

export type FromPage =
  | { readonly kind: "ready" }
  | { readonly kind: "request"; readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly kind: "cancel"; readonly id: number };

export type ToPage =
  | { readonly kind: "response"; readonly id: number; readonly result?: unknown; readonly error?: string }
  | { readonly kind: "progress"; readonly id: number; readonly value: Streamed }
  | { readonly kind: "server"; readonly running: boolean; readonly message: string }
  | { readonly kind: "place"; readonly place: Place | null }
  /** Somebody asked for a command elsewhere, as in a menu; one that wants words is written into the input. */
  | { readonly kind: "run"; readonly text: string; readonly place?: Target }
  | { readonly kind: "question"; readonly id: number; readonly question: Question }
  | { readonly kind: "withdrawn"; readonly id: number };

/** What the editor looks at, for a person. */
export interface Place {
  readonly path: string;
  /** Lines from 1; both 0 where nothing is selected. */
  readonly first: number;
  readonly last: number;
}

/** What a command is about, as `zi.run` takes it. */
export interface Target {
  readonly uri: string;
  readonly range: unknown;
  readonly problems?: readonly string[];
}

/** The value of `$/progress`; `seq` counts from 1. */
export interface Streamed {
  readonly seq: number;
  readonly events: readonly StreamEvent[];
}

export interface SentPiece {
  readonly name: string;
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
}

export type StreamEvent =
  | { readonly kind: "begun" }
  | { readonly kind: "delta"; readonly text: string }
  | { readonly kind: "notice"; readonly text: string; readonly level: "info" | "warning" }
  | { readonly kind: "toolstarted"; readonly id: string; readonly tool: string; readonly summary: string }
  | { readonly kind: "toolended"; readonly id: string; readonly ok: boolean; readonly summary: string }
  | {
      readonly kind: "proposed";
      readonly title: string;
      readonly diff: string;
      readonly files: readonly { readonly path: string; readonly kind: string }[];
    }
  | { readonly kind: "sent"; readonly pieces: readonly SentPiece[]; readonly tokens: number; readonly window: number }
  | {
      readonly kind: "used";
      readonly model: string;
      readonly input_tokens: number;
      readonly output_tokens: number;
      readonly cost: number | null;
    }
  | {
      readonly kind: "progress";
      readonly title: string;
      readonly done: number;
      readonly total: number | null;
      readonly detail: string;
    };

/** What `zi.run` answers. */
export interface Answer {
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly error: { readonly message: string; readonly hint: string } | null;
}

/** What `zi/approve` asks. */
export interface Question {
  readonly tool: string;
  readonly summary: string;
  readonly detail: string;
  readonly reason: string;
  /** The rule that "always" would add; "" where there may be none. */
  readonly rule: string;
  readonly project: string;
}

export type Verdict = "once" | "session" | "always" | "never";

export interface Command {
  readonly name: string;
  readonly title: string;
  readonly usage: string;
  readonly details: string;
}

export interface Mention {
  readonly text: string;
  readonly label: string;
  readonly detail: string;
  /** Whether more may follow, as behind a folder. */
  readonly open: boolean;
}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly at: number;
  readonly command: string;
  readonly context: readonly { readonly path: string; readonly start: number; readonly end: number }[];
  readonly model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost: number | null;
  readonly seconds: number;
}

/** What `zi.conversation` answers. */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly turns: readonly Turn[];
  readonly markdown: string;
}

/** One line of `/history`. */
export interface Listed {
  readonly id: string;
  readonly title: string;
  readonly turns: number;
  readonly model: string;
  readonly at: number;
}

/** One line of `zi.roles`. */
export interface RoleRow {
  readonly role: string;
  /** As it is set: "" stands for the model of `chat`. */
  readonly model: string;
  /** The model that this comes to, "" for none. */
  readonly answers: string;
  readonly source: string;
  readonly fallbacks: readonly string[];
  readonly temperature: number;
  readonly problem: string;
  readonly health: string;
}

/** One model of `/model list`. */
export interface Offer {
  readonly name: string;
  readonly size: number | null;
  readonly installed: boolean;
  readonly summary: string;
}

/** One model of `zi.models`; sizes in bytes. */
export interface LocalModel {
  readonly name: string;
  readonly summary: string;
  readonly parameters: string;
  readonly licence: string;
  readonly good_for: readonly string[];
  readonly size: number;
  readonly state: "installed" | "partial" | "damaged" | "absent";
  readonly measurable: boolean;
  readonly first_token_ms: number | null;
  readonly tokens_per_s: number | null;
  readonly memory_bytes: number | null;
  readonly error: string;
  readonly loaded: boolean;
}

/** What `zi.models` answers. */
export interface ModelsTable {
  readonly models: readonly LocalModel[];
  /** Bytes that the engine's process has now; 0 while it does not run. */
  readonly memory: number;
}

/** One line of `zi.providers`. It says whether there is a key, and never which. */
export interface ProviderRow {
  readonly name: string;
  readonly title: string;
  readonly needs_key: boolean;
  readonly own_address: boolean;
  readonly installs: boolean;
  readonly key: "" | "environment" | "keyring" | "file";
}
