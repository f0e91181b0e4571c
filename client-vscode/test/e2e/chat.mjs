// The chat, the palette, edits and approvals. The real server; what the model says stands in chat-script.toml and
// other-script.toml.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { until } from "./gestures.mjs";
import { descendants } from "./processes.mjs";
import { artifacts, expect } from "./session.mjs";

const server = process.env.ZI_SERVER;

/** The model is set in the user's file, where the test changes it. What models say lies beside it: its place is shown. */
const configuration = fs.mkdtempSync(path.join(os.tmpdir(), "zi-"));
const script = path.join(configuration, "demo.toml");
const other = path.join(configuration, "other.toml");
fs.copyFileSync(path.join(import.meta.dirname, "chat-script.toml"), script);
fs.copyFileSync(path.join(import.meta.dirname, "other-script.toml"), other);
/** A module without one of its imports, and where the name is that lacks it; line and column count from 1. */
export const AREA = '"""Areas."""\n\nimport os\n\n\ndef area(radius):\n    return os.sep, math.pi * radius**2\n';
export const MATH = [7, 21];
const KEY = "sk-of-the-end-to-end-test-0123456789";
fs.writeFileSync(path.join(configuration, "settings.toml"), `[chat]\nmodel = ${JSON.stringify(`scripted:${script}`)}\n`);

export const options = {
  settings: { "zi.server.path": server, "zi.completion.enabled": false, "zi.diagnostics.level": "all" },
  env: {
    ZI_CONFIG_DIR: configuration,
    ZI_MODEL__INFILL: "none",
    ZI_CHAT__KEYS: "file",
    ZI_DATA_DIR: fs.mkdtempSync(path.join(os.tmpdir(), "zi-chat-")),
  },
};

export async function scenario({ check, code, workbench, workspace }) {
  const chat = new Chat(workbench);
  fs.writeFileSync(path.join(workspace, "broken.json"), '{"a": 1,, "b": }\n');
  fs.writeFileSync(path.join(workspace, "area.py"), AREA);
  const shapes = path.join(workspace, "geometry/shapes.py");
  const inCircle = async () => {
    await workbench.openFile("shapes.py");
    await workbench.goTo(fs.readFileSync(shapes, "utf8").split("\n").findIndex((line) => line.includes("Area of the circle")) + 1, 9);
  };
  const picture = (name) => workbench.screenshot(path.join(artifacts, name));

  await check("the chat opens in the side bar", async () => {
    await workbench.openFile("shapes.py");
    await until("the server", () => descendants(code.pid).find(({ args }) => args.includes(" lsp")), 60_000);
    await workbench.runCommand("Zi: Open Chat");
    await until("the page", () => chat.page.locator("#input").isVisible(), 30_000);
    await until("the place", async () => /shapes\.py/.test(await chat.text("#about")));
  });

  await check("/explain from the palette streams into the chat", async () => {
    await inCircle();
    await workbench.runCommand("Zi: Explain");
    const part = await until("the beginning", async () => {
      const text = await chat.lastAnswer();
      return /Circle\.area/.test(text) && text;
    }, 60_000);
    if (/mend that/.test(part)) {
      throw new Error("expected the answer to come piece by piece");
    }
    await chat.end();
    expect(await chat.lastAnswer(), /would mend that\./);
    expect(await chat.text(".chips"), /shapes\.py:\d+-\d+/);
    await picture("chat-explain.png");
    return chat.text(".turn footer");
  });

  await check("a place that an answer names opens the file", async () => {
    await workbench.openFile("report.py");
    await chat.page.locator(".cite", { hasText: "shapes.py:53" }).click();
    await workbench.activeFile("shapes.py");
  });

  await check("a hover has a short explanation written when it is asked to, and shows it from then on", async () => {
    await workbench.openFile("report.py");
    const lines = fs.readFileSync(path.join(workspace, "geometry/report.py"), "utf8").split("\n");
    const line = lines.findIndex((one) => one.includes("total_area(shapes)"));
    const place = [line + 1, lines[line].indexOf("total_area") + 3];
    await workbench.hoverText(...place, "In a few words");
    await workbench.followLink("In a few words");
    await workbench.notification("Adds up the areas of all shapes");
    await workbench.clearNotifications();
    const text = await workbench.hoverText(...place, "Adds up the areas of all shapes");
    await picture("hover-explained.png");
    await workbench.keys.press("Escape");
    expect(text, /must have a method for that/);
  });

  await check("/fix is shown as a change, and applied when it is accepted", async () => {
    await inCircle();
    await workbench.runCommand("Zi: Fix");
    await until("the proposal", async () => /return math\.pi/.test(await chat.text(".proposal")), 60_000);
    await workbench.change("Zi: ");
    await picture("chat-fix.png");
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
    await workbench.decide("Apply the Change");
    await chat.end();
    await workbench.openFile("shapes.py");
    await workbench.save();
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n {8}return math\.pi \* self\.radius\*\*2\n/);
  });

  await check("one undo takes it back", async () => {
    await workbench.goTo(1, 1);
    await workbench.keys.press("Control+Z");
    await workbench.save();
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
  });

  await check("a change that is discarded is not made", async () => {
    await inCircle();
    await workbench.runCommand("Zi: Fix");
    await workbench.change("Zi: ");
    await workbench.decide("Discard the Change");
    await chat.end();
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
  });

  await check("closing what is shown means no", async () => {
    await inCircle();
    await workbench.runCommand("Zi: Fix");
    await workbench.change("Zi: ");
    await workbench.closeTab("Zi: ");
    await chat.end();
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
  });

  await check("of a change in two files, one is taken, by VS Code's preview", async () => {
    const report = path.join(workspace, "geometry/report.py");
    await chat.ask("/code note two files");
    await workbench.change("Zi: ");
    await picture("chat-parts.png");
    await workbench.decide("Choose Parts");
    await workbench.refactorPreview("report.py");
    await workbench.tick("report.py");
    await picture("chat-preview.png");
    await workbench.applyRefactoring();
    await chat.end();
    await workbench.openFile("report.py");
    await workbench.save();
    expect(fs.readFileSync(report, "utf8"), /A brief report/);
    expect(fs.readFileSync(shapes, "utf8"), /^"""Plane shapes/);
  });

  await check("a command that is denied is not run", async () => {
    await chat.ask("/run refuse this");
    await chat.question();
    await picture("chat-approval.png");
    await chat.page.getByRole("button", { name: "Deny" }).click();
    await chat.end();
    expect(String(fs.existsSync(path.join(workspace, "refused-by-the-user"))), /false/);
    return chat.lastAnswer();
  });

  await check("a command that is allowed is run", async () => {
    await chat.ask("/run allow this");
    await chat.question();
    await chat.page.getByRole("button", { name: "Allow once" }).click();
    await chat.end();
    expect(String(fs.existsSync(path.join(workspace, "allowed-by-the-user"))), /true/);
  });

  await check("with the chat hidden, a window asks", async () => {
    await chat.ask("/run hidden thing");
    await until("the beginning", async () => /Before/.test(await chat.lastAnswer()));
    await workbench.runCommand("View: Toggle Primary Side Bar Visibility");
    const text = await workbench.dialog("touch hidden-from-the-user");
    await picture("approval-window.png");
    await workbench.keys.press("Enter"); // whoever was typing says no by that
    await workbench.dialogClosed();
    expect(text, /Where: [\s\S]*Why asked: /);
    await workbench.runCommand("Zi: Open Chat");
    await chat.end();
    expect(String(fs.existsSync(path.join(workspace, "hidden-from-the-user"))), /false/);
  });

  await check("the audit log tells all of that", async () => {
    await workbench.runCommand("Zi: Show Audit Log");
    await workbench.activeFile("audit.jsonl");
    await workbench.keys.press("Control+W");
  });

  await check("a quick fix is applied, and the problem is gone", async () => {
    await workbench.openFile("area.py");
    await until("the problem", async () => (await workbench.problems()) === 1, 60_000);
    await workbench.quickFix(...MATH, "Add `import math`");
    await picture("quick-fix.png");
    await workbench.chooseFix("Add `import math`");
    await until("no problem", async () => (await workbench.problems()) === 0, 60_000);
    await workbench.save();
    expect(fs.readFileSync(path.join(workspace, "area.py"), "utf8"), /^import math\n/m);
  });

  await check("a problem offers to be fixed", async () => {
    await workbench.openFile("broken.json");
    await workbench.quickFix(1, 9, "Fix with Zi");
    await picture("fix-with-zi.png");
    await workbench.keys.press("Escape");
  });

  await check("the chat keeps its text when the server dies, and goes on with the next one", async () => {
    await chat.ask("endless");
    await until("the first words", async () => /The first words/.test(await chat.lastAnswer()));
    const { pid } = descendants(code.pid).find(({ args }) => args.includes(" lsp"));
    process.kill(pid, "SIGKILL");
    await until("the end to be said", async () => /server stopped/.test(await chat.lastAnswer()));
    expect(await chat.lastAnswer(), /The first words/);
    await until("a new server", async () => !(await chat.page.locator("#state").isVisible()), 60_000);
    await chat.ask("anything");
    await chat.end();
    expect(await chat.lastAnswer(), /It is done/);
    expect((await chat.page.locator(".turn").allTextContents()).join(" "), /would mend that/);
  });

  const models = workbench.page.frameLocator('iframe.webview.ready:not([src*="purpose=webviewView"])').frameLocator("#active-frame");
  await check("a model chosen for a role is used from then on", async () => {
    await workbench.runCommand("Zi: Models and Keys");
    const choice = models.getByLabel("Model for chat", { exact: true });
    await choice.waitFor({ timeout: 60_000 });
    expect(await choice.inputValue(), /^scripted:/);
    await choice.selectOption({ label: "another one …" });
    await models.getByLabel("Model for chat: PROVIDER:NAME").fill(`scripted:${other}`);
    await models.getByLabel("Model for chat: PROVIDER:NAME").press("Enter");
    await until("the new one", async () => /other\.toml/.test(await choice.inputValue()), 60_000);
    await picture("models.png");
    await chat.ask("who are you?");
    await chat.end();
    expect(await chat.lastAnswer(), /I am the other model\./);
  });

  await check("a key is kept, and stands in no file and no log", async () => {
    await models.getByLabel("Key for OpenAI", { exact: true }).fill(KEY);
    await models.getByLabel("Key for OpenAI", { exact: true }).press("Enter");
    const row = models.locator("#keys tr", { hasText: "OpenAI" }).first();
    await until("the key to be kept", async () => /in an encrypted file/.test(await row.textContent()), 60_000);
    await picture("keys.png");
    expect(String(code.serverLog().includes(KEY)), /false/);
    const kept = fs.readdirSync(options.env.ZI_DATA_DIR, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(kept.map(({ name }) => name).join(" "), /credentials\.db/);
    for (const { parentPath, name } of kept) {
      expect(String(fs.readFileSync(path.join(parentPath, name)).includes(KEY)), /false/);
    }
    await workbench.closeTab("Zi Models");
  });

  await check("the conversation is in the list", async () => {
    await chat.page.locator("#open-history").click();
    const row = chat.page.locator(".resume").first();
    await row.waitFor();
    await picture("chat-history.png");
    await chat.page.locator("#close-history").click();
    return row.textContent();
  });

  await check("no error was shown", async () => {
    expect((await workbench.errors()).join(" | "), /^$/);
  });
}

/** The page inside VS Code's two frames. */
export class Chat {
  constructor(workbench) {
    this.page = workbench.page.frameLocator('iframe.webview.ready[src*="purpose=webviewView"]').frameLocator("#active-frame");
  }

  async text(selector) {
    return ((await this.page.locator(selector).last().textContent()) ?? "").trim();
  }

  async lastAnswer() {
    const answers = this.page.locator(".turn.answer");
    return (await answers.count()) > 0 ? ((await answers.last().textContent()) ?? "") : "";
  }

  async ask(text) {
    const before = await this.page.locator(".turn.answer").count();
    await this.page.locator("#input").fill(text);
    await this.page.locator("#input").press("Escape");
    await this.page.locator("#send").click();
    await until("the answer to begin", async () => (await this.page.locator(".turn.answer").count()) > before);
  }

  question() {
    return this.page.locator(".question").waitFor({ timeout: 60_000 });
  }

  end() {
    return until("the answer to be complete", async () => (await this.page.locator(".turn.live").count()) === 0, 60_000);
  }
}
