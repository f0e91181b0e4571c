// The list of conversations: resume, rename, delete, export.

import { button, byId, element } from "./element";
import type { Listed } from "./wire";

export interface HistoryActions {
  list(): Promise<readonly Listed[]>;
  resume(id: string): void;
  rename(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
  save(id: string): void;
}

export class History {
  private readonly panel = byId<HTMLDialogElement>("history");
  private readonly rows = byId<HTMLUListElement>("conversations");

  constructor(private readonly actions: HistoryActions) {
    byId("close-history").addEventListener("click", () => { this.panel.close(); });
  }

  async open(): Promise<void> {
    this.rows.replaceChildren(element("li", {}, "…"));
    this.panel.showModal();
    await this.fill();
  }

  private async fill(): Promise<void> {
    let rows: HTMLElement[];
    try {
      rows = (await this.actions.list()).map((listed) => this.row(listed));
    } catch (error) {
      rows = [element("li", {}, (error as Error).message)];
    }
    this.rows.replaceChildren(...(rows.length > 0 ? rows : [element("li", {}, "There is no conversation yet.")]));
  }

  private row({ id, title, turns, at }: Listed): HTMLElement {
    const when = new Date(at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const resume = button(title, () => {
      this.panel.close();
      this.actions.resume(id);
    }, { class: "resume" });
    const tools = element(
      "span",
      { class: "buttons" },
      button("Rename", () => { this.rename(row, id, title); }, { "aria-label": `Rename ${title}` }),
      button("Export", () => { this.actions.save(id); }, { "aria-label": `Export ${title} as Markdown` }),
      this.removal(id, title),
    );
    const row = element("li", {}, resume, element("small", {}, `${turns} turns, ${when}`), tools);
    return row;
  }

  private rename(row: HTMLElement, id: string, title: string): void {
    const input = element("input", { "aria-label": "New title", value: title, maxlength: "200" });
    const form = element("form", {}, input, element("button", { type: "submit" }, "Save"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.actions.rename(id, input.value).finally(() => this.fill());
    });
    row.replaceChildren(form);
    input.select();
  }

  /** Deletes at the second press: a conversation cannot be brought back. */
  private removal(id: string, title: string): HTMLElement {
    let sure = false;
    const remove = button("Delete", () => {
      if (sure) {
        void this.actions.remove(id).finally(() => this.fill());
      }
      sure = true;
      remove.textContent = "Really delete?";
      remove.setAttribute("aria-label", `Really delete ${title}?`);
    }, { "aria-label": `Delete ${title}` });
    return remove;
  }
}
