// What can be done with ghost text, under names that are found in the palette: VS Code does it.

import { commands, window, type Disposable } from "vscode";
import type { ZiClient } from "./client";

const DONE_BY: Readonly<Record<string, string>> = {
  "zi.suggest": "editor.action.inlineSuggest.trigger",
  "zi.acceptSuggestion": "editor.action.inlineSuggest.commit",
  "zi.acceptWord": "editor.action.inlineSuggest.acceptNextWord",
  "zi.acceptLine": "editor.action.inlineSuggest.acceptNextLine",
  "zi.nextSuggestion": "editor.action.inlineSuggest.showNext",
  "zi.dismissSuggestion": "editor.action.inlineSuggest.hide",
  "zi.previousSuggestion": "editor.action.inlineSuggest.showPrevious",
};

/** Two dismissed one after the other keep the server quiet there for a while; VS Code tells nobody of them. */
const DISMISS = "zi.dismissSuggestion";

export function registerSuggestionCommands(client: () => ZiClient | undefined): Disposable[] {
  return Object.entries(DONE_BY).map(([ours, theirs]) =>
    commands.registerCommand(ours, () => {
      if (ours === DISMISS && window.activeTextEditor) {
        client()?.dismissed(window.activeTextEditor);
      }
      return commands.executeCommand(theirs);
    }),
  );
}
