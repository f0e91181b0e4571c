// What is in the package, and that packing it again gives the same bytes. No editor and no server.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { expect, tally } from "./session.mjs";

const client = path.join(import.meta.dirname, "../..");
const vsix = path.join(client, "dist/zicoder.vsix");
const MOST_BYTES = 2_000_000;
const WANTED = [
  "[Content_Types].xml", "extension.vsixmanifest", "extension/LICENSE.txt", "extension/dist/extension.js", "extension/icon.png",
  "extension/package.json", "extension/readme.md", "extension/view.svg", "extension/walkthrough/chat.md",
  "extension/walkthrough/chat-fix.png", "extension/walkthrough/ghost.png", "extension/walkthrough/model.md",
  "extension/walkthrough/models.png", "extension/walkthrough/suggestions.md",
];

export function packageTests() {
  console.log("package");
  for (const [name, body] of Object.entries(checks)) {
    try {
      const detail = body();
      tally.passed += 1;
      console.log(`  ok    ${name}${detail ? `: ${detail}` : ""}`);
    } catch (error) {
      tally.failed += 1;
      console.log(`  FAIL  ${name}: ${error.message}`);
    }
  }
}

const checks = {
  "it holds what it should, and no stray file"() {
    const names = python("import zipfile, sys; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))").trim().split("\n");
    expect(names.sort().join("\n"), new RegExp(`^${[...WANTED].sort().join("\n").replace(/[.[\]]/g, "\\$&")}$`));
    return `${names.length} files`;
  },

  "it is small"() {
    const { size } = fs.statSync(vsix);
    expect(String(size <= MOST_BYTES), /true/);
    return `${(size / 1e6).toFixed(2)} MB`;
  },

  "packed again, it is the same to the byte"() {
    const before = digest();
    const again = spawnSync(process.execPath, ["package.mjs"], { cwd: client, encoding: "utf8", env: { ...process.env, TZ: "America/Lima" } });
    expect(`${again.status}`, /^0$/);
    expect(digest(), new RegExp(`^${before}$`));
    return before.slice(0, 16);
  },

  "its page names no picture that VS Code would not show, and a licence, an icon and categories are named"() {
    expect(String(/!\[|\]\(\.\.?\//.test(member("extension/readme.md"))), /false/);
    const { license, icon, categories } = JSON.parse(member("extension/package.json"));
    expect(`${license} ${icon} ${categories.length > 0}`, /^Apache-2\.0 icon\.png true$/);
  },

  "nothing in it can reach the network"() {
    expect(member("extension/dist/extension.js").match(/require\("(?:node:)?(?:https?|http2|tls|dgram|undici)"\)|\bfetch\(/g)?.join(" ") ?? "", /^$/);
  },
};

function digest() {
  return createHash("sha256").update(fs.readFileSync(vsix)).digest("hex");
}

function member(name) {
  return python("import zipfile, sys; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))", name);
}

function python(code, ...args) {
  return spawnSync("python3", ["-c", code, vsix, ...args], { encoding: "utf8", maxBuffer: 1e8 }).stdout;
}
