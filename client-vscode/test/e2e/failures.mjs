// What the client does when things go wrong. The real server, without a model.

import path from "node:path";
import { pause } from "./rig.mjs";
import { until } from "./gestures.mjs";
import { descendants } from "./processes.mjs";
import { expect } from "./session.mjs";

const server = process.env.ZI_SERVER;

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
}
