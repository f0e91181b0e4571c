// One VS Code with a fresh copy of the sample workspace, and the checks made in it.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Workbench, until } from "./gestures.mjs";
import { descendants, isAlive } from "./processes.mjs";
import { startVsCode } from "./rig.mjs";

export const artifacts = process.env.ZI_ARTIFACTS;
export const tally = { passed: 0, failed: 0 };

/** Runs a scenario in a VS Code of its own, and checks that nothing of it is left afterwards. */
export async function session(title, { settings, env = {}, trusted, hostTests, opened = (folder) => folder }, scenario) {
  console.log(title);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "zi-workspace-"));
  const workspace = path.join(scratch, "measures");
  fs.cpSync(path.join(import.meta.dirname, "workspace"), workspace, { recursive: true });
  const code = await startVsCode({ rig: process.env.ZI_RIG, vsix: process.env.ZI_VSIX, workspace: opened(workspace), trusted, settings, env, hostTests });
  const workbench = new Workbench(code.page);
  const check = (name, body) => runCheck(name, body, code, workbench);
  let leftovers = [];
  try {
    await scenario({ check, code, workbench, workspace });
    await check("the page asked for nothing outside this machine", () => {
      expect([...code.externalHosts].join(", "), /^$/);
    });
  } finally {
    leftovers = descendants(code.pid);
    await code.stop();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  await check("closing the editor leaves no process behind", async () => {
    const names = leftovers.map(({ pid, args }) => `${pid} (${args.slice(0, 60)})`).join(", ");
    await until(`${names} to end`, () => !leftovers.some(isAlive), 10_000);
  });
}

/** Prints the last line, and answers the exit code. */
export function finish() {
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 ? 0 : 1;
}

export function expect(text, pattern) {
  if (!pattern.test(text)) {
    throw new Error(`expected ${pattern}, got "${text}"`);
  }
}

async function runCheck(name, body, code, workbench) {
  try {
    const detail = await body();
    tally.passed += 1;
    console.log(`  ok    ${name}${detail ? `: ${detail.replace(/\s+/g, " ").trim()}` : ""}`);
  } catch (error) {
    tally.failed += 1;
    console.log(`  FAIL  ${name}: ${error.message}`);
    if (!code.page.isClosed()) {
      const picture = path.join(artifacts, `failed-${tally.failed}.png`);
      await code.page.screenshot({ path: picture });
      const log = code.serverLog().trimEnd().split("\n").slice(-40).join("\n");
      console.log(`        screenshot: ${picture}\n        the server's log ends:\n${log}`);
      await workbench.keys.press("Escape");
    }
  }
}
