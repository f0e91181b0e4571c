// The page of models and keys by itself, in Chromium, with a host that the test plays. No editor and no server.

import { until } from "./gestures.mjs";
import { accessibilityFaults, pageTests } from "./page.mjs";
import { expect } from "./session.mjs";

const KEY = "sk-a-key-that-nobody-may-see";

export function modelsPageTests(wanted = "") {
  return pageTests(wanted, { title: "models page", all: checks, how: () => ({ name: "models", width: 1000, answers: new Machine().answers }) });
}

/** What a server would know, and how it changes. */
class Machine {
  constructor() {
    this.roles = ["chat", "planner", "coder"].map((role) => ({
      role, model: role === "chat" ? "auto" : "", answers: "local:qwen", source: "default", fallbacks: [], temperature: 0.2, prompt: "", installed: true, problem: "", health: "ok",
    }));
    this.roles[2] = { ...this.roles[2], model: "openai:gpt", answers: "openai:gpt", source: "user", problem: "There is no key for OpenAI.", health: "key wrong" };
    const model = { parameters: "0.5B", licence: "Apache-2.0", good_for: ["infill", "chat"], measurable: false, first_token_ms: null, tokens_per_s: null, memory_bytes: null, error: "", loaded: false };
    this.models = [
      { ...model, name: "qwen", summary: "Small and quick.", size: 490e6, state: "installed", measurable: true, loaded: true },
      { ...model, name: "large", summary: "Better and slower.", size: 1100e6, state: "absent" },
    ];
    const provider = { needs_key: true, own_address: false, installs: false, key: "" };
    this.providers = [
      { ...provider, name: "mistral", title: "Mistral", key: "environment" },
      { ...provider, name: "openai", title: "OpenAI" },
      { ...provider, name: "openai-compatible", title: "The server", needs_key: false, own_address: true },
    ];
    this.answers = {
      "zi.roles": () => this.roles,
      "zi.setRole": ([role, key, value]) => {
        this.roles = this.roles.map((row) => (row.role === role ? { ...row, [key]: value ?? "", ...(key === "model" && { answers: value ?? "local:qwen", health: "", problem: "", source: "user" }) } : row));
        return this.roles;
      },
      "zi.models": () => ({ models: this.models, memory: 812e6 }),
      "zi.removeModel": ([name]) => this.change(name, { state: "absent", measurable: false }),
      "zi.measureModel": ([name]) => this.change(name, { tokens_per_s: 31, first_token_ms: 120, memory_bytes: 700e6 }),
      "zi.modelsChanged": () => null,
      "zi.providers": () => this.providers,
      "zi/setKey": ({ provider }) => this.key(provider, "keyring"),
      "zi/deleteKey": ({ provider }) => this.key(provider, ""),
      "zi.run": ({ text }) => (text.startsWith("/model health") ? { text: "OpenAI answers.", data: { ok: true, health: "ok" }, error: null } : { text: "", data: { models: [{ name: "gpt-next", size: null, installed: true, summary: "" }] }, error: null }),
    };
  }

  change(name, what) {
    this.models = this.models.map((each) => (each.name === name ? { ...each, ...what } : each));
    return { models: this.models, memory: 812e6 };
  }

  key(name, key) {
    this.providers = this.providers.map((each) => (each.name === name ? { ...each, key } : each));
    return this.providers;
  }
}

const checks = {
  async "a model is chosen from the list, by keyboard, and the focus stays"(host) {
    const choice = host.page.getByLabel("Model for planner", { exact: true });
    await choice.selectOption("local:large");
    expect(JSON.stringify((await host.last("zi.setRole")).params), /^\["planner","model","local:large"\]$/);
    await until("the answer", async () => /local:large, in your settings file/.test(await row(host, "roles", "planner")));
    await choice.focus();
    await host.page.keyboard.press("Home");
    await until("the setting to be taken out", () => host.requests.some(({ params }) => JSON.stringify(params) === '["planner","model",null]'));
    await until("the focus", () => host.page.evaluate(() => document.activeElement?.ariaLabel === "Model for planner"));
  },

  async "another model is written by hand; fall-backs and temperature are set"(host) {
    await host.page.getByLabel("Model for chat", { exact: true }).selectOption({ label: "another one …" });
    await host.page.keyboard.type("ollama:coder");
    await host.page.keyboard.press("Enter");
    expect(JSON.stringify((await host.last("zi.setRole")).params), /ollama:coder/);
    await host.page.getByLabel("Add a model that answers in its place, for coder").selectOption("local:qwen");
    await until("the fall-back", async () => (await host.page.getByRole("button", { name: "For coder, do not fall back to local:qwen" }).count()) === 1);
    await host.page.getByRole("button", { name: "For coder, do not fall back to local:qwen" }).click();
    await until("none", async () => JSON.stringify((await host.last("zi.setRole")).params) === '["coder","fallbacks",[]]');
    await host.page.getByLabel("Temperature of coder").fill("0.7");
    await host.page.keyboard.press("Tab");
    await until("the temperature", async () => JSON.stringify((await host.last("zi.setRole")).params) === '["coder","temperature",0.7]');
    await host.page.getByLabel("Temperature of coder").fill("7");
    await host.page.keyboard.press("Tab");
    await until("a word", async () => /between 0 and 2/.test(await host.text("#say")));
  },

  async "what is wrong with a model is said in words"(host) {
    expect(await row(host, "roles", "coder"), /■ key wrong\s*There is no key for OpenAI/);
    expect(await row(host, "roles", "chat"), /● ok/);
    expect(await host.text("#memory"), /812 MB of memory now, with qwen loaded/);
  },

  async "a model is fetched with progress, measured, and removed at the second press"(host) {
    let answer;
    host.answers["zi.run"] = (_, { id }) => new Promise((resolve) => { answer = { id, resolve }; });
    await host.page.getByRole("button", { name: "Install large" }).click();
    await until("the command", () => answer);
    expect((await host.last("zi.run")).params.text, /^\/model install local:large$/);
    await host.send({ kind: "progress", id: answer.id, value: { seq: 1, events: [{ kind: "progress", title: "Pulling large", done: 50, total: 100, detail: "" }] } });
    await until("the bar", () => host.page.locator("progress").evaluate((bar) => bar.value === 50 && bar.max === 100));
    answer.resolve({ text: "", data: {}, error: null });
    await until("the news", () => host.requests.some(({ method }) => method === "zi.modelsChanged"));
    await host.page.getByRole("button", { name: "Measure qwen" }).click();
    await until("the figures", async () => /700 MB.*31 tokens\/s, first after 120 ms/.test(await row(host, "models", "qwen")));
    await host.page.getByRole("button", { name: "Remove qwen", exact: true }).click();
    expect(String(host.requests.some(({ method }) => method === "zi.removeModel")), /false/);
    await host.page.getByRole("button", { name: "Really remove? qwen" }).click();
    expect(JSON.stringify((await host.last("zi.removeModel")).params), /qwen/);
  },

  async "a key is sent once and stands nowhere afterwards"(host) {
    expect(await row(host, "keys", "Mistral"), /from the environment/);
    await host.page.getByLabel("Key for OpenAI", { exact: true }).fill(KEY);
    await host.page.keyboard.press("Enter");
    expect(JSON.stringify((await host.last("zi/setKey")).params), new RegExp(`^\\{"provider":"openai","key":"${KEY}"\\}$`));
    await until("its state", async () => /set, in the system's keyring/.test(await row(host, "keys", "OpenAI")));
    const left = await host.page.evaluate(() => document.documentElement.outerHTML + [...document.querySelectorAll("input")].map((input) => input.value).join() + JSON.stringify(globalThis.acquireVsCodeApi().getState() ?? ""));
    expect(String(left.includes(KEY)), /false/);
    await host.page.getByRole("button", { name: "Delete the key for OpenAI" }).click();
    await until("its state", async () => /not set/.test(await row(host, "keys", "OpenAI")));
  },

  async "a provider is asked only when one says so, and its models join the lists"(host) {
    expect(String(host.requests.some(({ method }) => method === "zi.run")), /false/);
    await host.page.getByRole("button", { name: "Check OpenAI" }).click();
    await until("its state", async () => /● ok/.test(await row(host, "keys", "OpenAI")));
    await until("its models", async () => (await host.page.getByLabel("Model for chat", { exact: true }).locator("option", { hasText: "gpt-next" }).count()) === 1);
  },

  async "a server that goes away is said, and nothing can be pressed meanwhile"(host) {
    await host.send({ kind: "server", running: false, message: "The server is not running." });
    await until("the word", async () => /not running/.test(await host.text("#state")));
    expect(String(await host.page.locator("#parts").evaluate((parts) => parts.inert)), /true/);
  },

  async "axe-core finds no serious fault, in light, dark and forced colours"(host) {
    await host.page.getByLabel("Model for chat", { exact: true }).waitFor();
    expect((await accessibilityFaults(host, "models")).join("\n"), /^$/);
  },
};

/** The text of the row of a table that begins so. */
async function row(host, table, name) {
  return (await host.page.locator(`#${table} tr`, { has: host.page.locator("th", { hasText: name }) }).first().textContent()) ?? "";
}
