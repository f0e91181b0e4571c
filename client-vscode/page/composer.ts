// Where one writes: the text, what it is about, completion of `/commands` and `@mentions`, send and stop.

import { byId, element } from "./element";
import type { Command, Mention, Place } from "./wire";

export interface ComposerActions {
  send(text: string): void;
  stop(): void;
  /** `anew` asks for them once more: some may have come or gone. */
  commands(anew: boolean): Promise<readonly Command[]>;
  mentions(typed: string): Promise<readonly Mention[]>;
  edited(text: string): void;
}

interface Option {
  /** What is put in the place of what was typed. */
  readonly text: string;
  readonly label: string;
  readonly detail: string;
  readonly open: boolean;
}

const MOST_OPTIONS = 12;

export class Composer {
  private readonly input = byId<HTMLTextAreaElement>("input");
  private readonly list = byId("options");
  private readonly sendButton = byId<HTMLButtonElement>("send");
  private readonly stopButton = byId<HTMLButtonElement>("stop");
  private readonly about = byId<HTMLButtonElement>("about");
  private options: readonly Option[] = [];
  private chosen = 0;
  /** Where the text that is being completed begins. */
  private from = 0;
  private asked = 0;
  private where: Place | null = null;
  private running = false;

  constructor(private readonly actions: ComposerActions) {
    byId<HTMLFormElement>("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.stopButton.addEventListener("click", () => { actions.stop(); });
    this.input.addEventListener("keydown", (event) => { this.onKey(event); });
    this.input.addEventListener("input", () => { this.onInput(); });
    this.input.addEventListener("blur", () => { this.close(); });
    this.about.addEventListener("click", () => {
      this.about.setAttribute("aria-pressed", String(!this.aboutIncluded));
      this.showPlace();
    });
  }

  /** Whether what the editor looks at is to be sent along. */
  get aboutIncluded(): boolean {
    return this.about.getAttribute("aria-pressed") === "true";
  }

  write(text: string): void {
    this.input.value = text;
    this.fit();
    this.focus();
  }

  focus(): void {
    this.input.focus();
    this.input.selectionStart = this.input.selectionEnd = this.input.value.length;
  }

  setRunning(running: boolean): void {
    this.running = running;
    this.sendButton.hidden = running;
    this.stopButton.hidden = !running;
  }

  setPlace(place: Place | null): void {
    this.where = place;
    this.showPlace();
  }

  private showPlace(): void {
    this.about.hidden = this.where === null;
    if (this.where) {
      const { path, first, last } = this.where;
      const lines = first ? `:${first}${last > first ? `-${last}` : ""}` : "";
      this.about.textContent = `${this.aboutIncluded ? "" : "not "}about ${path}${lines}`;
    }
  }

  private send(): void {
    const text = this.input.value.trim();
    if (text && !this.running) {
      this.write("");
      this.close();
      this.actions.edited("");
      this.actions.send(text);
    }
  }

  private onInput(): void {
    this.fit();
    this.actions.edited(this.input.value);
    void this.complete();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) {
      return; // Enter belongs to the input method then.
    }
    if (!this.list.hidden) {
      const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
      const step = steps[event.key];
      if (step !== undefined) {
        this.choose((this.chosen + step + this.options.length) % this.options.length);
      } else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) {
        this.take(this.chosen);
      } else if (event.key === "Escape") {
        this.close();
      } else {
        return;
      }
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.running) {
      this.actions.stop();
    }
  }

  private async complete(): Promise<void> {
    const number = (this.asked += 1);
    const { value, selectionStart: at } = this.input;
    const before = value.slice(0, at);
    const slash = /^\/([\w-]*)$/.exec(before);
    const mention = /(?:^|\s)@([^\s]*)$/.exec(before);
    let found: readonly Option[] = [];
    try {
      if (slash) {
        this.from = 0;
        found = matching(await this.actions.commands(slash[1] === ""), slash[1] ?? "");
      } else if (mention) {
        this.from = at - (mention[1] ?? "").length - 1;
        found = await this.actions.mentions(mention[1] ?? "");
      }
    } catch {
      found = []; // Without the server there is nothing to offer, which its state says already.
    }
    if (number === this.asked) {
      this.offer(found.slice(0, MOST_OPTIONS));
    }
  }

  private offer(options: readonly Option[]): void {
    this.options = options;
    this.list.hidden = options.length === 0;
    this.list.replaceChildren(
      ...options.map(({ label, detail }, index) => {
        const row = element("li", { id: `option-${index}`, role: "option" }, element("b", {}, label), ` ${detail}`);
        row.addEventListener("mousedown", (event) => {
          event.preventDefault(); // The input keeps the focus.
          this.take(index);
        });
        return row;
      }),
    );
    if (options.length > 0) {
      this.choose(0);
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  private choose(index: number): void {
    this.chosen = index;
    for (const [at, row] of [...this.list.children].entries()) {
      row.setAttribute("aria-selected", String(at === index));
      if (at === index) {
        row.scrollIntoView({ block: "nearest" });
      }
    }
    this.input.setAttribute("aria-activedescendant", `option-${index}`);
  }

  private take(index: number): void {
    const option = this.options[index];
    if (option) {
      const end = this.input.selectionStart;
      const text = option.open ? option.text : `${option.text} `;
      this.input.setRangeText(text, this.from, end, "end");
      this.close();
      this.onInput();
    }
  }

  private close(): void {
    this.asked += 1;
    this.offer([]);
  }

  private fit(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 200)}px`;
  }
}

function matching(commands: readonly Command[], typed: string): Option[] {
  return commands
    .filter(({ name }) => name.startsWith(typed.toLowerCase()))
    .map(({ name, title }) => ({ text: `/${name}`, label: `/${name}`, detail: title, open: false }));
}
