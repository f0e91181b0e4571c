// The turns of a conversation as they stand on the page.

import { button, element } from "./element";
import type { MarkdownActions } from "./markdown";
import { breathe } from "./slices";
import { Asked, Step, notice, proposal } from "./steps";
import { Stream, renderWhole } from "./stream";
import type { Answer, Question, SentPiece, StreamEvent, Turn, Verdict } from "./wire";

/** More chips say nothing more. */
const MOST_CHIPS = 24;

export function userTurn(text: string): HTMLElement {
  return element("article", { class: "turn user", "aria-label": "You" }, element("p", {}, text));
}

/** An answer while it is made. */
export class LiveTurn {
  readonly root: HTMLElement;
  private readonly chips = element("div", { class: "chips" });
  private readonly body = element("div", { class: "body" });
  /** Questions wait below the words: a word that was said before them may come after them. */
  private readonly asking = element("div");
  private readonly foot = element("footer");
  private readonly bar = element("progress", { "aria-label": "Progress", hidden: true });
  private readonly steps = new Map<string, Step>();
  private readonly questions = new Map<number, Asked>();
  private readonly used = { model: "", read: 0, written: 0, cost: 0 as number | null };
  private readonly began = performance.now();
  private stream: Stream | undefined;
  private said = "";
  private seq = 0;
  private readonly early = new Map<number, readonly StreamEvent[]>();

  constructor(
    private readonly actions: MarkdownActions,
    private readonly changed: () => void,
  ) {
    this.root = element("article", { class: "turn answer live", "aria-label": "Zi" }, this.chips, this.body, this.asking, this.bar, this.foot);
    this.foot.textContent = "Working …";
  }

  /** Events in the order of their numbers, whichever way they came. */
  receive(seq: number, events: readonly StreamEvent[]): void {
    this.early.set(seq, events);
    for (let next = this.early.get(this.seq + 1); next; next = this.early.get(this.seq + 1)) {
      this.seq += 1;
      this.early.delete(this.seq);
      for (const event of next) {
        this.show(event);
      }
    }
    this.changed();
  }

  ask(id: number, question: Question, answer: (verdict: Verdict) => void): void {
    const asked = new Asked(question, (verdict) => {
      this.questions.delete(id);
      this.beside(asked.root);
      answer(verdict);
    });
    this.questions.set(id, asked);
    this.asking.append(asked.root);
    this.changed();
    asked.focus();
  }

  withdraw(id: number): void {
    const asked = this.questions.get(id);
    if (asked) {
      asked.withdraw();
      this.beside(asked.root);
      this.questions.delete(id);
    }
  }

  async finish(answer: Answer): Promise<void> {
    await this.end(answer.error ? "" : answer.text, answer.data["corrected"] === true);
    if (answer.error) {
      this.body.append(notice(`${answer.error.message} ${answer.error.hint}`.trim(), "error"));
    }
  }

  async stop(why: string, level: "info" | "error"): Promise<void> {
    await this.end("", false);
    this.body.append(notice(why, level));
  }

  private async end(text: string, corrected: boolean): Promise<void> {
    for (const id of [...this.questions.keys()]) {
      this.withdraw(id);
    }
    for (const step of this.steps.values()) {
      step.end(false, "It did not come to an end.");
    }
    this.root.classList.remove("live");
    this.bar.hidden = true;
    this.foot.textContent = usage(this.used.model, this.used.read, this.used.written, this.used.cost, (performance.now() - this.began) / 1000);
    await this.settle(text.trim(), corrected);
  }

  /** Brings what was streamed and what the answer says together: the answer counts, pieces may have been lost. */
  private async settle(text: string, corrected: boolean): Promise<void> {
    const last = this.stream?.whole ?? "";
    const told = this.said + last;
    if (text && text !== told.trim() && text !== last.trim()) {
      if (this.said === "") {
        await this.words.finish(text);
        return;
      }
      if (text.startsWith(told.trim())) {
        this.words.append(text.slice(told.trim().length));
      } else if (!corrected) {
        this.beside(element("hr"));
        this.words.append(text);
      }
    }
    await this.stream?.finish("");
  }

  private show(event: StreamEvent): void {
    switch (event.kind) {
      case "delta":
        this.words.append(event.text);
        break;
      case "sent":
        this.chips.replaceChildren(...chips(event.pieces, this.actions), element("span", { class: "chip total" }, tokens(event.tokens, event.window)));
        break;
      case "toolstarted": {
        const step = new Step(event.tool, event.summary);
        this.steps.set(event.id, step);
        this.beside(step.root);
        break;
      }
      case "toolended":
        this.steps.get(event.id)?.end(event.ok, event.summary);
        this.steps.delete(event.id);
        break;
      case "proposed":
        this.beside(proposal(event));
        this.foot.textContent = "The change is shown in the editor, and waits for you.";
        break;
      case "notice":
        this.beside(notice(event.text, event.level));
        break;
      case "used":
        this.used.model = event.model;
        this.used.read += event.input_tokens;
        this.used.written += event.output_tokens;
        this.used.cost = this.used.cost === null || event.cost === null ? null : this.used.cost + event.cost;
        break;
      case "progress":
        this.bar.hidden = event.total === null;
        this.bar.max = event.total ?? 1;
        this.bar.value = event.done;
        this.foot.textContent = `${event.title} ${event.detail}`.trim();
        break;
      case "begun":
        break;
    }
  }

  private get words(): Stream {
    if (!this.stream) {
      const block = element("div", { class: "markdown" });
      this.body.append(block);
      this.stream = new Stream(block, this.actions, this.changed);
    }
    return this.stream;
  }

  /** Puts something between the words: those before it are complete. */
  private beside(what: HTMLElement): void {
    if (this.stream) {
      this.said += this.stream.whole;
      void this.stream.finish("");
      this.stream = undefined;
    }
    this.body.append(what);
  }
}

/** Turns that are already over, a few at a time. */
export async function showTurns(
  log: HTMLElement,
  turns: readonly Turn[],
  actions: MarkdownActions,
  stopped: () => boolean,
): Promise<void> {
  let sent: readonly SentPiece[] = [];
  for (const turn of turns) {
    await breathe();
    if (stopped()) {
      return;
    }
    if (turn.role === "user") {
      log.append(userTurn(turn.text));
      sent = turn.context.map((used) => ({ ...used, name: used.path, tokens: 0 }));
      continue;
    }
    const body = element("div", { class: "body markdown" });
    const foot = element("footer", {}, usage(turn.model, turn.input_tokens, turn.output_tokens, turn.cost, turn.seconds));
    const about = element("div", { class: "chips" }, ...chips(sent, actions));
    log.append(element("article", { class: "turn answer", "aria-label": "Zi" }, about, body, foot));
    sent = [];
    await renderWhole(body, turn.text, actions, stopped);
  }
}

function chips(sent: readonly SentPiece[], actions: MarkdownActions): HTMLElement[] {
  const made = sent.slice(0, MOST_CHIPS).map(({ name, path, start, end, tokens: count }) => {
    const place = path ? `${path.split("/").pop() ?? path}:${start + 1}-${end}` : name;
    const label = `${path ? `${path}, lines ${start + 1} to ${end}` : name}${count ? `, ${count} tokens` : ""} sent`;
    const text = count ? `${place} · ${count}` : place;
    return path
      ? button(text, () => { actions.open(path, start + 1); }, { class: "chip", title: label })
      : element("span", { class: "chip", title: label }, text);
  });
  const more = sent.length - made.length;
  return more > 0 ? [...made, element("span", { class: "chip" }, `${more} more`)] : made;
}

function tokens(count: number, window: number): string {
  return `${count.toLocaleString("en")} of ${window.toLocaleString("en")} tokens`;
}

function usage(model: string, read: number, written: number, cost: number | null, seconds: number): string {
  const parts = [
    model,
    read || written ? `${read.toLocaleString("en")} tokens read, ${written.toLocaleString("en")} written` : "",
    cost ? `${cost.toFixed(4)} $` : "",
    seconds ? `${seconds.toFixed(1)} s` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}
