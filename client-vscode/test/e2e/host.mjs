// Tests inside VS Code's extension host: what the extension and VS Code's own API make of each other. The checks stand
// in ../host/checks.cjs; the real server; what the model writes stands in host-script.toml.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "./session.mjs";

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "zi-host-"));
const results = path.join(scratch, "results.jsonl");
const OVER_MS = 600_000;

export const options = {
  hostTests: path.join(import.meta.dirname, "../host"),
  settings: {
    "zi.server.path": process.env.ZI_SERVER,
    "zi.model.infill": `scripted:${path.join(import.meta.dirname, "host-script.toml")}`,
    "zi.completion.timeout_ms": 30_000,
    "zi.diagnostics.level": "all",
  },
  env: { ZI_CONFIG_DIR: scratch, ZI_DATA_DIR: path.join(scratch, "data"), ZI_HOST_RESULTS: results },
};

export async function scenario({ check, code }) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve("late"), OVER_MS);
  });
  const end = await Promise.race([code.hostTestsOver, late]);
  clearTimeout(timer);
  const lines = fs.existsSync(results) ? fs.readFileSync(results, "utf8").trimEnd().split("\n") : [];
  for (const { name, detail, error } of lines.map((line) => JSON.parse(line))) {
    await check(name, () => {
      if (error) {
        throw new Error(error);
      }
      return detail;
    });
  }
  await check("all of them were run", () => expect(`${end} ${lines.length > 0}`, /^0 true$/));
}
