// What a person does and sees in VS Code, by the workbench's own class names. Every wait has a deadline and says what
// it waited for.

import { pause } from "./rig.mjs";

export const DEADLINE_MS = 20_000;
/** Longer than a suggestion takes on a busy machine: each nudge cancels the request before it. */
const NUDGE_MS = 25_000;

/** Polls until `probe` answers something truthy, and returns that. */
export async function until(expectation, probe, deadlineMs = DEADLINE_MS) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`expected ${expectation} within ${deadlineMs / 1000} s`);
    }
    await pause(100);
  }
}

export class Workbench {
  constructor(page) {
    this.page = page;
    this.keys = page.keyboard;
  }

  async openFile(name) {
    const tab = this.page.locator(`.tab.active[data-resource-name="${name}"]`);
    await until(`${name} to be open`, async () => {
      await this.#quickInput("Control+P", name);
      await this.#choose(name);
      await pause(500);
      return tab.isVisible();
    });
  }

  /** A new document with that one line; its tab is there before the editor that takes the keys. */
  async untitledFile(text) {
    await this.keys.press("Control+Alt+N");
    await this.page.locator(".tab.active", { hasText: "Untitled" }).waitFor();
    await this.#visible(".editor-instance .monaco-editor.focused", "the editor to have the focus");
    await this.keys.type(text);
    await until("the text to be in the editor", async () => {
      const shown = await this.page.locator(".editor-instance .monaco-editor.focused .view-lines").textContent();
      return shown.replaceAll("\u00a0", " ") === text;
    });
  }

  async runCommand(title) {
    await this.#quickInput("F1", `>${title}`);
    await this.#choose(title);
  }

  /** Runs a command that opens a list of its own in the place of the palette. */
  async runCommandThatAsks(title) {
    await this.#quickInput("F1", `>${title}`);
    const command = this.page.locator(".quick-input-widget:visible .monaco-list-row.focused", { hasText: title });
    await until(`the command ${title}`, () => command.first().isVisible());
    await this.keys.press("Enter");
  }

  /** Types a question into our search, and answers the row that holds `expected`, which Enter then opens. */
  async searchProject(question, expected) {
    await this.runCommandThatAsks("Zi: Search the Project");
    const input = this.page.locator('.quick-input-widget:visible input[placeholder^="A question"]');
    await input.waitFor({ timeout: DEADLINE_MS });
    await input.fill(question);
    return this.#textOf(".quick-input-widget:visible .monaco-list-row.focused", expected);
  }

  /** The row of a symbol anywhere in the workspace. */
  async workspaceSymbol(name) {
    await this.#quickInput("Control+P", `#${name}`);
    return this.#textOf(".quick-input-widget:visible .monaco-list-row", name);
  }

  /** What VS Code measured of our activation in its extension host, in words. */
  async activation() {
    await this.runCommand("Developer: Show Running Extensions");
    const row = this.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Zi Coder" }).first();
    await row.waitFor({ timeout: DEADLINE_MS });
    const text = (await row.locator(".activation-time").textContent()) ?? "";
    await this.closeTab("Running Extensions");
    return text;
  }

  /** Waits for a file's tab to be the active one. */
  async activeFile(name) {
    const tab = this.page.locator(`.tab.active[data-resource-name="${name}"]`);
    await until(`${name} to be shown`, () => tab.isVisible());
  }

  /** Puts the cursor there; both count from 1. */
  async goTo(line, column) {
    await this.#quickInput("Control+G", `:${line}:${column}`);
    await this.keys.press("Enter");
    await this.#visible(".editor-instance .monaco-editor.focused", "the editor to have the focus");
  }

  async save() {
    await this.keys.press("Control+S");
    await until("the file to be saved", async () => (await this.page.locator(".tab.active.dirty").count()) === 0);
  }

  /** The grey text after the cursor, as one string; empty when there is none. VS Code splits it over several spans. */
  ghostText() {
    return this.page.evaluate(() => {
      const selector = ".ghost-text, .ghost-text-decoration, .ghost-text-decoration-preview";
      return [...globalThis.document.querySelectorAll(selector)]
        .filter((element) => !element.parentElement.closest(selector))
        .map((element) => element.textContent.replaceAll("\u00a0", " "))
        .join("");
    });
  }

  /** Types, then waits for ghost text; types a space and takes it back now and then, as an impatient person would. */
  async typeForGhostText(text, deadlineMs = 90_000) {
    await this.keys.type(text, { delay: 40 });
    let nextNudge = Date.now() + NUDGE_MS;
    return until(
      `ghost text after "${text}"`,
      async () => {
        if (Date.now() > nextNudge) {
          nextNudge = Date.now() + NUDGE_MS;
          await this.keys.type(" ");
          await this.keys.press("Backspace");
        }
        return (await this.ghostText()).trim();
      },
      deadlineMs,
    );
  }

  async hoverTextAtCursor(expected) {
    await this.keys.press("Control+K");
    await this.keys.press("Control+I");
    return this.#textOf(".monaco-hover:visible", expected);
  }

  /** Looks at a place until its hover says this: one that is open already does not change. */
  async hoverText(line, column, expected) {
    const hover = this.page.locator(".monaco-hover:visible", { hasText: expected }).first();
    await until(`${expected} in the hover`, async () => {
      await this.keys.press("Escape");
      await this.goTo(line, column);
      await this.keys.press("Control+K");
      await this.keys.press("Control+I");
      await pause(1_500);
      return hover.isVisible();
    }, 60_000);
    return hover.textContent();
  }

  /** Follows a link of the hover that is shown, and takes the pointer away, which would hold the hover open. */
  async followLink(text) {
    await this.page.locator(".monaco-hover:visible a", { hasText: text }).first().click({ timeout: DEADLINE_MS });
    await this.page.mouse.move(640, 795);
  }

  suggestion(expected) {
    return this.#textOf(".suggest-widget:visible .monaco-list-row", expected);
  }

  notification(expected) {
    return this.#textOf(".notification-toast .notification-list-item-message", expected);
  }

  /** Messages of errors on the screen. */
  errors() {
    return this.page.locator(".notification-toast:has(.codicon-error) .notification-list-item-message").allTextContents();
  }

  /** Chooses a row of the list that is open under this title, and answers what it said. */
  async pick(text, title) {
    const widget = this.page.locator(".quick-input-widget:visible", { hasText: title });
    const row = widget.locator(".monaco-list-row", { hasText: text }).first();
    await row.waitFor({ timeout: DEADLINE_MS });
    const said = await row.textContent();
    await row.click();
    return said;
  }

  /** Writes into the input that is open, and confirms it. */
  async fillInput(text) {
    const input = this.page.locator(".quick-input-widget:visible input").first();
    await until("an empty list", async () => (await this.page.locator(".quick-input-widget:visible .monaco-list-row").count()) === 0);
    await input.fill(text);
    await this.keys.press("Enter");
  }

  async quickInputText() {
    return (await this.page.locator(".quick-input-widget:visible").allTextContents()).join(" ");
  }

  /** Waits for a change to be shown in the diff editor, and answers what its tab says. */
  async change(label) {
    const tab = this.page.locator(".tab.active", { hasText: label });
    await until(`the change ${label}`, async () => (await tab.isVisible()) && this.page.locator(".monaco-diff-editor, .monaco-component.multiDiffEditor").first().isVisible(), 60_000);
    return tab.textContent();
  }

  async closeTab(label) {
    await this.page.locator(".tab.active", { hasText: label }).click({ timeout: DEADLINE_MS });
    await this.keys.press("Control+W");
  }

  /** Does what one of the buttons above the change says. */
  async decide(button) {
    await this.page.locator(`.editor-actions .action-label[aria-label^="${button}"]`).first().click({ timeout: DEADLINE_MS });
  }

  /** Waits for VS Code's preview of a change to name a file. */
  refactorPreview(file) {
    return this.#textOf(".bulk-edit-panel .monaco-list-row", file);
  }

  /** Ticks the row of a file. */
  async tick(file) {
    const row = this.page.locator(".bulk-edit-panel .monaco-list-row", { hasText: file }).first();
    await row.locator(".edit-checkbox").click({ timeout: DEADLINE_MS });
  }

  async applyRefactoring() {
    await this.page.locator(".bulk-edit-panel .monaco-button", { hasText: "Apply" }).first().click({ timeout: DEADLINE_MS });
  }

  /** The text of a window that waits for an answer. */
  dialog(expected) {
    return this.#textOf(".monaco-dialog-box", expected);
  }

  dialogClosed() {
    return until("the window to be closed", async () => (await this.page.locator(".monaco-dialog-box:visible").count()) === 0);
  }

  /** Opens the list of fixes at a place until it offers this one. */
  async quickFix(line, column, expected) {
    const row = this.page.locator(".action-widget:visible .monaco-list-row", { hasText: expected });
    await until(`the fix ${expected}`, async () => {
      await this.goTo(line, column);
      await this.keys.press("Control+.");
      await pause(700);
      const found = (await row.count()) > 0;
      if (!found) {
        await this.keys.press("Escape");
      }
      return found;
    }, 60_000);
  }

  /** Chooses one of the fixes that are listed. */
  async chooseFix(title) {
    await this.page.locator(".action-widget:visible .monaco-list-row", { hasText: title }).first().click({ timeout: DEADLINE_MS });
  }

  /** How many errors and warnings are underlined in the editor. */
  problems() {
    return this.page.locator(".editor-instance .squiggly-error, .editor-instance .squiggly-warning").count();
  }

  async clearNotifications() {
    await this.runCommand("Notifications: Clear All Notifications");
  }

  async clickNotificationButton(label) {
    await this.page.locator(".notification-toast .monaco-button", { hasText: label }).first().click({ timeout: DEADLINE_MS });
  }

  /** What a screen reader says about our status-bar item. */
  async status() {
    const buttons = this.#statusItem.getByRole("button");
    return (await buttons.count()) > 0 ? ((await buttons.first().getAttribute("aria-label")) ?? "") : "";
  }

  waitForStatus(expected, deadlineMs) {
    return until(
      `the status bar to say "${expected}"`,
      async () => (await this.status()).includes(expected),
      deadlineMs,
    );
  }

  async statusTooltip(expected) {
    await this.#statusItem.hover();
    return this.#textOf(".monaco-hover:visible", expected);
  }

  async screenshot(file) {
    await pause(400); // Toasts and lists fade in.
    await this.page.screenshot({ path: file });
  }

  get #statusItem() {
    return this.page.locator('.statusbar-item[id$="zi.status"]');
  }

  async #quickInput(key, text) {
    await this.keys.press(key);
    const input = this.page.locator(".quick-input-widget:visible input").first();
    await input.waitFor({ timeout: DEADLINE_MS });
    await input.fill(text);
  }

  /** The list is filled again while one looks at it, so the right row must have the focus, and Enter may need a repeat. */
  async #choose(text) {
    const widget = this.page.locator(".quick-input-widget:visible");
    const focused = widget.locator(".monaco-list-row.focused", { hasText: text });
    await until(`"${text}" to be chosen from the list`, async () => {
      if ((await widget.count()) > 0 && (await focused.count()) > 0) {
        await this.keys.press("Enter");
        await pause(500);
      }
      return (await widget.count()) === 0;
    });
  }

  async #visible(selector, expectation) {
    await until(expectation, () => this.page.locator(selector).first().isVisible());
  }

  #textOf(selector, expected) {
    const found = this.page.locator(selector, { hasText: expected }).first();
    return until(`${expected} in ${selector}`, async () => ((await found.isVisible()) ? found.textContent() : ""));
  }
}
