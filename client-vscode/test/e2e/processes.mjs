// What runs below the editor, read from /proc.

import fs from "node:fs";

/** Every process below `root`. */
export function descendants(root) {
  const processes = fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter(Boolean);
  const family = new Set([root]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    processes.filter(({ parent }) => family.has(parent)).forEach(({ pid }) => family.add(pid));
  }
  return processes.filter(({ pid }) => pid !== root && family.has(pid));
}

/** Undefined for a process that has ended. The start time tells it from a later one with the same number. */
function processInfo(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the name, may hold blanks and brackets itself.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const args = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return state === "Z" ? undefined : { pid, parent: Number(parent), started: rest[17], args };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, started }) {
  return processInfo(pid)?.started === started;
}
