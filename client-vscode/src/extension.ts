// Zi Coder for VS Code: finds the server, connects, shows its status. Everything that thinks lives in the server.

import { commands, window, workspace, type ExtensionContext } from "vscode";
import type { WorkspaceEdit } from "vscode-languageclient/node";
import { approve, showAuditLog } from "./chat/approvals";
import { registerCommands } from "./chat/commands";
import { ChatView } from "./chat/view";
import { serverPathSetting } from "./config";
import { CursorNotifier } from "./cursor";
import { toggleLanguage } from "./languages";
import { Lifecycle } from "./lifecycle";
import { ModelsPanel } from "./models";
import { REVIEW } from "./protocol";
import { onInterpreterChanged } from "./python";
import { reportIssue } from "./report";
import { fileChanges, Review } from "./review";
import { searchProject } from "./search";
import { snooze } from "./snooze";
import { StatusItem } from "./status";
import { registerSuggestionCommands } from "./suggestions";

let lifecycle: Lifecycle | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("Zi Coder", { log: true });
  const status = new StatusItem();
  const cursor = new CursorNotifier(() => lifecycle?.client);
  const review = new Review();
  const chat = new ChatView(() => lifecycle?.client, review, log);
  const models = new ModelsPanel(() => lifecycle?.client, log);
  const server = new Lifecycle(context, log, status, {
    onChanged: () => {
      cursor.schedule();
      chat.serverChanged();
      models.serverChanged();
      if (!lifecycle?.client) {
        review.discard();
      }
    },
    onQuestion: (question, token) => approve(chat, question, token),
    onChange: async (label, edit) => {
      const { files, hunks } = await fileChanges(edit);
      return review.ask(label, files, hunks);
    },
  });
  lifecycle = server;
  let serverPath = serverPathSetting();

  context.subscriptions.push(
    log,
    status,
    cursor,
    chat,
    models,
    review,
    server,
    ...registerCommands(context.extension.packageJSON, chat),
    ...registerSuggestionCommands(() => server.client),
    commands.registerCommand("zi.openChat", () => chat.open()),
    commands.registerCommand("zi.showAuditLog", showAuditLog),
    commands.registerCommand("zi.chooseModels", () => models.open()),
    commands.registerCommand("zi.toggleLanguage", toggleLanguage),
    commands.registerCommand("zi.reportIssue", () => reportIssue(context, server.origin)),
    commands.registerCommand(REVIEW, (label: string, edit: WorkspaceEdit) => server.client?.review(label, edit)),
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
      // Trust that is granted counts as a change of every restricted setting, whatever its value.
      if (serverPathSetting() !== serverPath) {
        serverPath = serverPathSetting();
        void server.restartByHand();
      } else if (event.affectsConfiguration("zi")) {
        void server.client?.settingsChanged();
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => {
      void server.client?.trustGranted();
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
