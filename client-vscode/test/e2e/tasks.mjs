// How long a page's thread works at a stretch, from Chromium's own trace. Processor time: what other programs take from
// it on a busy machine does not count.

const CATEGORIES = ["toplevel", "__metadata"];
/** What a person notices. */
const LONG_MS = 50;

/** Does `body` and answers the longest task of the page meanwhile, in milliseconds, with a sentence about all. */
export async function longestTask(page, body) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: CATEGORIES });
  await body();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const place = ({ pid, tid }) => `${pid} ${tid}`;
  const mains = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(place));
  // What the test itself says to the page, a megabyte in one message for instance, is no work of the page's.
  const ours = traceEvents.filter(({ name, args }) => name === "Receive mojo message" && JSON.stringify(args).includes("DevToolsSession"));
  const isOurs = (task) => ours.some((event) => place(event) === place(task) && event.ts >= task.ts && event.ts <= task.ts + task.dur);
  const times = traceEvents
    .filter((event) => /RunTask$/.test(event.name) && mains.has(place(event)) && event.tdur !== undefined && !isOurs(event))
    .map(({ tdur }) => tdur / 1000);
  const longest = Math.max(0, ...times);
  const over = times.filter((time) => time > LONG_MS).length;
  return { longest, told: `at most ${longest.toFixed(0)} ms of work at a stretch, ${over} of ${times.length} tasks over ${LONG_MS} ms` };
}
