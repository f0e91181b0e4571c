// The chat page: wires what is written, the server's answers and the conversation's turns together.

import { Bridge } from "./bridge";
import { Composer } from "./composer";
import { button, byId } from "./element";
import { History } from "./history";
import type { MarkdownActions } from "./markdown";
import { LiveTurn, showTurns, userTurn } from "./turns";
import type { Answer, Command, Conversation, Listed, Mention, Target } from "./wire";

/** Pixels from the end within which new text keeps the view at the end. */
const NEAR_END = 60;
const OFFERED = ["explain", "fix", "test", "review", "doc"];

interface Running {
  readonly turn: LiveTurn;
  readonly cancel: () => void;
}

interface Wanted {
  readonly text: string;
  readonly target: Target | undefined;
}

class Chat {
  private readonly bridge = new Bridge();
  private readonly log = byId("log");
  private readonly title = byId("title");
  private readonly state = byId("state");
  private readonly say = byId("say");
  private readonly composer: Composer;
  private readonly history: History;
  private conversation = "";
  private running: Running | undefined;
  private readonly queue: Wanted[] = [];
  private serverRunning = false;
  private known: Promise<readonly Command[]> | undefined;
  /** Counts conversations shown, so that what belongs to an earlier one is dropped. */
  private shown = 0;

  constructor() {
    const { bridge } = this;
    this.composer = new Composer({
      send: (text) => { this.want({ text, target: undefined }); },
      stop: () => { this.running?.cancel(); },
      commands: (anew) => this.commands(anew),
      mentions: (typed) => bridge.ask<Mention[]>("zi.mentions", [typed]),
      edited: (draft) => { bridge.keep({ conversation: this.conversation, draft }); },
    });
    this.history = new History({
      list: async () => (await this.quietly("/history")).data["conversations"] as Listed[],
      resume: (id) => void this.resume(id),
      rename: async (id, title) => { await this.quietly(`/history rename ${id} ${title}`); },
      remove: (id) => this.remove(id),
      save: (id) => void this.save(id),
    });
    byId("new").addEventListener("click", () => { this.begin(); });
    byId("open-history").addEventListener("click", () => void this.history.open());
    bridge.on("server", ({ running, message }) => { this.onServer(running, message); });
    bridge.on("place", ({ place }) => { this.composer.setPlace(place); });
    bridge.on("run", ({ text, place }) => void this.onRun(text, place));
    bridge.on("question", ({ id, question }) => {
      const answer = (verdict: string): void => void bridge.ask("editor.answer", { id, answer: verdict });
      if (this.running) {
        this.announce(`Zi asks for permission: ${question.summary}`);
        this.running.turn.ask(id, question, answer);
      } else {
        answer("never");
      }
    });
    bridge.on("withdrawn", ({ id }) => this.running?.turn.withdraw(id));
    this.greet();
    const kept = bridge.kept;
    if (kept?.draft) {
      this.composer.write(kept.draft);
    }
    this.conversation = kept?.conversation ?? "";
    bridge.ready();
  }

  private get actions(): MarkdownActions {
    const tell = (method: "editor.copy" | "editor.insert" | "editor.apply", done: string) => (text: string): void => {
      this.bridge.ask(method, { text }).then(
        () => { this.announce(done); },
        (error: unknown) => { this.announce((error as Error).message); },
      );
    };
    return {
      copy: tell("editor.copy", "Copied."),
      insert: tell("editor.insert", "Inserted."),
      apply: tell("editor.apply", "The change is shown in the editor."),
      open: (path, line) => {
        this.bridge.ask("editor.open", { path, line }).catch((error: unknown) => { this.announce((error as Error).message); });
      },
    };
  }

  // --- commands

  private want(wanted: Wanted): void {
    this.queue.push(wanted);
    if (!this.running) {
      void this.work();
    }
  }

  private async work(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      await this.run(next);
    }
  }

  private async run({ text, target }: Wanted): Promise<void> {
    if (this.log.querySelector(".greeting")) {
      this.log.replaceChildren();
    }
    const turn = new LiveTurn(this.actions, () => { this.follow(); });
    this.log.append(userTurn(text), turn.root);
    this.log.scrollTop = this.log.scrollHeight;
    const params = {
      text,
      ...(this.conversation ? { conversation: this.conversation } : {}),
      ...(target ?? {}),
      about: this.composer.aboutIncluded,
    };
    const { answer, cancel } = this.bridge.request<Answer>("zi.run", params, ({ seq, events }) => { turn.receive(seq, events); });
    const stop = { asked: false };
    this.running = {
      turn,
      cancel: () => {
        stop.asked = true;
        this.queue.length = 0;
        cancel();
      },
    };
    this.composer.setRunning(true);
    this.announce("Zi is working.");
    try {
      const given = await answer;
      await turn.finish(given);
      this.keepConversation(text, given);
      this.announce(given.error ? given.error.message : "The answer is complete.");
    } catch (error) {
      const why = stop.asked ? "Stopped." : (error as Error).message;
      await turn.stop(why, stop.asked ? "info" : "error");
      this.announce(why);
    } finally {
      this.running = undefined;
      this.composer.setRunning(false);
    }
  }

  private keepConversation(text: string, { data }: Answer): void {
    const identity = data["conversation"];
    if (typeof identity === "string" && identity && identity !== this.conversation) {
      this.conversation = identity;
      this.setTitle(text);
    }
    this.bridge.keep({ conversation: this.conversation, draft: "" });
    if (/^\/clear\b/.test(text)) {
      this.begin();
      this.conversation = typeof identity === "string" ? identity : "";
    }
  }

  /** A command for the page itself, that is no part of the conversation. Throws its error. */
  private async quietly(text: string): Promise<Answer> {
    const answer = await this.bridge.ask<Answer>("zi.run", { text, about: false });
    if (answer.error) {
      this.announce(answer.error.message);
      throw new Error(answer.error.message);
    }
    return answer;
  }

  private commands(anew = false): Promise<readonly Command[]> {
    if (anew) {
      this.known = undefined;
    }
    this.known ??= this.bridge.ask<readonly Command[]>("zi.commands", []).catch((error: unknown) => {
      this.known = undefined;
      throw error;
    });
    return this.known;
  }

  private async onRun(text: string, target: Target | undefined): Promise<void> {
    const name = /^\/([\w-]+)\s*$/.exec(text)?.[1];
    const known = name ? await this.commands().catch(() => []) : [];
    const wantsPrompt = known.some((command) => command.name === name && / PROMPT\b/.test(command.usage));
    if (wantsPrompt) {
      this.composer.write(`${text} `);
    } else {
      this.want({ text, target });
    }
  }

  // --- conversations

  private begin(): void {
    this.shown += 1;
    this.conversation = "";
    this.setTitle("");
    this.greet();
    this.bridge.keep({ conversation: "", draft: "" });
    this.composer.focus();
  }

  private async resume(id: string): Promise<void> {
    if (this.running) {
      this.announce("Stop the answer that is being made first.");
      return;
    }
    const mine = (this.shown += 1);
    let found: Conversation;
    try {
      found = await this.bridge.ask<Conversation>("zi.conversation", [id]);
    } catch (error) {
      this.announce((error as Error).message);
      return;
    }
    this.conversation = found.id;
    this.setTitle(found.title);
    this.bridge.keep({ conversation: found.id, draft: "" });
    this.log.replaceChildren();
    await showTurns(this.log, found.turns, this.actions, () => mine !== this.shown);
    if (mine === this.shown) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }

  private async remove(id: string): Promise<void> {
    await this.quietly(`/history delete ${id}`);
    if (id === this.conversation) {
      this.begin();
    }
  }

  private async save(id: string): Promise<void> {
    try {
      const { title, markdown } = await this.bridge.ask<Conversation>("zi.conversation", [id]);
      await this.bridge.ask("editor.save", { name: title, text: markdown });
    } catch (error) {
      this.announce((error as Error).message);
    }
  }

  private setTitle(title: string): void {
    const [line = ""] = title.split("\n", 1);
    this.title.textContent = line === "" ? "New conversation" : line.slice(0, 80);
  }

  private greet(): void {
    const template = byId<HTMLTemplateElement>("greeting").content.cloneNode(true) as DocumentFragment;
    template.querySelector(".offers")?.append(
      ...OFFERED.map((name) => button(`/${name}`, () => { this.want({ text: `/${name}`, target: undefined }); })),
    );
    this.log.replaceChildren(template);
  }

  // --- state

  private onServer(running: boolean, message: string): void {
    const again = running && !this.serverRunning;
    this.serverRunning = running;
    this.known = undefined;
    this.state.textContent = running ? "" : message;
    this.state.hidden = running;
    if (again && this.conversation && this.log.querySelector(".greeting")) {
      void this.resume(this.conversation);
    }
  }

  /** Keeps the end in view for whoever looks at it. */
  private follow(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END + clientHeight / 2) {
      this.log.scrollTop = scrollHeight;
    }
  }

  /** For screen readers: what changed, in a sentence, and not every word that streams. */
  private announce(text: string): void {
    this.say.textContent = text;
  }
}

new Chat();
