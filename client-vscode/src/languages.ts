// "Toggle Suggestions for This Language": writes the language into the user's settings, or takes it out.

import { ConfigurationTarget, window, workspace } from "vscode";

const SETTING = "completion.disabled_languages";

export async function toggleLanguage(): Promise<void> {
  const language = window.activeTextEditor?.document.languageId;
  if (!language) {
    return;
  }
  const configuration = workspace.getConfiguration("zi");
  const off = configuration.get<readonly string[]>(SETTING, []);
  const was = off.includes(language);
  await configuration.update(SETTING, was ? off.filter((each) => each !== language) : [...off, language], ConfigurationTarget.Global);
  await window.showInformationMessage(`Zi: suggestions in ${language} are ${was ? "on" : "off"} now.`);
}
