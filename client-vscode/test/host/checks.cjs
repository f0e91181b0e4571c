// What holds between VS Code's own API and the extension: real documents, real providers, the real server.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { commands, extensions, languages, Position, Range, Selection, Uri, window, workspace } = require("vscode");

const DEADLINE_MS = 60_000;
const AREA = '"""Areas."""\n\nimport os\n\n\ndef area(radius):\n    return os.sep, math.pi * radius**2\n';
const MATH = new Position(6, 20);

const folder = () => workspace.workspaceFolders[0].uri;
const manifest = () => extensions.getExtension("zicoder.zicoder").packageJSON;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(expectation, probe, deadlineMs = DEADLINE_MS) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value) {
      return value;
    }
    assert.ok(Date.now() < deadline, `expected ${expectation} within ${deadlineMs / 1000} s`);
    await pause(100);
  }
}

/** A file that is written for one check, opened and shown. */
async function shown(name, text) {
  const uri = Uri.joinPath(folder(), name);
  fs.writeFileSync(uri.fsPath, text);
  const document = await workspace.openTextDocument(uri);
  return { document, editor: await window.showTextDocument(document) };
}

/** An edit as the server sends it, which is to be looked at first. */
function doubtful(document, newText, version = document.version) {
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 3 } };
  return {
    documentChanges: [{ textDocument: { uri: document.uri.toString(), version }, edits: [{ range, newText, annotationId: "a" }] }],
    changeAnnotations: { a: { label: "a change", needsConfirmation: true } },
  };
}

const reviews = () => window.tabGroups.all.flatMap(({ tabs }) => tabs).filter(({ label }) => label.startsWith("Zi: "));

/** Has an edit reviewed: waits until it is shown, then says this. */
async function decided(label, edit, decision) {
  const over = commands.executeCommand("zi.reviewEdit", label, edit);
  await until("the change to be shown", () => reviews().some(({ label: title }) => title.startsWith(`Zi: ${label}`)));
  await commands.executeCommand(decision);
  await over;
  await until("the change to be closed", () => reviews().length === 0);
}

/** Ghost text comes from the script of the test; what accepts it is what is tested. Each in a file of its own: what was
 *  taken back just now is not suggested there again. */
/** What is left of a suggestion after some commands; waits for `wanted`, if given, since others may take longer. */
async function accepted(command, name, before_it = [], wanted = undefined) {
  const { document, editor } = await shown(`${name}.py`, "import math\n\n\ndef area(radius):\n    return ");
  const end = document.lineAt(4).range.end;
  editor.selection = new Selection(end, end);
  const before = document.getText();
  const text = await until(`a suggestion to be taken by ${command}`, async () => {
    await commands.executeCommand("zi.suggest");
    await pause(700);
    for (const each of before_it) {
      await commands.executeCommand(each);
      await pause(300);
    }
    await commands.executeCommand(command);
    const taken = document.getText().slice(before.length);
    if (wanted !== undefined && taken && taken.trimEnd() !== wanted) {
      await commands.executeCommand("undo");
      return undefined;
    }
    return taken || undefined;
  });
  await commands.executeCommand("undo");
  assert.equal(document.getText(), before, "one undo takes it back");
  await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  return text;
}

/** Our command that does what one of VS Code does at the same key, and tells the server. */
const STANDS_IN = { "zi.dismissSuggestion": "editor.action.inlineSuggest.hide" };

/** Conditions that cannot hold while a text editor has the focus and shows grey text. */
const ELSEWHERE = /(?<!editorText|editor|textInput)Focus(ed)?\b|\bin(QuickOpen|Keybindings|Chat\w*|Settings\w*)\b|activeEditor|scm|chatInAgentSession|comparingMovedCode|breadcrumbsActive/;

function excluded(condition, when) {
  return condition.split("&&").some((each) => when.includes(`!${each.trim()}`));
}

module.exports = {
  async "the extension is active, and runs where the workspace is"() {
    const zi = extensions.getExtension("zicoder.zicoder");
    await until("activation", () => zi.isActive);
    assert.deepEqual(manifest().extensionKind, ["workspace"]);
    assert.equal(process.platform, "linux"); // the test itself runs beside it, in the host of the "remote"
  },

  async "every command of the manifest is there, and each key and menu names one of them"() {
    const { contributes } = manifest();
    const wanted = contributes.commands.map(({ command }) => command);
    await until("the server's commands", async () => {
      const known = new Set(await commands.getCommands(true));
      return wanted.every((command) => known.has(command));
    });
    const menus = Object.values(contributes.menus).flat().map(({ command }) => command).filter(Boolean);
    for (const command of [...contributes.keybindings.map((key) => key.command), ...menus]) {
      assert.ok(wanted.includes(command), `${command} is no command of ours`);
    }
    return `${wanted.length} commands`;
  },

  async "our keys are nobody else's where they count"() {
    const text = (await workspace.openTextDocument(Uri.parse("vscode://defaultsettings/keybindings.json"))).getText();
    const bound = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
    assert.ok(bound.length > 500);
    const keys = manifest().contributes.keybindings;
    for (const { key, command, when } of keys) {
      // What is bound in lists, quick input and terminals has nothing to do with an editor that has the focus.
      let others = bound.filter((one) => one.key === key && one.command !== command && !/listFocus|inQuickInput|terminalFocus/.test(one.when));
      const theirs = others.findIndex((one) => one.command === STANDS_IN[command] && /inlineSuggestionVisible/.test(one.when));
      if (theirs >= 0) {
        // What stands below it in the list comes before it, and must come before ours: it is named in our condition.
        others = others.slice(theirs + 1).filter((one) => one.when.split("||").some((each) => !ELSEWHERE.test(each) && !excluded(each, when)));
      }
      assert.deepEqual(others, [], key);
      assert.ok(bound.some((one) => one.key === key && one.command === command), `${key} is bound`);
    }
    return keys.map(({ key }) => key).join(", ");
  },

  async "a hover's links run our two commands, and no other"() {
    const { document } = await shown("area.py", AREA);
    const told = await until("the hover", async () => {
      const hovers = await commands.executeCommand("vscode.executeHoverProvider", document.uri, new Position(5, 5));
      return hovers.flatMap(({ contents }) => contents).find(({ value }) => /def area/.test(value));
    });
    assert.match(told.value, /command:zi\.explainSymbol/);
    assert.deepEqual(told.isTrusted, { enabledCommands: ["zi.explainSymbol", "zi.explainBriefly"] });
  },

  async "a fix of the server is offered, applied, and the problem is gone"() {
    const { document } = await shown("area.py", AREA);
    const problems = () => languages.getDiagnostics(document.uri);
    await until("the problem", () => problems().some(({ range }) => range.contains(MATH)));
    const at = new Range(MATH, MATH);
    const fix = await until("the fix", async () => {
      // It says "Canceled" when the problems change while it asks.
      const asked = commands.executeCommand("vscode.executeCodeActionProvider", document.uri, at, "quickfix", 10);
      const found = await asked.then((actions) => actions, () => []);
      return found.find(({ title }) => title === "Add `import math`");
    });
    assert.ok(await workspace.applyEdit(fix.edit));
    assert.match(document.getText(), /^import math$/m);
    await until("no problem", () => problems().length === 0);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "a change that is to be looked at is shown, and made when it is accepted; one undo takes it back"() {
    const { document } = await shown("note.txt", "one two\n");
    await decided("first", doubtful(document, "ONE"), "zi.change.apply");
    assert.equal(document.getText(), "ONE two\n");
    await window.showTextDocument(document);
    await commands.executeCommand("undo");
    assert.equal(document.getText(), "one two\n");
  },

  async "a change that is discarded, or closed, is not made"() {
    const { document } = await shown("note.txt", "one two\n");
    await decided("second", doubtful(document, "ONE"), "zi.change.discard");
    await decided("third", doubtful(document, "ONE"), "workbench.action.closeActiveEditor");
    assert.equal(document.getText(), "one two\n");
  },

  async "a change of a file that is no longer what it was is not made"() {
    const { document } = await shown("note.txt", "one two\n");
    await decided("fourth", doubtful(document, "ONE", document.version + 7), "zi.change.apply");
    assert.equal(document.getText(), "one two\n");
  },

  async "two changes wait for each other, and each has its own answer"() {
    const { document } = await shown("note.txt", "one two\n");
    const both = ["fifth", "sixth"].map((label) => commands.executeCommand("zi.reviewEdit", label, doubtful(document, label)));
    await until("the first", () => reviews().some(({ label }) => label.startsWith("Zi: fifth")));
    assert.equal(reviews().length, 1);
    await commands.executeCommand("zi.change.discard");
    await until("the second", () => reviews().some(({ label }) => label.startsWith("Zi: sixth")));
    await commands.executeCommand("zi.change.apply");
    await Promise.all(both);
    assert.equal(document.getText(), "sixth two\n");
    await window.showTextDocument(document);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "a suggestion is taken whole, by the word and by the line"() {
    const whole = await accepted("zi.acceptSuggestion", "whole");
    const word = await accepted("zi.acceptWord", "word");
    const line = await accepted("zi.acceptLine", "line");
    assert.equal(whole.trimEnd(), "math.pi * radius**2");
    assert.ok(whole.startsWith(word) && word.length < whole.length, word);
    assert.equal(line.trimEnd(), whole.trimEnd());
    return `"${word}" of "${whole}"`;
  },

  async "a suggestion is dismissed, and can be asked for again"() {
    const { document, editor } = await shown("dismissed.py", "import math\n\n\ndef area(radius):\n    return ");
    const end = document.lineAt(4).range.end;
    editor.selection = new Selection(end, end);
    const before = document.getText();
    await commands.executeCommand("zi.suggest");
    await pause(1_500);
    await commands.executeCommand("zi.dismissSuggestion");
    await pause(300);
    await commands.executeCommand("zi.acceptSuggestion");
    assert.equal(document.getText(), before);
    await until("it to be taken", async () => {
      await commands.executeCommand("zi.suggest");
      await pause(700);
      await commands.executeCommand("zi.acceptSuggestion");
      return document.getText() !== before;
    });
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "a suggestion goes on where the editor closes the bracket that is typed"() {
    const { document, editor } = await shown("closing.py", "def area(radius, factor): ...\n\n\nsize = area");
    const end = document.lineAt(3).range.end;
    const line = () => document.lineAt(3).text;
    await until("the suggestion to be taken inside the brackets", async () => {
      await editor.edit((edit) => edit.replace(document.lineAt(3).range, "size = area"));
      editor.selection = new Selection(end, end);
      await commands.executeCommand("zi.suggest");
      await pause(700);
      await commands.executeCommand("type", { text: "(" });
      assert.equal(line(), "size = area()");
      await pause(700);
      await commands.executeCommand("zi.acceptSuggestion");
      return line() === "size = area(radius, 2)";
    });
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "next and previous go through the suggestions for a place"() {
    const [take, next, previous] = ["zi.acceptSuggestion", "zi.nextSuggestion", "zi.previousSuggestion"];
    const second = await accepted(take, "next", [next], "radius**2 * math.pi");
    const third = await accepted(take, "previous", [previous], "radius * math.tau");
    const first = await accepted(take, "back", [next, previous], "math.pi * radius**2");
    return [first, second, third].map((text) => text.trimEnd()).join(" | ");
  },

  async "suggestions are switched off for a language, and on again"() {
    const { document } = await shown("note.txt", "one two\n");
    const off = () => workspace.getConfiguration("zi").get("completion.disabled_languages");
    void commands.executeCommand("zi.toggleLanguage");
    await until("off", () => off().includes(document.languageId));
    void commands.executeCommand("zi.toggleLanguage");
    await until("on", () => !off().includes(document.languageId));
  },

  async "settings of the wrong type are left out, and the server goes on"() {
    const configuration = workspace.getConfiguration("zi");
    const wrong = { "completion.timeout_ms": "soon", "completion.enabled": "perhaps", "diagnostics.level": 7 };
    for (const [name, value] of Object.entries(wrong)) {
      await configuration.update(name, value, true);
    }
    await pause(1_000);
    assert.equal((await accepted("zi.acceptSuggestion", "wrong")).trimEnd(), "math.pi * radius**2");
    for (const name of Object.keys(wrong)) {
      await configuration.update(name, undefined, true);
    }
  },

  async "a report names versions, and no folder of the user"() {
    await commands.executeCommand("zi.reportIssue");
    const { document } = window.activeTextEditor;
    assert.match(document.getText(), /Zi Coder \d+\.\d+\.\d+, VS Code \d+/);
    assert.match(document.getText(), /Server \(setting\)/);
    assert.ok(!document.getText().includes(require("node:os").homedir()));
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "after a restart everything answers again"() {
    const { document } = await shown("area.py", AREA);
    await commands.executeCommand("zi.restartServer");
    await until("the hover", async () => (await commands.executeCommand("vscode.executeHoverProvider", document.uri, new Position(5, 5))).length > 0);
  },
};
