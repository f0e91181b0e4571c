// The `/commands` in VS Code's palette and menus. Which ones there are, the manifest says.

import { commands, type Disposable } from "vscode";
import type { Target } from "../../page/wire";
import type { ChatView } from "./view";

const PREFIX = "zi.chat.";

export function registerCommands(manifest: unknown, chat: ChatView): Disposable[] {
  const { contributes } = manifest as { contributes: { commands: readonly { command: string }[] } };
  return contributes.commands
    .map(({ command }) => command)
    .filter((id) => id.startsWith(PREFIX))
    .map((id) => commands.registerCommand(id, (about: unknown) => chat.run(`/${id.slice(PREFIX.length)}`, target(about))));
}

/** What a link or a lens is about; menus give other things. */
function target(about: unknown): Target | undefined {
  const { uri, range } = (about ?? {}) as Partial<Target>;
  return typeof uri === "string" && range ? { uri, range, problems: [] } : undefined;
}
