// The chat, the palette, edits and approvals. The real server; what the model says stands in chat-script.toml.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { until } from "./gestures.mjs";
import { descendants } from "./processes.mjs";
import { artifacts, expect } from "./session.mjs";

const server = process.env.ZI_SERVER;

/** The model is set in the user's file, where the test changes it. */
const configuration = fs.mkdtempSync(path.join(os.tmpdir(), "zi-chat-settings-"));
const script = path.join(import.meta.dirname, "chat-script.toml");
fs.writeFileSync(path.join(configuration, "settings.toml"), `[chat]\nmodel = ${JSON.stringify(`scripted:${script}`)}\n`);

export const options = {
  settings: { "zi.server.path": server, "zi.completion.enabled": false },
  env: {
    ZI_CONFIG_DIR: configuration,
    ZI_MODEL__INFILL: "none",
    ZI_DATA_DIR: fs.mkdtempSync(path.join(os.tmpdir(), "zi-chat-")),
  },
};

export async function scenario({ check, code, workbench, workspace }) {
  const chat = new Chat(workbench);
  fs.writeFileSync(path.join(workspace, "broken.json"), '{"a": 1,, "b": }\n');
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

  await check("/fix is shown as a change, and applied when it is accepted", async () => {
    await inCircle();
    await workbench.runCommand("Zi: Fix");
    await until("the proposal", async () => /return math\.pi/.test(await chat.text(".proposal")), 60_000);
    await workbench.refactorPreview("shapes.py");
    await picture("chat-fix.png");
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
    await workbench.acceptRefactoring();
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
    await workbench.refactorPreview("shapes.py");
    await workbench.discardRefactoring();
    await chat.end();
    expect(fs.readFileSync(shapes, "utf8"), /Area of the circle\."""\n\n\n/);
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
    await workbench.answerDialog("Deny");
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

  await check("a problem offers to be fixed", async () => {
    await workbench.openFile("broken.json");
    await workbench.quickFix(1, 9, "Fix with Zi");
    await picture("quick-fix.png");
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

  await check("a model chosen for a role is used from then on", async () => {
    await workbench.runCommandThatAsks("Zi: Models and Roles");
    const row = await workbench.pick("chat", "Models and Roles");
    expect(row, /scripted:/);
    await workbench.pick("Another one", "Model for chat");
    await workbench.fillInput(`scripted:${path.join(import.meta.dirname, "other-script.toml")}`);
    await until("the list again", async () => /other-script/.test(await workbench.quickInputText()));
    await workbench.keys.press("Escape");
    await chat.ask("who are you?");
    await chat.end();
    expect(await chat.lastAnswer(), /I am the other model\./);
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
class Chat {
  constructor(workbench) {
    this.page = workbench.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
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
