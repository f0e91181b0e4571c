// "Snooze Suggestions": asks for how long, and tells the server, which does the rest.

import { commands, window } from "vscode";

/** The server takes no more. */
const MOST_MINUTES = 24 * 60;
const MORNING_HOUR = 5;

/** What the server answers when suggestions are snoozed, resumed or toggled. */
export interface Suggestions {
  /** Whether they come up by themselves. */
  readonly active: boolean;
  readonly snoozedSeconds: number;
  /** Why they do not, as a sentence; names commands and settings between backticks. */
  readonly reason: string;
}

export async function snooze(): Promise<void> {
  const choice = await window.showQuickPick(
    [
      { label: "5 minutes", minutes: 5 },
      { label: "15 minutes", minutes: 15 },
      { label: "30 minutes", minutes: 30 },
      { label: "60 minutes", minutes: 60 },
      { label: "Until tomorrow", minutes: minutesUntilMorning(new Date()) },
    ],
    { title: "Snooze Suggestions", placeHolder: "You can still ask for one by hand" },
  );
  if (choice) {
    await commands.executeCommand("zi.snooze", choice.minutes);
  }
}

/** To five o'clock: for somebody who is up at one, tomorrow is still to come. */
function minutesUntilMorning(now: Date): number {
  const morning = new Date(now);
  morning.setHours(MORNING_HOUR, 0, 0, 0);
  if (morning <= now) {
    morning.setDate(morning.getDate() + 1);
  }
  return Math.min(Math.ceil((morning.getTime() - now.getTime()) / 60_000), MOST_MINUTES);
}
