// What the parts of the page have the server do.

import type { Answer, Method, Streamed } from "../wire";

export interface Asking {
  /** Asks the server, and says what went wrong; undefined then. */
  ask<T>(method: Method, params: unknown): Promise<T | undefined>;
  /** Runs a /command; undefined where it failed or was stopped. */
  run(text: string, told?: (value: Streamed) => void): { readonly answer: Promise<Answer | undefined>; readonly cancel: () => void };
  say(text: string): void;
}
