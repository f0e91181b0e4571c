// What the client does when things go wrong. The real server, without a model.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Chat } from "./chat.mjs";
import { pause } from "./rig.mjs";
import { until } from "./gestures.mjs";
import { descendants } from "./processes.mjs";
import { artifacts, expect } from "./session.mjs";

const server = process.env.ZI_SERVER;

/** Programs that are no server of ours, or none that works. */
const bad = {
  crashing: '#!/bin/sh\necho "the library libzi is missing" >&2\nexit 3\n',
  chattering: "#!/bin/sh\nexec yes 'I am something else'\n",
  old: `#!${process.execPath}\n${fs.readFileSync(path.join(import.meta.dirname, "old-server.cjs"), "utf8")}`,
};
const programs = fs.mkdtempSync(path.join(os.tmpdir(), "zi-bad-"));
for (const [name, text] of Object.entries(bad)) {
  fs.writeFileSync(path.join(programs, name), text, { mode: 0o755 });
}
const program = (name) => path.join(programs, name);

export const options = {
  settings: { "zi.server.path": server },
  env: { ZI_MODEL__INFILL: "none", PATH: `${path.dirname(server)}${path.delimiter}${process.env.PATH}` },
};

export async function scenario({ check, code, workbench }) {
  const running = () => descendants(code.pid).find(({ args }) => args.includes(" lsp"));
  const ready = () =>
    until("the server to run and to send a status", async () => {
      const status = await workbench.status();
      return running() && status !== "" && !/starting|stopped/.test(status);
    }, 60_000);
  const kill = async () => {
    const { pid } = running();
    process.kill(pid, "SIGKILL");
    await until("the server to be gone", () => running()?.pid !== pid);
  };

  await check("a server that was killed is started again, without a message", async () => {
    await ready();
    await kill();
    await ready();
    expect((await workbench.errors()).join(" | "), /^$/);
  });

  await check("the sixth time within three minutes it stays down, with one message", async () => {
    for (let time = 2; time <= 5; time += 1) {
      await kill();
      await ready();
    }
    await kill();
    const text = await workbench.notification("stopped 6 times");
    await workbench.screenshot(path.join(artifacts, "stopped.png"));
    await pause(7_000); // Longer than any restart would wait.
    expect(String(running()?.args), /^undefined$/);
    expect((await workbench.errors()).join(" | "), /^[^|]+$/);
    return text;
  });

  await check("the message's button starts it", async () => {
    await workbench.clickNotificationButton("Restart Server");
    await ready();
  });

  await check("a wrong path in the setting is named", async () => {
    code.writeSettings({ "zi.server.path": "/no/such/zi" });
    const text = await workbench.notification("/no/such/zi");
    await workbench.waitForStatus("stopped");
    await workbench.clearNotifications();
    return text;
  });

  await check("without the setting, the server on PATH is used", async () => {
    code.writeSettings({});
    await ready();
    expect(code.serverLog(), /Server \(path\): .*zi lsp/);
  });

  await check("many restarts at once end with one server", async () => {
    for (let i = 0; i < 3; i += 1) {
      await workbench.runCommand("Zi: Restart Server");
    }
    await pause(1_000);
    await ready();
    const servers = descendants(code.pid).filter(({ args }) => args.includes(" lsp"));
    expect(String(servers.length), /^1$/);
    expect((await workbench.errors()).join(" | "), /^$/);
  });
  const use = (name) => code.writeSettings({ "zi.server.path": program(name) });
  const runs = (name) => descendants(code.pid).some(({ args }) => args.includes(program(name)));

  await check("a server that crashes at the start is told once, with its own last words", async () => {
    use("crashing");
    const text = await workbench.notification("libzi is missing");
    await workbench.waitForStatus("stopped");
    expect((await workbench.errors()).join(" | "), /^[^|]+$/);
    await workbench.clearNotifications();
    return text;
  });

  await check("a program that speaks garbage is ended, and named for what it is", async () => {
    use("chattering");
    const text = await workbench.notification("not the language server protocol");
    await until("it to be gone", () => !runs("chattering") && !descendants(code.pid).some(({ args }) => args.startsWith("yes ")));
    expect((await workbench.errors()).join(" | "), /^[^|]+$/);
    await workbench.clearNotifications();
    return text;
  });

  await check("a server that is too old says so where it matters", async () => {
    use("old");
    await until("the old server", () => runs("old"), 60_000);
    await workbench.runCommand("Zi: Open Chat");
    const chat = new Chat(workbench);
    await until("the word in the chat", async () => /too old for this extension/.test(await chat.text("body")), 60_000);
    await workbench.runCommand("Zi: Models and Keys");
    await workbench.notification("too old for this extension");
    await workbench.clearNotifications();
  });

  await check("the right server takes its place, and the chat opens", async () => {
    code.writeSettings({ "zi.server.path": server, "zi.completion.timeout_ms": "soon", "zi.completion.enabled": "perhaps", "zi.agent.allow": 7 });
    await until("the server", () => running() && !runs("old"), 60_000);
    await until("the page", () => new Chat(workbench).page.locator("#input").isVisible(), 60_000);
  });

  await check("settings of the wrong type are named, and keep nothing from working", async () => {
    const text = await workbench.notification(/editor settings: '(completion|agent)\./);
    expect((await workbench.errors()).join(" | "), /^$/);
    return text;
  });
}
