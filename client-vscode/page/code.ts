// A block of code: its toolbar, its colours, and slices of lines that the browser lays out only when they are seen.

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import DOMPurify from "dompurify";
import { button, element } from "./element";
import { inSlices } from "./slices";

const LANGUAGES = {
  bash, c, cpp, csharp, css, diff, go, ini, java, javascript, json, kotlin, php, python, ruby, rust, sql, swift,
  typescript, xml, yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}
hljs.registerAliases(["toml"], { languageName: "ini" });

/** Longer code is shown without colours: they would take longer than a frame. It is filled in while the page lives. */
const MOST_COLOURED = 20_000;
const SLICE_LINES = 100;
const LONGEST_SLICE = 16_000;

export interface CodeActions {
  copy(text: string): void;
  insert(text: string): void;
  apply(text: string): void;
}

/** Code that is whole. */
export function codeBlock(text: string, info: string, actions: CodeActions): HTMLElement {
  const language = languageOf(info);
  const code = element("code");
  if (text.length > MOST_COLOURED || text.split("\n").length > SLICE_LINES * 2) {
    fill(code, text);
  } else if (language && text.length <= MOST_COLOURED) {
    code.append(coloured(text, language));
  } else {
    code.textContent = text;
  }
  return framed(code, language || info, tools(text, language, actions));
}

function tools(text: string, language: string, actions: CodeActions): HTMLElement[] {
  return [
    button("Copy", () => { actions.copy(text); }, { "aria-label": `Copy the ${language} code` }),
    button("Insert", () => { actions.insert(text); }, { "aria-label": `Insert the ${language} code at the cursor` }),
    button("Apply as diff", () => { actions.apply(text); }, {
      "aria-label": `Apply as diff: the ${language} code`,
      title: "Show the code as a change of what is selected",
    }),
  ];
}

/** Code that is still being written. */
export interface OpenCode {
  readonly block: HTMLElement;
  readonly grow: (more: string) => void;
  /** The block when all of it is there. */
  readonly close: (text: string, actions: CodeActions) => HTMLElement;
}

export function openCodeBlock(info: string): OpenCode {
  const code = element("code");
  let slice = document.createTextNode("");
  let lines = 0;
  code.append(slice);
  const grow = (more: string): void => {
    lines += more.split("\n").length - 1;
    if (lines > SLICE_LINES) {
      // Laying out one text node again takes as long as it is.
      lines = 0;
      const cut = more.lastIndexOf("\n") + 1;
      slice.appendData(more.slice(0, cut));
      code.insertBefore(element("span", { class: "slice" }, slice.data), slice);
      slice.remove();
      slice = document.createTextNode(more.slice(cut));
      code.append(slice);
    } else {
      slice.appendData(more);
    }
  };
  const block = framed(code, languageOf(info) || info, []);
  const close = (text: string, actions: CodeActions): HTMLElement => {
    if (text.length <= MOST_COLOURED) {
      return codeBlock(text, info, actions);
    }
    // It has no colours to get, and building it again would take as long as it is.
    block.querySelector(".codebar")?.append(...tools(text, languageOf(info), actions));
    return block;
  };
  return { block, grow, close };
}

export function coloured(text: string, language: string): DocumentFragment {
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  return DOMPurify.sanitize(value, { RETURN_DOM_FRAGMENT: true, ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] });
}

function framed(code: HTMLElement, language: string, buttons: readonly HTMLElement[]): HTMLElement {
  const name = language.slice(0, 30) || "text";
  const bar = element("div", { class: "codebar" }, element("span", { class: "language" }, name), ...buttons);
  // A long line scrolls, and what scrolls must be within reach of the keyboard.
  const pre = element("pre", { tabindex: "0", role: "region", "aria-label": `Code, ${name}` }, code);
  return element("div", { class: "code" }, bar, pre);
}

/** Slices of so many lines, or of so many characters where lines are long. */
function* slices(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = at;
    for (let line = 0; line < SLICE_LINES && end < text.length && end - at < LONGEST_SLICE; line += 1) {
      const next = text.indexOf("\n", end);
      end = next < 0 ? text.length : next + 1;
    }
    yield text.slice(at, end);
    at = end;
  }
}

const filling = new Set<Promise<void>>();

function fill(code: HTMLElement, text: string): void {
  const done = inSlices(slices(text), (slice) => { code.append(element("span", { class: "slice" }, slice)); });
  filling.add(done);
  void done.finally(() => filling.delete(done));
}

/** When all code stands where it belongs. */
export async function filled(): Promise<void> {
  await Promise.all(filling);
}

function languageOf(info: string): string {
  const word = /^[\w+#-]+/.exec(info.trim())?.[0].toLowerCase() ?? "";
  return hljs.getLanguage(word) ? word : "";
}
