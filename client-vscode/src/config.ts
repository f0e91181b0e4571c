// The editor's settings as the server should see them.

import { workspace, type WorkspaceConfiguration } from "vscode";

const SECTION = "zi";
/** Settings of this extension itself; the server does not know them. */
const CLIENT_ONLY = new Set(["server.path", "trace.server"]);

export function serverPathSetting(): string {
  return workspace.getConfiguration(SECTION).get<string>("server.path", "").trim();
}

/**
 * Only what the user has set: VS Code would add the default of every other setting, and those defaults would then hide
 * the settings files and the environment, which the server reads and which rank below the editor.
 */
export function explicitSettings(names: readonly string[]): Record<string, Record<string, unknown>> {
  const configuration = workspace.getConfiguration(SECTION);
  const result: Record<string, Record<string, unknown>> = {};
  for (const name of names) {
    const [section, key] = name.split(".", 2);
    if (section && key && isSet(configuration, name)) {
      (result[section] ??= {})[key] = configuration.get(name);
    }
  }
  return result;
}

/** The server's settings that package.json declares, without the leading `zi.`. */
export function serverSettingNames(manifest: unknown): string[] {
  const { contributes } = manifest as { contributes: { configuration: { properties: Record<string, unknown> } } };
  return Object.keys(contributes.configuration.properties)
    .map((name) => name.slice(SECTION.length + 1))
    .filter((name) => !CLIENT_ONLY.has(name));
}

/** VS Code leaves workspace values of restricted settings out of `inspect` while the workspace is not trusted. */
function isSet(configuration: WorkspaceConfiguration, name: string): boolean {
  const found = configuration.inspect(name);
  return [found?.globalValue, found?.workspaceValue, found?.workspaceFolderValue].some((value) => value !== undefined);
}
