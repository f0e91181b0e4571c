// Providers and their keys. A key is typed, sent and forgotten: it never comes back, and stands nowhere on the page.

import { button, byId, element } from "../element";
import type { Offer, ProviderRow, RoleRow } from "../wire";
import type { Asking } from "./asking";
import { dot, refill } from "./table";

const PLACES: Readonly<Record<ProviderRow["key"], string>> = {
  keyring: "set, in the system's keyring",
  file: "set, in an encrypted file",
  environment: "from the environment",
  "": "not set",
};

export interface KeysEvents {
  offered(provider: string, offers: readonly Offer[]): void;
  changed(): void;
}

export class KeysPart {
  private readonly body = byId("keys");
  private rows: readonly ProviderRow[] = [];
  private readonly healths = new Map<string, readonly [health: string, problem: string]>();

  constructor(
    private readonly asking: Asking,
    private readonly events: KeysEvents,
  ) {
    const form = byId<HTMLFormElement>("other-key");
    const name = byId<HTMLInputElement>("other-name");
    const key = byId<HTMLInputElement>("other-value");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const provider = name.value.trim();
      if (provider && key.value) {
        name.value = "";
        void this.keep(provider, key);
      }
    });
  }

  show(rows: readonly ProviderRow[], roles: readonly RoleRow[]): void {
    this.rows = rows;
    for (const { answers, health, problem } of roles) {
      const provider = answers.split(":", 1)[0] ?? "";
      if (health && rows.some(({ name }) => name === provider)) {
        this.healths.set(provider, [health, problem]);
      }
    }
    this.draw();
  }

  private draw(): void {
    refill(this.body, this.rows.map((row) => this.row(row)));
  }

  private row(row: ProviderRow): HTMLElement {
    const { name, title, key } = row;
    const [health, problem] = this.healths.get(name) ?? ["", ""];
    const input = element("input", {
      type: "password", autocomplete: "off", spellcheck: "false", "aria-label": `Key for ${title}`, placeholder: key ? "another key" : "key", maxlength: "16384", "data-at": `${name}-key`,
    });
    const form = element("form", { class: "line" }, input, element("button", { type: "submit", "aria-label": `Save the key for ${title}` }, "Save"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value) {
        void this.keep(name, input);
      }
    });
    const kept = key === "keyring" || key === "file";
    const asked = !row.own_address;
    return element(
      "tr", {},
      element("th", { scope: "row" }, title, element("small", {}, name)),
      element("td", {}, PLACES[key], row.needs_key || key ? undefined : element("small", {}, "needs none")),
      element("td", {}, form),
      element("td", {}, dot(health, problem)),
      element("td", {}, element(
        "div", { class: "buttons" },
        asked ? button("Check", () => void this.check(row), { "aria-label": `Check ${title}`, title: "Asks it for its models; nothing else is sent", "data-at": `${name}-check` }) : undefined,
        kept ? button("Delete key", () => void this.forget(row), { "aria-label": `Delete the key for ${title}`, "data-at": `${name}-delete` }) : undefined,
      )),
    );
  }

  private async keep(provider: string, input: HTMLInputElement): Promise<void> {
    const sent = this.asking.ask<readonly ProviderRow[]>("zi/setKey", { provider, key: input.value });
    input.value = "";
    if (this.took(provider, await sent)) {
      this.asking.say(`The key for ${provider} is kept.`);
    }
  }

  private async forget({ name, title }: ProviderRow): Promise<void> {
    if (this.took(name, await this.asking.ask<readonly ProviderRow[]>("zi/deleteKey", { provider: name }))) {
      this.asking.say(`The key for ${title} is forgotten.`);
    }
  }

  private took(provider: string, rows: readonly ProviderRow[] | undefined): boolean {
    if (rows) {
      this.rows = rows;
      this.healths.delete(provider);
      this.events.changed();
    }
    this.draw();
    return rows !== undefined;
  }

  /** Whether it answers; and if so, its models join the drop-downs. */
  private async check({ name, title }: ProviderRow): Promise<void> {
    this.asking.say(`Asking ${title} …`);
    const given = await this.asking.run(`/model health ${name}`).answer;
    if (given) {
      const { ok, health } = given.data as { ok: boolean; health: string };
      this.healths.set(name, [health, ok ? "" : given.text]);
      this.asking.say(given.text);
      this.draw();
      const listed = ok ? await this.asking.run(`/model list ${name}`).answer : undefined;
      if (listed) {
        this.events.offered(name, listed.data["models"] as readonly Offer[]);
      }
    }
  }
}
