// A text that comes piece by piece. Blocks that are complete are rendered once and stay; only the last one is rendered
// again as it grows, at most once a frame, and less often the longer that takes.

import type { Token } from "marked";
import { filled, openCodeBlock, type OpenCode } from "./code";
import { LONGEST_BLOCK, lex, pieces, rendered, type MarkdownActions } from "./markdown";
import { element } from "./element";
import { inSlices } from "./slices";

/** So many times as long as the last painting took, nothing is painted. */
const REST = 4;
/** A block that is longer is shown as plain text until it is complete. */
const LONGEST_LIVE = 8_000;

export class Stream {
  private text = "";
  /** Characters of `text` that are rendered for good. */
  private done = 0;
  private readonly tail = element("div", { class: "tail" });
  private fence: { readonly mark: string; readonly code: OpenCode; readonly from: number; shown: number } | undefined;
  private frame: number | undefined;
  private next = 0;
  private ended = false;

  constructor(
    private readonly target: HTMLElement,
    private readonly actions: MarkdownActions,
    private readonly painted: () => void,
  ) {
    target.append(this.tail);
  }

  get whole(): string {
    return this.text;
  }

  append(text: string): void {
    this.text += text.replaceAll("\r", "");
    this.frame ??= requestAnimationFrame(this.onFrame);
  }

  /** The end. `whole` is what counts, if it is not what came. */
  async finish(whole: string): Promise<void> {
    this.ended = true;
    if (this.frame !== undefined) {
      cancelAnimationFrame(this.frame);
    }
    whole = whole.replaceAll("\r", "");
    if (whole.startsWith(this.text)) {
      this.text = whole; // what is rendered for good can stay
    }
    if (whole && whole !== this.text) {
      this.text = whole;
      this.done = 0;
      this.target.replaceChildren();
    } else {
      this.tail.remove();
    }
    await renderWhole(this.target, this.text.slice(this.done), this.actions);
    this.painted();
  }

  private readonly onFrame = (now: number): void => {
    this.frame = undefined;
    if (this.ended) {
      return;
    }
    if (now < this.next) {
      this.frame = requestAnimationFrame(this.onFrame);
      return;
    }
    const began = performance.now();
    this.paint();
    this.next = now + REST * (performance.now() - began);
    this.painted();
  };

  private paint(): void {
    if (this.fence && !this.closeFence()) {
      return;
    }
    const rest = this.text.slice(this.done);
    if (this.openFence(rest)) {
      return;
    }
    if (rest.length > LONGEST_BLOCK + LONGEST_LIVE) {
      this.tail.textContent = rest; // one endless block: what it is shows when it ends
      return;
    }
    const tokens = lex(rest);
    const last = tokens.pop();
    for (const token of tokens) {
      this.tail.before(rendered(token, this.actions));
      this.done += token.raw.length;
    }
    this.tail.replaceChildren();
    if (!last || this.openFence(this.text.slice(this.done))) {
      return;
    }
    if (last.raw.length > LONGEST_LIVE) {
      this.tail.textContent = last.raw;
    } else {
      this.tail.append(rendered(last, this.actions));
    }
  }

  /** Whether the text begins with a code fence that is still open: it is then shown as it grows. */
  private openFence(rest: string): boolean {
    const found = /^ {0,3}(`{3,}|~{3,})([^\n]*)\n/.exec(rest);
    if (!found?.[1] || closing(found[1]).test(rest.slice(found[0].length - 1))) {
      return false;
    }
    const code = openCodeBlock((found[2] ?? "").trim());
    const from = this.done + found[0].length;
    this.fence = { mark: found[1], code, from, shown: from };
    this.tail.replaceChildren(code.block);
    this.growFence(this.fence);
    return true;
  }

  /** Whether the fence that was open is closed by now, and rendered for good. */
  private closeFence(): boolean {
    const fence = this.fence;
    if (!fence) {
      return true;
    }
    // The end stands on a line of its own, which `growFence` holds back until it is complete.
    const end = closing(fence.mark).exec(this.text.slice(fence.shown - 1));
    if (!end) {
      this.growFence(fence);
      return false;
    }
    const last = fence.shown - 1 + end.index;
    fence.code.grow(this.text.slice(fence.shown, last));
    this.tail.before(fence.code.close(this.text.slice(fence.from, last), this.actions));
    this.done = last + end[0].length;
    this.fence = undefined;
    this.tail.replaceChildren();
    return true;
  }

  private growFence(fence: NonNullable<typeof this.fence>): void {
    const upTo = this.text.lastIndexOf("\n") + 1;
    if (upTo > fence.shown) {
      fence.code.grow(this.text.slice(fence.shown, upTo));
      fence.shown = upTo;
    }
  }
}

/** A text that is there as a whole, in slices. */
export async function renderWhole(
  target: HTMLElement,
  text: string,
  actions: MarkdownActions,
  stopped?: () => boolean,
): Promise<void> {
  function* tokens(): Generator<ReturnType<typeof lex>[number]> {
    for (const piece of pieces(text)) {
      const code = piece.length > LONGEST_BLOCK ? longFence(piece) : undefined;
      if (piece === "") {
        yield { type: "space", raw: "" }; // the browser's turn, in the middle of a long piece
      } else if (code) {
        yield code;
      } else if (piece.length > LONGEST_BLOCK && !/^ {0,3}(`{3}|~{3})/m.test(piece)) {
        yield { type: "paragraph", raw: piece, text: piece };
      } else {
        yield* lex(piece);
      }
    }
  }
  await inSlices(tokens(), (token) => { target.append(rendered(token, actions)); }, stopped);
  await filled();
}

/** A long piece that is one code fence, as a token: to take it apart as Markdown would take too long at a stretch. */
function longFence(piece: string): Token | undefined {
  const mark = /^(`{3,}|~{3,})([^\n]*)\n/.exec(piece);
  if (!mark?.[1]) {
    return undefined;
  }
  const end = piece.trimEnd().lastIndexOf("\n") + 1;
  const closed = piece.slice(end).trim().startsWith(mark[1]);
  return { type: "code", raw: piece, lang: (mark[2] ?? "").trim(), text: piece.slice(mark[0].length, closed ? end - 1 : piece.length) };
}

function closing(mark: string): RegExp {
  return new RegExp(`\\n {0,3}${mark.startsWith("~") ? "~" : "`"}{${mark.length},}[ \\t]*\\n`);
}
