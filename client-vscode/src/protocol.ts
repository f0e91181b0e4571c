// Names and answers that this extension and the server agree on, for modules that must not load the language client.

/** Shows an edit, and applies it if it is wanted. Two arguments: what it is called, and the edit as LSP has it. */
export const REVIEW = "zi.reviewEdit";
export const TOO_OLD = "It is too old for this extension: update it, with `pip install --upgrade zicoder` where pip brought it.";
/** What a server says to a request that it does not know. */
const METHOD_NOT_FOUND = -32601;

/** Whether a request failed since the server does not know it: it is an older one. */
export function isUnknown(error: unknown): boolean {
  return (error as { code?: number } | undefined)?.code === METHOD_NOT_FOUND;
}
