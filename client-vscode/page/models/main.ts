// The page of models and keys: which model plays which role, which local models are here, whose keys are kept.

import { Bridge } from "../bridge";
import { byId } from "../element";
import type { Answer, Method, ModelsTable, Offer, ProviderRow, RoleRow, Streamed } from "../wire";
import type { Asking } from "./asking";
import { KeysPart } from "./keys";
import { LocalPart } from "./local";
import { RolesPart } from "./roles";

class ModelsPage implements Asking {
  private readonly bridge = new Bridge();
  private readonly state = byId("state");
  private readonly said = byId("say");
  private readonly roles: RolesPart;
  private readonly local: LocalPart;
  private readonly keys: KeysPart;

  constructor() {
    this.roles = new RolesPart(this);
    this.local = new LocalPart(this, () => void this.refresh());
    this.keys = new KeysPart(this, {
      offered: (provider, offers) => { this.roles.offer(provider, offers); },
      changed: () => void this.refresh(),
    });
    byId("refresh").addEventListener("click", () => void this.refresh());
    this.bridge.on("server", ({ running, message }) => {
      this.state.hidden = running;
      this.state.textContent = running ? "" : message;
      byId("parts").toggleAttribute("inert", !running);
      if (running) {
        void this.refresh();
      }
    });
    this.bridge.ready();
  }

  async ask<T>(method: Method, params: unknown): Promise<T | undefined> {
    try {
      return await this.bridge.ask<T>(method, params);
    } catch (error) {
      this.say((error as Error).message);
      return undefined;
    }
  }

  run(text: string, told?: (value: Streamed) => void): { readonly answer: Promise<Answer | undefined>; readonly cancel: () => void } {
    const { answer, cancel } = this.bridge.request<Answer>("zi.run", { text, about: false }, told);
    const settled = answer.then(
      (given) => {
        if (given.error) {
          this.say(`${given.error.message} ${given.error.hint}`.trim());
          return undefined;
        }
        return given;
      },
      (error: unknown) => {
        this.say((error as Error).message);
        return undefined;
      },
    );
    return { answer: settled, cancel };
  }

  say(text: string): void {
    this.said.textContent = text;
  }

  private async refresh(): Promise<void> {
    const [rows, models, providers] = await Promise.all([
      this.ask<readonly RoleRow[]>("zi.roles", []),
      this.ask<ModelsTable>("zi.models", []),
      this.ask<readonly ProviderRow[]>("zi.providers", []),
    ]);
    if (models) {
      this.local.show(models);
      const offers: Offer[] = models.models
        .filter(({ good_for: uses }) => uses.some((use) => use !== "embedding"))
        .map(({ name, size, state, summary }) => ({ name, size, installed: state === "installed", summary }));
      this.roles.offer("local", offers);
    }
    if (rows) {
      this.roles.show(rows);
    }
    if (providers) {
      this.keys.show(providers, rows ?? []);
    }
    byId("parts").setAttribute("aria-busy", "false");
  }
}

new ModelsPage();
