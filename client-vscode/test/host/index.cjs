// Runs inside VS Code's extension host, beside the installed extension: VS Code calls `run`. What came of each check
// is a line of JSON in the file that ZI_HOST_RESULTS names.

const fs = require("node:fs");
const checks = require("./checks.cjs");

exports.run = async () => {
  for (const [name, check] of Object.entries(checks)) {
    const result = { name, detail: "", error: "" };
    try {
      result.detail = (await check()) ?? "";
    } catch (error) {
      result.error = error.message || String(error);
    }
    fs.appendFileSync(process.env.ZI_HOST_RESULTS, `${JSON.stringify(result)}\n`);
  }
};
