// A text that comes piece by piece. Blocks that are complete are rendered once and stay; only the last one is rendered
// again as it grows, at most once a frame, and less often the longer that takes.

import { openCodeBlock } from "./code";
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
  private fence: { readonly mark: string; readonly grow: (more: string) => void; shown: number } | undefined;
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
    const { block, grow } = openCodeBlock(found[2] ?? "");
    this.fence = { mark: found[1], grow, shown: this.done + found[0].length };
    this.tail.replaceChildren(block);
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
    const upTo = fence.shown - 1 + end.index + end[0].length;
    const [token] = lex(this.text.slice(this.done, upTo));
    if (token) {
      this.tail.before(rendered(token, this.actions));
    }
    this.done = upTo;
    this.fence = undefined;
    this.tail.replaceChildren();
    return true;
  }

  private growFence(fence: NonNullable<typeof this.fence>): void {
    const upTo = this.text.lastIndexOf("\n") + 1;
    if (upTo > fence.shown) {
      fence.grow(this.text.slice(fence.shown, upTo));
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
      if (piece.length > LONGEST_BLOCK && !/^ {0,3}(`{3}|~{3})/m.test(piece)) {
        yield { type: "paragraph", raw: piece, text: piece };
      } else {
        yield* lex(piece);
      }
    }
  }
  await inSlices(tokens(), (token) => { target.append(rendered(token, actions)); }, stopped);
}

function closing(mark: string): RegExp {
  return new RegExp(`\\n {0,3}${mark.startsWith("~") ? "~" : "`"}{${mark.length},}[ \\t]*\\n`);
}
