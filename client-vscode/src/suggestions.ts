// What can be done with ghost text, under names that are found in the palette: VS Code does it.

import { commands, type Disposable } from "vscode";

const DONE_BY: Readonly<Record<string, string>> = {
  "zi.suggest": "editor.action.inlineSuggest.trigger",
  "zi.acceptSuggestion": "editor.action.inlineSuggest.commit",
  "zi.acceptWord": "editor.action.inlineSuggest.acceptNextWord",
  "zi.acceptLine": "editor.action.inlineSuggest.acceptNextLine",
  "zi.nextSuggestion": "editor.action.inlineSuggest.showNext",
  "zi.previousSuggestion": "editor.action.inlineSuggest.showPrevious",
};

export function registerSuggestionCommands(): Disposable[] {
  return Object.entries(DONE_BY).map(([ours, theirs]) => commands.registerCommand(ours, () => commands.executeCommand(theirs)));
}
