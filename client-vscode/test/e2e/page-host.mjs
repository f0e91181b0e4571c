// Plays the editor and its server for a page, and remembers what the page asked for.

import fs from "node:fs";
import path from "node:path";
import { until } from "./gestures.mjs";
import { artifacts } from "./session.mjs";

export const ADDRESS = "http://127.0.0.1:9/chat";
const NONCE = "bm9uY2Utb2YtdGhlLXRlc3Q=";
const html = (page) =>
  fs.readFileSync(path.join(import.meta.dirname, `../../../server/zicoder/web/${page}.html`), "utf8").replaceAll("__ZI_NONCE__", NONCE);
export const COMMANDS = [
  { name: "ask", title: "Answer a question about the project", usage: "/ask [--look] PROMPT", details: "" },
  { name: "explain", title: "Explain the selection", usage: "/explain [PROMPT]", details: "" },
  { name: "fix", title: "Mend what is wrong", usage: "/fix [PROMPT]", details: "" },
];

export class Host {
  static async open(browser, { name = "chat", width = 420, answers = {} } = {}) {
    const context = await browser.newContext({ viewport: { width, height: 760 } });
    const page = await context.newPage();
    const host = new Host(page);
    Object.assign(host.answers, answers);
    await context.route(/./, (route) =>
      route.request().url() === ADDRESS
        ? route.fulfill({ contentType: "text/html", body: html(name) })
        : route.abort().then(() => host.faults.push(`asked for ${route.request().url()}`)),
    );
    await context.exposeFunction("fromPage", (message) => host.receive(message));
    await context.addInitScript(() => {
      let state;
      globalThis.acquireVsCodeApi = () => ({
        postMessage: (message) => globalThis.fromPage(message),
        getState: () => state,
        setState: (value) => {
          state = value;
        },
      });
    });
    page.on("pageerror", (error) => host.faults.push(error.message));
    page.on("dialog", (dialog) => host.faults.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
    await page.goto(ADDRESS);
    await until("the page to be ready", () => host.isReady);
    await host.send({ kind: "server", running: true, message: "" });
    return host;
  }

  constructor(page) {
    this.page = page;
    this.faults = [];
    this.requests = [];
    this.cancelled = [];
    this.isReady = false;
    this.answers = { "zi.commands": () => COMMANDS, "editor.copy": () => null, "editor.insert": () => null, "editor.apply": () => null, "editor.open": () => null, "editor.answer": () => null, "editor.save": () => null };
  }

  async receive(message) {
    if (message.kind === "ready") {
      this.isReady = true;
    } else if (message.kind === "cancel") {
      this.cancelled.push(message.id);
    } else {
      this.requests.push(message);
      const answer = this.answers[message.method];
      if (answer) {
        await this.send({ kind: "response", id: message.id, result: await answer(message.params, message) });
      }
    }
  }

  send(message) {
    return this.page.evaluate((value) => globalThis.postMessage(value, "*"), message);
  }

  /** What the page asked last by this method. */
  last(method) {
    return until(`a request ${method}`, () => this.requests.findLast((request) => request.method === method));
  }

  /** Types a question and sends it; answers the request that it made. */
  async ask(text) {
    const before = this.requests.length;
    await this.page.locator("#input").fill(text);
    await this.page.keyboard.press("Escape");
    await this.page.locator("#send").click();
    return until("zi.run", () => this.requests.slice(before).find(({ method }) => method === "zi.run"));
  }

  async stream(id, seq, ...events) {
    await this.send({ kind: "progress", id, value: { seq, events } });
  }

  async finish(id, text, more = {}) {
    await this.send({ kind: "response", id, result: { text, data: { conversation: "20260101-000000-abcdef" }, error: null, ...more } });
    await until("the answer to be over", async () => (await this.page.locator(".turn.live").count()) === 0);
  }

  async answered(question, text) {
    const { id } = await this.ask(question);
    await this.stream(id, 1, { kind: "begun" }, { kind: "delta", text });
    await this.finish(id, text);
  }

  text(selector) {
    return this.page.locator(selector).last().textContent();
  }

  async screenshot(name) {
    await this.page.screenshot({ path: path.join(artifacts, name) });
  }
}
