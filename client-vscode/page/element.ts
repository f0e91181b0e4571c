// Makes elements in one expression.

type Child = Node | string | undefined;

/** `attributes` whose value is undefined or false are left out; true stands for an empty value. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child): child is Node | string => child !== undefined));
  return made;
}

export function button(label: string, act: () => void, attributes: Readonly<Record<string, string>> = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/** What the page itself holds under an identity; that it is missing is a mistake in page.html. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- page.html says which element it is
export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`page.html has no #${id}`);
  }
  return found as T;
}
