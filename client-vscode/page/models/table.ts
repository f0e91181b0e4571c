// What the tables are made of.

import { element } from "../element";

const LOOKS: Readonly<Record<string, readonly [sign: string, look: string]>> = {
  ok: ["●", "good"],
  "": ["○", "unknown"],
  "model not installed": ["▲", "doubtful"],
};

/** How a model or a provider is: a sign, its colour, and the word for it. */
export function dot(health: string, problem = ""): HTMLElement {
  const [sign, look] = LOOKS[health] ?? ["■", "wrong"];
  return element(
    "span", { class: `dot ${look}` },
    element("span", { "aria-hidden": "true" }, `${sign} `), health || "not asked",
    problem ? element("small", {}, problem) : undefined,
  );
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
}

/** Fills a place anew, and leaves the focus where it was; `data-at` says which element is the same one. */
export function refill(place: HTMLElement, children: readonly Node[]): void {
  const at = place.contains(document.activeElement) ? document.activeElement?.getAttribute("data-at") : null;
  place.replaceChildren(...children);
  if (at) {
    [...place.querySelectorAll<HTMLElement>("[data-at]")].find((one) => one.getAttribute("data-at") === at)?.focus();
  }
}
