// A folder that is not trusted, no folder, and several. The real server; what the model says stands in chat-script.toml.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { AREA, Chat, MATH } from "./chat.mjs";
import { until } from "./gestures.mjs";
import { descendants } from "./processes.mjs";
import { artifacts, expect } from "./session.mjs";

const script = path.join(import.meta.dirname, "chat-script.toml");

/** A machine on which nothing was set but a scripted model. */
function options(more = {}) {
  const configuration = fs.mkdtempSync(path.join(os.tmpdir(), "zi-settings-"));
  fs.writeFileSync(path.join(configuration, "settings.toml"), `[chat]\nmodel = ${JSON.stringify(`scripted:${script}`)}\n`);
  return {
    settings: { "zi.server.path": process.env.ZI_SERVER, "zi.completion.enabled": false, "zi.diagnostics.level": "all", "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never" },
    env: { ZI_CONFIG_DIR: configuration, ZI_MODEL__INFILL: "none", ZI_DATA_DIR: fs.mkdtempSync(path.join(os.tmpdir(), "zi-data-")) },
    ...more,
  };
}

async function openChat({ workbench, code }) {
  const server = await until("the server", () => descendants(code.pid).find(({ args }) => args.includes(" lsp")), 60_000);
  await workbench.runCommand("Zi: Open Chat");
  const chat = new Chat(workbench);
  await until("the page", () => chat.page.locator("#input").isVisible(), 30_000);
  return { chat, server };
}

export const restricted = {
  options: options({ trusted: false }),
  async scenario(given) {
    const { check, workbench, workspace } = given;
    fs.mkdirSync(path.join(workspace, ".zicoder/commands"), { recursive: true });
    fs.writeFileSync(path.join(workspace, ".zicoder/commands/shout.md"), "Shout: {prompt}\n");
    let open;
    const offered = async () => {
      await open.chat.page.locator("#input").fill("");
      await open.chat.page.locator("#input").pressSequentially("/sh");
      await until("the list to be settled", async () => (await open.chat.page.locator("#options").textContent()) !== null);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const text = (await open.chat.page.locator("#options").textContent()) ?? "";
      await open.chat.page.locator("#input").fill("");
      return text;
    };

    await check("in a folder that is not trusted, questions are answered", async () => {
      open = await openChat(given);
      await workbench.openFile("shapes.py");
      await open.chat.ask("/explain @geometry/shapes.py");
      await open.chat.end();
      expect(await open.chat.lastAnswer(), /It is done/);
      expect(await open.chat.text(".chips"), /tokens/);
    });

    await check("nothing is run and nothing is changed", async () => {
      for (const text of ["/run allow this", "/code note two files"]) {
        await open.chat.ask(text);
        await open.chat.end();
        expect(await open.chat.lastAnswer(), /this folder is not trusted/);
      }
      expect(String(fs.existsSync(path.join(workspace, "allowed-by-the-user"))), /false/);
      await workbench.screenshot(path.join(artifacts, "restricted.png"));
    });

    await check("commands that lie in the folder are not offered", async () => {
      expect(await offered(), /^$/);
    });

    await check("trust that is granted takes effect in the server that runs", async () => {
      await workbench.runCommand("Workspaces: Manage Workspace Trust");
      await workbench.page.locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust/ }).first().click();
      await workbench.page.getByText("You trust this folder").first().waitFor({ timeout: 30_000 });
      await workbench.keys.press("Escape");
      await until("the command of the folder", async () => /shout/.test(await offered()), 60_000);
      await open.chat.ask("/run allow this");
      await open.chat.question();
      await open.chat.page.getByRole("button", { name: "Allow once" }).click();
      await open.chat.end();
      expect(String(fs.existsSync(path.join(workspace, "allowed-by-the-user"))), /true/);
      const now = descendants(given.code.pid).find(({ args }) => args.includes(" lsp"));
      expect(`${open.server.pid === now.pid}`, /true/);
    });
  },
};

export const without = {
  options: options({ opened: () => "" }),
  async scenario(given) {
    const { check, workbench } = given;
    await check("without a folder, an untitled document can be asked about", async () => {
      await until("the window", () => workbench.page.locator(".statusbar-item").first().isVisible());
      await workbench.untitledFile("def area(): ...");
      const { chat } = await openChat(given);
      await chat.ask("/explain");
      await chat.end();
      expect(await chat.lastAnswer(), /would mend that\./);
    });

    await check("what needs a folder says so", async () => {
      const chat = new Chat(workbench);
      await chat.ask("/run allow this");
      await chat.end();
      expect(await chat.lastAnswer(), /needs a project/);
      expect((await workbench.errors()).join(" | "), /^$/);
    });
  },
};

export const several = {
  options: options({
    opened: (folder) => {
      const second = path.join(path.dirname(folder), "second");
      fs.mkdirSync(second);
      fs.writeFileSync(path.join(second, "second.py"), AREA);
      const file = path.join(path.dirname(folder), "both.code-workspace");
      fs.writeFileSync(file, JSON.stringify({ folders: [{ path: folder }, { path: second }] }));
      return file;
    },
  }),
  async scenario(given) {
    const { check, workbench } = given;
    await check("with several folders, a file of the second one has its problems and fixes", async () => {
      await until("the server", () => descendants(given.code.pid).find(({ args }) => args.includes(" lsp")), 60_000);
      await workbench.openFile("second.py");
      await until("the problem", async () => (await workbench.problems()) === 1, 60_000);
      await workbench.quickFix(...MATH, "Add `import math`");
      await workbench.keys.press("Escape");
    });

    await check("and can be asked about", async () => {
      const { chat } = await openChat(given);
      await chat.ask("/explain");
      await chat.end();
      expect(await chat.lastAnswer(), /would mend that\./);
      expect(await chat.text(".chips"), /second\.py/);
    });

    await check("the index is of the first folder, and no error is shown", async () => {
      expect(await workbench.statusTooltip("Index:"), /Index: ready, 3 files/);
      expect((await workbench.errors()).join(" | "), /^$/);
      expect(String(descendants(given.code.pid).filter(({ args }) => args.includes(" lsp")).length), /^1$/);
    });
  },
};
