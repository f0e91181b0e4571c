// What happens beside the words of an answer: tools, questions, proposed edits, notices.

import { button, element } from "./element";
import { coloured } from "./code";
import type { Question, StreamEvent, Verdict } from "./wire";

type Proposed = Extract<StreamEvent, { kind: "proposed" }>;

/** Longer diffs show their beginning only; the editor shows all of them. */
const MOST_DIFF = 20_000;

/** One use of a tool, folded up. */
export class Step {
  readonly root: HTMLDetailsElement;
  private readonly mark = element("span", { class: "mark", "aria-hidden": "true" }, "…");
  private readonly state = element("span", { class: "sr" }, " is running");

  constructor(tool: string, summary: string) {
    const head = element("summary", {}, this.mark, element("b", {}, tool), ` ${firstLine(summary)}`, this.state);
    this.root = element("details", { class: "step" }, head, element("pre", { tabindex: "0" }, summary));
  }

  end(ok: boolean, summary: string): void {
    this.mark.textContent = ok ? "✓" : "✗";
    this.state.textContent = ok ? " is done" : " failed";
    this.root.classList.add(ok ? "ok" : "failed");
    this.root.append(element("pre", { tabindex: "0" }, summary));
  }
}

/** A question that waits for a person's word. `answer` is called once. */
export class Asked {
  readonly root: HTMLElement;
  private open = true;

  constructor(
    private readonly question: Question,
    private readonly answer: (verdict: Verdict) => void,
  ) {
    const { tool, summary, detail, reason, rule, project } = question;
    const buttons = [this.choice("Allow once", "once"), this.choice("Allow for this session", "session")];
    if (rule) {
      buttons.push(this.choice(`Always allow ${rule}`, "always"));
    }
    buttons.push(this.choice("Deny", "never"));
    const facts = element("dl", {}, ...fact("What", `${tool}: ${summary}`), ...fact("Where", project), ...fact("Why asked", reason));
    this.root = element(
      "section",
      { class: "question", role: "group", tabindex: "-1", "aria-label": `Zi asks for permission: ${summary}` },
      element("h3", {}, "May Zi do this?"),
      facts,
      ...(detail ? [element("pre", { tabindex: "0", role: "region", "aria-label": "Details" }, detail)] : []),
      element("div", { class: "buttons" }, ...buttons),
    );
  }

  /** The question itself gets the focus and no button of it: a key that was meant for something else says no yes. */
  focus(): void {
    this.root.focus();
  }

  /** It is no longer waited for. */
  withdraw(): void {
    this.settle("not answered");
  }

  private choice(label: string, verdict: Verdict): HTMLButtonElement {
    return button(label, () => {
      if (this.open) {
        this.settle({ once: "allowed once", session: "allowed for this session", always: "always allowed", never: "denied" }[verdict]);
        this.answer(verdict);
      }
    });
  }

  private settle(outcome: string): void {
    if (this.open) {
      this.open = false;
      this.root.className = "step";
      this.root.replaceChildren(`${this.question.tool}: ${firstLine(this.question.summary)} – ${outcome}`);
    }
  }
}

export function proposal({ title, diff, files }: Proposed): HTMLElement {
  const names = files.map(({ path, kind }) => (kind === "change" ? path : `${path} (${kind})`)).join(", ");
  const text = diff.length > MOST_DIFF ? `${diff.slice(0, MOST_DIFF)}\n… (the editor shows the rest)` : diff;
  const code = element("code");
  code.append(coloured(text, "diff"));
  return element(
    "details",
    { class: "step proposal", open: true },
    element("summary", {}, element("b", {}, title), ` ${names}`),
    element("pre", { tabindex: "0", role: "region", "aria-label": `Changes of ${names}` }, code),
  );
}

export function notice(text: string, level: "info" | "warning" | "error"): HTMLElement {
  return element("p", { class: `notice ${level}` }, ...worded(text));
}

function fact(name: string, value: string): HTMLElement[] {
  return value ? [element("dt", {}, name), element("dd", {}, ...worded(value))] : [];
}

/** A sentence in which names stand between backticks. */
function worded(text: string): (string | HTMLElement)[] {
  return text.split(/`([^`\n]+)`/).map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function firstLine(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
