// Builds each page into one file, which lies in the server's package, so that it needs no Node to be installed.
// usage: node page/build.mjs [--check]    with --check nothing is written, and a stale page is an error

import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const target = path.join(here, "../../server/zicoder/web");

async function bundled(entry, options) {
  const { outputFiles } = await build({
    entryPoints: [path.join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    target: ["chrome124", "safari17.5", "firefox128"],
    charset: "ascii",
    legalComments: "inline", // the licences of what is bundled ask for it
    logLevel: "warning",
    absWorkingDir: path.join(here, ".."),
    ...options,
  });
  return outputFiles[0].text.trim();
}

/** One page with its script and its style inside. */
async function page(folder) {
  // It stands in strings and patterns only, where this is the same; in HTML it would begin a comment.
  const script = (await bundled(`${folder}main.ts`, { format: "iife" })).replaceAll("<!--", "<\\x21--");
  const style = await bundled(`${folder}style.css`, {});
  if (/<\/(script|style)/i.test(script + style)) {
    throw new Error("The script would end its own element.");
  }
  return fs
    .readFileSync(path.join(here, `${folder}page.html`), "utf8")
    .replaceAll("\r\n", "\n")
    .replace("__STYLE__", () => style)
    .replace("__SCRIPT__", () => script);
}

const notice = ["dompurify", "highlight.js", "marked"]
  .map((name) => {
    const folder = path.join(here, "../node_modules", name);
    const { version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
    const licence = fs.readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    return `${name} ${version}\n\n${fs.readFileSync(path.join(folder, licence), "utf8").replaceAll("\r\n", "\n").trim()}\n`;
  })
  .join(`\n${"-".repeat(80)}\n\n`);

let stale = false;
const made = {
  "chat.html": await page(""),
  "models.html": await page("models/"),
  "NOTICE.txt": `Parts of chat.html:\n\n${notice}`,
};
for (const [name, text] of Object.entries(made)) {
  const file = path.join(target, name);
  if (!process.argv.includes("--check")) {
    fs.mkdirSync(target, { recursive: true });
    fs.writeFileSync(file, text);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8").replaceAll("\r\n", "\n") !== text) {
    console.error(`server/zicoder/web/${name} is stale; run \`npm run page\`.`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
