// Runs every scenario, each in a VS Code of its own. Environment: see run.sh.   usage: main.mjs [NAME…]

import fs from "node:fs";
import * as chat from "./chat.mjs";
import * as failures from "./failures.mjs";
import * as host from "./host.mjs";
import { modelsPageTests } from "./models-page.mjs";
import { packageTests } from "./package.mjs";
import { pageTests } from "./page.mjs";
import * as suggestions from "./scenario.mjs";
import { artifacts, finish, session } from "./session.mjs";
import { restricted, several, without } from "./workspaces.mjs";

const scenarios = { package: undefined, page: undefined, suggestions, host, chat, failures, restricted, without, several };
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(scenarios);

fs.mkdirSync(artifacts, { recursive: true });
for (const name of names) {
  if (name === "package") {
    packageTests();
    continue;
  }
  if (name === "page") {
    await pageTests();
    await modelsPageTests();
    continue;
  }
  const { options, scenario } = scenarios[name];
  await session(name, options, scenario);
}
process.exit(finish());
