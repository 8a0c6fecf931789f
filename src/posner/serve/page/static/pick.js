// Which words or which entity of a view somebody means, by mouse, finger or keys.

import { joined } from "./draft.js";
import { pointAt, placeOf, wordsTouched } from "./words.js";

// A pick is {block, blocks, span, targets, rect, byKey}: the stretch `span` of a block (null: that
// of the entity which is chosen), and what may become another entity there: lists of entities, an
// empty one for nothing. The first is what is most likely meant. Where several blocks are meant,
// `block` is what they are as one.

export class Picker {
  /** @param look {isOn(), shown(entity), picked(pick), dropped(pick), say(message)} */
  constructor(view, look) {
    this.view = view;
    this.look = look;
    this.cursor = 0;
    this.touched = null;
    this.button = document.getElementById("name-words");
    const root = view.text;
    root.addEventListener("mouseup", (event) =>
      setTimeout(() => look.isOn() && this.#clicked(event.target)));
    root.addEventListener("keydown", (event) => look.isOn() && this.#key(event));
    root.addEventListener("pointerdown", ({ pointerType }) => {
      this.byFinger = pointerType !== "mouse";
    });
    this.listening = new AbortController();
    const { signal } = this.listening;
    document.addEventListener("selectionchange", () => this.#selecting(), { signal });
    this.button.addEventListener("click", () => this.#pickTouched(), { signal });
  }

  /** The view is gone, or shows another text. */
  close() {
    this.listening.abort();
    this.button.hidden = true;
  }

  restart() {
    this.cursor = 0;
    this.#holdTouched(null);
  }

  // A finger's selection ends with no event: a button asks for the label of what is selected.
  #selecting() {
    if (!this.look.isOn() || !this.byFinger) return;
    const selection = getSelection();
    const inside = this.view.text.contains(selection.anchorNode);
    if (!selection.isCollapsed && inside) this.#holdTouched(this.#words());
    else if (inside) this.#holdTouched(null); // elsewhere: the press of the button itself
  }

  #holdTouched(pick) {
    this.touched = pick;
    this.button.hidden = !pick;
  }

  #pickTouched() {
    const pick = this.touched;
    this.#holdTouched(null);
    if (pick) this.look.picked(pick);
  }

  #clicked(target) {
    const selecting = !getSelection().isCollapsed && !this.byFinger;
    const pick = selecting ? this.#words() : this.#mark(target);
    if (pick) this.look.picked(pick);
  }

  /** The entities of a mark, the innermost first. */
  #mark(target) {
    const mark = target.closest("mark");
    if (!mark) return null;
    const { block } = mark;
    const targets = innermostFirst(mark.covers).map((entity) => [entity]);
    return { block, blocks: [block], span: null, targets, rect: mark.getBoundingClientRect() };
  }

  /** The selected words with what already stands there, or null. */
  #words() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const touched = this.#touched(range);
    if (!touched.length) return null;
    const blocks = touched.map(({ item }) => item.block);
    const block = joined(blocks);
    const last = block.text.length - blocks.at(-1).text.length; // where the last one begins
    const span = { start: touched[0].words[0][0], end: last + touched.at(-1).words.at(-1)[1] };
    const there = block.entities.filter((e) =>
      this.look.shown(e) && e.start < span.end && e.end > span.start);
    const rect = range.getBoundingClientRect();
    return { block, blocks, span, targets: targetsOf(span, there), rect };
  }

  /** The items from the first to the last that have words in a range, with these words. */
  #touched(range) {
    const from = placeOf(range.startContainer, range.startOffset);
    const to = placeOf(range.endContainer, range.endOffset);
    const found = this.view.elements
      .filter(({ element }) => range.intersectsNode(element))
      .map((item) => {
        const start = from?.item === item ? from.place : 0;
        const end = to?.item === item ? to.place : Infinity;
        return { item, words: wordsTouched(item.block.words, start, end) };
      });
    const hasWords = ({ words }) => words.length > 0;
    return found.slice(Math.max(0, found.findIndex(hasWords)), found.findLastIndex(hasWords) + 1);
  }

  /** Arrows move over words, Shift with them selects, Enter and Delete (or Backspace) act on what is meant. */
  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const pick = event.target.matches("mark") ? this.#mark(event.target) : this.#words();
    if (step) this.#move(step, event.shiftKey);
    else if (event.key === "Enter" && pick) this.look.picked({ ...pick, byKey: true });
    else if (["Delete", "Backspace"].includes(event.key) && pick) this.look.dropped(pick);
    else return;
    event.preventDefault();
  }

  #move(step, extend) {
    const words = this.view.elements.flatMap((item) =>
      item.block.words.map(([start, end]) => ({ item, start, end })));
    if (!words.length) return;
    const selection = getSelection();
    const here = this.view.text.contains(selection.focusNode);
    if (here) this.cursor = Math.max(0, Math.min(words.length - 1, this.cursor + step));
    if (!extend || !here) this.anchor = this.cursor;
    const [first, last] = [this.anchor, this.cursor].sort((a, b) => a - b);
    const [from, to] = [words[first], words[last]];
    const begin = pointAt(from.item.element, from.start);
    const end = pointAt(to.item.element, to.end);
    this.view.text.focus(); // the keys are for the selection now, not for a mark
    selection.setBaseAndExtent(begin.node, begin.offset, end.node, end.offset);
    begin.node.parentElement.scrollIntoView({ block: "nearest" });
    const pick = this.#words();
    if (pick) this.look.say(`Selected: ${pick.block.text.slice(pick.span.start, pick.span.end)}`);
  }
}

/** A longer name takes the place of its parts; inside of one a name stands beside it. */
function targetsOf(span, there) {
  const around = ({ start, end }) => start <= span.start && end >= span.end;
  const isSame = ({ start, end }) => start === span.start && end === span.end;
  const singles = innermostFirst(there).map((entity) => [entity]);
  if (there.some(isSame)) return singles.sort(([a], [b]) => isSame(b) - isSame(a));
  const parts = there.filter((e) => !around(e));
  if (!parts.length) return [[], ...singles];
  if (parts.length === 1) return [parts, [], ...singles.filter(([e]) => e !== parts[0])];
  return [parts, [], ...singles];
}

function innermostFirst(entities) {
  return [...entities].sort((a, b) => a.end - a.start - (b.end - b.start));
}
