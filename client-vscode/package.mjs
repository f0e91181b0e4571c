// Packs the extension into dist/zicoder.vsix: the same bytes from the same files, wherever and whenever it is done.
// usage: node package.mjs [--server]    with --server into dist/zicoder-server.vsix, with the wheel in bundled/ inside

import fs from "node:fs";
import path from "node:path";
import { createVSIX } from "@vscode/vsce";

// Both count for the times in the archive.
process.env.SOURCE_DATE_EPOCH = "315532800"; // 1980, the first year that it knows
process.env.TZ = "UTC";

const here = import.meta.dirname;

// VS Code shows pictures from the web only on an extension's page, and there is no place on the web for them. In the
// walkthrough it shows those that come along.
const readme = fs.readFileSync(path.join(here, "README.md"), "utf8").replace(/^!\[[^\]]*\]\([^)]*\)\n\n?/gm, "");
fs.writeFileSync(path.join(here, "dist/README.md"), readme);
for (const name of ["ghost", "chat-fix", "models"]) {
  fs.copyFileSync(path.join(here, `../docs/images/${name}.png`), path.join(here, `walkthrough/${name}.png`));
}

const server = process.argv.includes("--server");
await createVSIX({
  cwd: here,
  packagePath: path.join(here, server ? "dist/zicoder-server.vsix" : "dist/zicoder.vsix"),
  ...(server && { ignoreFile: ".vscodeignore-server" }),
  readmePath: "dist/README.md",
  dependencies: false,
  allowMissingRepository: true,
  rewriteRelativeLinks: false,
});
