// The models of this machine: fetched, removed and measured, with what was measured beside them.

import { button, byId, element } from "../element";
import type { LocalModel, ModelsTable } from "../wire";
import type { Asking } from "./asking";
import { megabytes, refill } from "./table";

interface Fetch {
  readonly bar: HTMLProgressElement;
  readonly cancel: () => void;
}

export class LocalPart {
  private readonly body = byId("models");
  private readonly memory = byId("memory");
  private readonly fetches = new Map<string, Fetch>();
  private readonly sure = new Set<string>();
  private measuring = "";
  private table: ModelsTable = { models: [], memory: 0 };

  constructor(
    private readonly asking: Asking,
    private readonly changed: () => void,
  ) {}

  show(table: ModelsTable): void {
    this.table = table;
    this.draw();
  }

  private draw(): void {
    const { models, memory } = this.table;
    const loaded = models.filter((model) => model.loaded).map(({ name }) => name);
    this.memory.textContent = memory === 0
      ? "The engine is not running."
      : `The engine takes ${megabytes(memory)} of memory now, with ${loaded.join(" and ") || "no model"} loaded.`;
    refill(this.body, models.map((model) => this.row(model)));
  }

  private row(model: LocalModel): HTMLElement {
    const { name, summary, parameters, licence, size, memory_bytes: memory, error } = model;
    const speed = model.tokens_per_s === null
      ? error || (model.measurable ? "not measured yet" : "–")
      : `${model.tokens_per_s.toFixed(0)} tokens/s, first after ${(model.first_token_ms ?? 0).toFixed(0)} ms`;
    return element(
      "tr", {},
      element("th", { scope: "row" }, name, element("small", {}, `${parameters}, ${licence}. ${summary}`)),
      element("td", {}, megabytes(size)),
      element("td", {}, memory ? megabytes(memory) : "–"),
      element("td", {}, speed),
      element("td", {}, element("div", { class: "buttons" }, ...this.tools(model))),
    );
  }

  private tools(model: LocalModel): HTMLElement[] {
    const { name, state } = model;
    const fetching = this.fetches.get(name);
    if (fetching) {
      return [fetching.bar, button("Stop", fetching.cancel, { "aria-label": `Stop fetching ${name}`, "data-at": `${name}-tool` })];
    }
    if (state !== "installed") {
      const word = state === "partial" ? "Go on fetching" : state === "damaged" ? "Fetch again" : "Install";
      return [button(word, () => void this.install(name), { "aria-label": `${word} ${name}`, "data-at": `${name}-tool` })];
    }
    const sure = this.sure.has(name);
    const word = sure ? "Really remove?" : "Remove";
    const remove = button(word, () => void this.remove(name), { "aria-label": `${word} ${name}`, "data-at": `${name}-tool` });
    if (!model.measurable) {
      return [remove];
    }
    const busy = this.measuring === name;
    const measure = button(busy ? "Measuring …" : "Measure", () => void this.measure(name), {
      "aria-label": `${busy ? "Measuring" : "Measure"} ${name}`, title: "How fast it is here, and what memory it takes; some seconds", "data-at": `${name}-measure`,
    });
    return [remove, measure];
  }

  private async install(name: string): Promise<void> {
    const bar = element("progress", { "aria-label": `Fetching ${name}`, max: "1" });
    const { answer, cancel } = this.asking.run(`/model install local:${name}`, ({ events }) => {
      for (const event of events) {
        if (event.kind === "progress" && event.total) {
          bar.max = event.total;
          bar.value = event.done;
          bar.title = event.detail;
        }
      }
    });
    this.fetches.set(name, { bar, cancel });
    this.asking.say(`Fetching ${name}.`);
    this.draw();
    const given = await answer;
    this.fetches.delete(name);
    if (given) {
      this.asking.say(`${name} is installed.`);
      await this.asking.ask("zi.modelsChanged", []);
    }
    this.changed();
  }

  /** At the second press: fetching it again takes a while. */
  private async remove(name: string): Promise<void> {
    if (!this.sure.delete(name)) {
      this.sure.add(name);
      this.draw();
      return;
    }
    if (await this.asking.ask<ModelsTable>("zi.removeModel", [name])) {
      this.asking.say(`${name} is removed.`);
    }
    this.changed();
  }

  private async measure(name: string): Promise<void> {
    if (this.measuring) {
      return;
    }
    this.measuring = name;
    this.draw();
    const table = await this.asking.ask<ModelsTable>("zi.measureModel", [name]);
    this.measuring = "";
    if (table) {
      this.asking.say(`${name} is measured.`);
    }
    this.show(table ?? this.table);
  }
}
