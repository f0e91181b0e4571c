// Long work in small pieces: the page must stay quick under the hands while it renders.

/** Milliseconds that a piece of work may take before the browser gets its turn. */
const BUDGET_MS = 8;

const turns = new MessageChannel();
const waiting: (() => void)[] = [];
turns.port1.onmessage = () => {
  waiting.shift()?.();
};

/** The next turn of the event loop: sooner than a timer, and input comes first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    turns.port2.postMessage(null);
  });
}

/** When the page last had its turn: what several pieces of work take counts together. */
let began = 0;

/** Gives way if the budget is used up. */
export async function breathe(): Promise<void> {
  if (performance.now() - began > BUDGET_MS) {
    await nextTurn();
    began = performance.now();
  }
}

/** Does `work` for each item, and gives way whenever the budget is used up. Stops when `stopped` says so. */
export async function inSlices<T>(
  items: Iterable<T>,
  work: (item: T) => void,
  stopped: () => boolean = () => false,
): Promise<void> {
  for (const item of items) {
    if (stopped()) {
      return;
    }
    work(item);
    await breathe();
  }
}
