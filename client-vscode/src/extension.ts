// Zi Coder for VS Code: finds the server, connects, shows its status. Everything that thinks lives in the server.

import { commands, window, workspace, type ExtensionContext } from "vscode";
import { CursorNotifier } from "./cursor";
import { Lifecycle } from "./lifecycle";
import { onInterpreterChanged } from "./python";
import { searchProject } from "./search";
import { snooze } from "./snooze";
import { StatusItem } from "./status";

let lifecycle: Lifecycle | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("Zi Coder", { log: true });
  const status = new StatusItem();
  const cursor = new CursorNotifier(() => lifecycle?.client);
  const server = new Lifecycle(context, log, status, () => {
    cursor.schedule();
  });
  lifecycle = server;

  context.subscriptions.push(
    log,
    status,
    cursor,
    server,
    commands.registerCommand("zi.restartServer", () => server.restartByHand()),
    commands.registerCommand("zi.showLog", () => {
      log.show();
    }),
    commands.registerCommand("zi.showMenu", () => status.openMenu(server.client !== undefined)),
    commands.registerCommand("zi.searchProject", () => {
      if (server.client) {
        searchProject(server.client);
      }
    }),
    commands.registerCommand("zi.snoozeSuggestions", snooze),
    commands.registerCommand("zi.openSettings", () =>
      commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`),
    ),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("zi.server.path")) {
        void server.restartByHand();
      } else if (event.affectsConfiguration("zi")) {
        void server.client?.settingsChanged();
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => {
      restartIfUndecided(server);
    }),
  );

  void server.restart().then(() => {
    const interpreterChanged = onInterpreterChanged();
    if (interpreterChanged) {
      context.subscriptions.push(
        interpreterChanged(() => {
          restartIfUndecided(server);
        }),
      );
    }
  });
}

export function deactivate(): Promise<void> | undefined {
  return lifecycle?.stop();
}

/** Another interpreter matters only where the server runs on it, or where there is none. */
function restartIfUndecided(server: Lifecycle): void {
  if (server.origin === undefined || server.origin === "python") {
    void server.restartByHand();
  }
}
