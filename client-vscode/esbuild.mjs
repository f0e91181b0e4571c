// Bundles the extension into one file, so that no node_modules folder has to be shipped.
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  sourcemap: "external",
  legalComments: "none",
  logLevel: "warning",
});
