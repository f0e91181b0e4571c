// Roles by models: a drop-down for who answers, those that answer in its place, and how freely.

import { button, byId, element } from "../element";
import type { Offer, RoleRow } from "../wire";
import type { Asking } from "./asking";
import { dot, megabytes, refill } from "./table";

const AUTO = "auto";
/** Stands in a drop-down for a name that is written by hand. */
const OTHER = "\0other";
const WORDS: Readonly<Record<string, string>> = {
  default: "by default", user: "in your settings file", environment: "by the environment", editor: "in the editor's settings",
};

export class RolesPart {
  private readonly body = byId("roles");
  private readonly offers = new Map<string, readonly Offer[]>();
  private rows: readonly RoleRow[] = [];

  constructor(private readonly asking: Asking) {}

  /** What a provider has, for the drop-downs. */
  offer(provider: string, offers: readonly Offer[]): void {
    this.offers.set(provider, offers);
    this.draw();
  }

  show(rows: readonly RoleRow[]): void {
    this.rows = rows;
    this.draw();
  }

  private draw(): void {
    refill(this.body, this.rows.map((row) => this.row(row)));
  }

  private row(row: RoleRow): HTMLElement {
    const { role } = row;
    const model = this.choice(row.model, `Model for ${role}`, `${role}-model`, role === "chat" ? [[AUTO, "auto: the best local one"]] : [["", "as for chat"], [AUTO, "auto: the best local one"]]);
    model.addEventListener("change", () => {
      this.take(model, (value) => this.set(role, "model", value === "" ? null : value), role);
    });
    const added = this.choice(undefined, `Add a model that answers in its place, for ${role}`, `${role}-add`, [["", "add …"]]);
    added.addEventListener("change", () => {
      this.take(added, (value) => this.set(role, "fallbacks", [...row.fallbacks, value]), role);
    });
    const fallbacks = row.fallbacks.map((name) =>
      button(`${name} ×`, () => void this.set(role, "fallbacks", row.fallbacks.filter((each) => each !== name)), {
        class: "chip", "aria-label": `For ${role}, do not fall back to ${name}`,
      }),
    );
    const temperature = element("input", {
      type: "number", min: "0", max: "2", step: "0.1", value: String(row.temperature), "aria-label": `Temperature of ${role}`, "data-at": `${role}-temperature`,
    });
    temperature.addEventListener("change", () => {
      const value = temperature.valueAsNumber;
      if (temperature.checkValidity() && !Number.isNaN(value)) {
        void this.set(role, "temperature", value);
      } else {
        this.asking.say("A temperature lies between 0 and 2.");
      }
    });
    return element(
      "tr", {},
      element("th", { scope: "row" }, role),
      element("td", {}, model, element("small", {}, `${row.answers || "none"}, ${WORDS[row.source] ?? row.source}`)),
      element("td", {}, element("div", { class: "chips" }, ...fallbacks), added),
      element("td", {}, temperature),
      element("td", {}, dot(row.problem && !row.health ? "not reachable" : row.health, row.problem)),
    );
  }

  /** A drop-down of all that is known; `value` is the one that is chosen, and is listed whatever it is. */
  private choice(value: string | undefined, label: string, at: string, first: readonly (readonly [string, string])[]): HTMLSelectElement {
    const made = element("select", { "aria-label": label, "data-at": at });
    const known = new Set(first.map(([name]) => name));
    made.append(...first.map(([name, text]) => new Option(text, name)));
    for (const [provider, offers] of this.offers) {
      const group = element("optgroup", { label: provider === "local" ? "On this machine" : provider });
      for (const { name, size, installed } of offers) {
        const full = `${provider}:${name}`;
        known.add(full);
        group.append(new Option(`${name}${installed ? "" : ` (not installed${size === null ? "" : `, ${megabytes(size)}`})`}`, full));
      }
      made.append(group);
    }
    if (value !== undefined && !known.has(value)) {
      const plain = `local:${value}`;
      if (known.has(plain)) {
        value = plain;
      } else {
        made.append(new Option(value, value));
      }
    }
    made.append(new Option("another one …", OTHER));
    made.value = value ?? first[0]?.[0] ?? "";
    return made;
  }

  private take(from: HTMLSelectElement, use: (value: string) => Promise<void>, role: string): void {
    if (from.value !== OTHER) {
      void use(from.value);
      return;
    }
    const input = element("input", { "aria-label": `Model for ${role}: PROVIDER:NAME`, placeholder: "PROVIDER:NAME", maxlength: "300", "data-at": `${role}-name` });
    const done = (): void => {
      const name = input.value.trim();
      if (name) {
        void use(name);
      } else {
        this.draw();
      }
    };
    input.addEventListener("change", done);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.draw();
      }
    });
    from.replaceWith(input);
    input.focus();
  }

  private async set(role: string, key: string, value: unknown): Promise<void> {
    const rows = await this.asking.ask<readonly RoleRow[]>("zi.setRole", [role, key, value]);
    if (rows) {
      this.rows = rows;
      const now = rows.find((row) => row.role === role);
      this.asking.say(`${role}: ${key === "model" && now?.answers ? `${now.answers} answers` : "kept"}.`);
    }
    this.draw();
  }
}
