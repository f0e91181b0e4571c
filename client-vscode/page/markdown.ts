// Markdown as elements. What a model writes is hostile: HTML in it is shown as text, images are not loaded, links go to
// the web only, and everything passes a sanitiser with a short list of what may be there.

import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";
import { codeBlock, type CodeActions } from "./code";
import { button, element } from "./element";

export interface MarkdownActions extends CodeActions {
  open(path: string, line: number): void;
}

/** Characters of one block, other than code, that are rendered; a longer one is shown as it was written. */
export const LONGEST_BLOCK = 32_000;
/** Characters after which a text is cut at the next gap between blocks. */
const PIECE = 4_000;
/** Lines of a long piece after which the browser may have its turn. */
const BREATH = 1_000;

const ALLOWED = {
  RETURN_DOM_FRAGMENT: true as const,
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "input", "li", "ol", "p",
    "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["align", "checked", "class", "disabled", "href", "start", "title", "type"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `${escaped(text || "image")} (${escaped(href)})`,
  },
});

/** The blocks of a text; their `raw`, put together, is the text. */
export function lex(text: string): Token[] {
  return marked.lexer(text);
}

/** One block as elements. */
export function rendered(token: Token, actions: MarkdownActions): Node {
  if (token.type === "space") {
    return document.createDocumentFragment();
  }
  if (token.type === "code") {
    const { text, lang } = token as Tokens.Code;
    return codeBlock(text, lang ?? "", actions);
  }
  if (token.raw.length > LONGEST_BLOCK) {
    return codeBlock(token.raw, "text", actions);
  }
  const made = DOMPurify.sanitize(marked.parser([token]), ALLOWED);
  enriched(made, actions);
  return made;
}

/** A text in pieces that can be rendered one at a time: a code fence is one, the rest is cut at gaps. An empty piece
 *  only says that a longer one takes a while. */
export function* pieces(text: string): Generator<string> {
  let piece = "";
  let fence = "";
  let gap = false;
  for (let at = 0, number = 1; at < text.length; number += 1) {
    const end = text.indexOf("\n", at) + 1 || text.length;
    const line = text.slice(at, end);
    at = end;
    if (number % BREATH === 0) {
      yield "";
    }
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    // A list goes on behind a gap; a very long one is cut all the same.
    const cut = gap && piece.length > PIECE && (piece.length > 4 * PIECE || /^[^\s>*+\-\d]/.test(line));
    if (!fence && piece && (cut || (mark && /^[`~]/.test(line)))) {
      yield piece;
      piece = "";
    }
    piece += line;
    if (!fence) {
      fence = mark;
    } else if (mark.startsWith(fence) && line.trim() === mark) {
      fence = "";
      yield piece;
      piece = "";
    }
    gap = line.trim() === "";
  }
  yield piece;
}

function enriched(made: DocumentFragment, actions: MarkdownActions): void {
  for (const pre of made.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    const language = /language-(\S+)/.exec(code?.className ?? "")?.[1] ?? "";
    pre.replaceWith(codeBlock((pre.textContent).replace(/\n$/, ""), language, actions));
  }
  for (const styled of made.querySelectorAll("[class]:not(.code, .code *)")) {
    styled.removeAttribute("class");
  }
  for (const link of made.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.title = link.href;
  }
  for (const table of made.querySelectorAll("table")) {
    const frame = element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const box of made.querySelectorAll("input")) {
    box.type = "checkbox";
    box.disabled = true;
    box.setAttribute("aria-label", box.checked ? "done" : "not done");
  }
  for (const code of made.querySelectorAll("code:not(pre code)")) {
    const place = /^([\w./@+-]+\.\w+):(\d+)(?:-\d+)?$/.exec(code.textContent);
    if (place?.[1] && place[2]) {
      const [, path, line] = place;
      const title = `Open ${path} at line ${line}`;
      code.replaceWith(button(code.textContent, () => { actions.open(path, Number(line)); }, { class: "cite", title }));
    }
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
