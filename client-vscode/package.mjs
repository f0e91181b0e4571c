// Packs the extension into dist/zicoder.vsix: the same bytes from the same files, wherever and whenever it is done.
// usage: node package.mjs [--server]    with --server into dist/zicoder-server.vsix, with the wheel in bundled/ inside

import fs from "node:fs";
import path from "node:path";
import { createVSIX } from "@vscode/vsce";

// Both count for the times in the archive.
process.env.SOURCE_DATE_EPOCH = "315532800"; // 1980, the first year that it knows
process.env.TZ = "UTC";

const here = import.meta.dirname;

// There is no place on the web from which VS Code could fetch the pictures, so they are part of the page.
const readme = fs.readFileSync(path.join(here, "README.md"), "utf8").replace(/\]\((\.\.\/docs\/images\/[\w-]+\.png)\)/g, (_, picture) => {
  return `](data:image/png;base64,${fs.readFileSync(path.join(here, picture)).toString("base64")})`;
});
fs.writeFileSync(path.join(here, "dist/README.md"), readme);

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
