// Correcting: words are selected, entities added, renamed and dropped, and all of it is saved.

import { ServiceError, ask } from "./api.js";
import { utf16Places } from "./blocks.js";
import { Chooser } from "./choose.js";
import { wholeEntities } from "./formats.js";
import { pointAt, placeOf, wordsTouched } from "./words.js";

const $ = (id) => document.getElementById(id);
const WHO = "posner-who";
const all = () => true;

export class Correction {
  /** @param page {tag(text), say(message, wrong), text, redraw()} */
  constructor(page) {
    this.page = page;
    this.pane = null;
    this.legend = null;
    this.saved = null; // what the service holds of this text
    this.queue = [];
    this.chooser = new Chooser();
    this.cursor = 0;
    $("correction").hidden = false;
    $("next").hidden = false;
    $("text-help").textContent =
      "Names are marked while you type. Nothing is kept but what you save as a correction.";
    $("who").value = localStorage.getItem(WHO) || "";
    $("who").addEventListener("change", () => localStorage.setItem(WHO, $("who").value.trim()));
    $("correct").addEventListener("change", () => this.#toggle());
    $("save").addEventListener("click", () => this.#send("/annotations", "Saved"));
    $("undo").addEventListener("click", () => this.#send("/annotations/undo", "Undone"));
    $("next").addEventListener("click", () => this.#next());
  }

  get on() {
    return $("correct").checked;
  }

  /** Correct what this pane shows. */
  use(pane, legend) {
    this.pane = pane;
    this.legend = legend;
    const root = pane.view.text;
    root.addEventListener("mouseup", () => setTimeout(() => this.on && this.#chosen()));
    root.addEventListener("keydown", (event) => this.on && this.#key(event));
    this.#mode();
  }

  /** The text has changed: what was known of it is of no use. */
  edited(value) {
    if (this.saved?.text !== value) this.saved = null;
    this.chooser.close();
    this.#buttons();
  }

  /** The model has answered; what people have said of the text goes before that. */
  arrived(blocks, left) {
    if (left <= 0 && this.on && !this.saved) this.#lookup();
    this.cursor = 0;
  }

  async #toggle() {
    this.#mode();
    if (this.on) await this.#lookup();
    this.#buttons();
  }

  #mode() {
    const root = this.pane.view.text;
    for (const id of ["saving", "correction-help"]) $(id).hidden = !this.on;
    if (this.on) {
      root.dataset.correcting = "yes";
      root.tabIndex = 0;
    } else {
      delete root.dataset.correcting;
      root.removeAttribute("tabindex");
      this.chooser.close();
    }
  }

  async #lookup() {
    const text = this.page.text.value;
    if (!text) return;
    try {
      const found = await ask("/annotations/lookup", { body: { text } });
      if (this.page.text.value !== text) return;
      this.#hold(found);
      if (found.entities) this.page.say(`Corrected by ${found.who}, ${when(found.at)}.`);
    } catch (error) {
      this.#failed(error);
    }
  }

  #hold(found) {
    this.saved = found;
    if (found.entities) this.#fill(found.entities);
    this.#buttons();
  }

  /** Show entities with offsets in the whole text, in characters. */
  #fill(entities) {
    const whole = this.page.text.value;
    const places = utf16Places(whole);
    const at = places ? (place) => places[place] : (place) => place;
    let before = 0;
    for (const block of this.pane.tagging.blocks) {
      const end = before + block.text.length;
      block.entities = entities
        .map((e) => ({ start: at(e.start) - before, end: at(e.end) - before, label: e.label }))
        .filter((e) => e.start >= 0 && e.end <= block.text.length && before + e.end <= end)
        .map((e) => ({ ...made(block, e.start, e.end, e.label), changes: ["corrected by hand"] }));
      before = end;
    }
    this.page.redraw();
  }

  #buttons() {
    const ready = this.on && this.saved !== null;
    $("save").disabled = !ready;
    $("undo").disabled = !ready || !this.saved.entities;
  }

  async #send(path, done) {
    const who = $("who").value.trim();
    if (!who) {
      this.page.say("Who are you? Your name goes with each change.", true);
      $("who").focus();
      return;
    }
    const text = this.page.text.value;
    const body = { text, who, revision: this.saved.revision };
    if (path === "/annotations") {
      body.entities = wholeEntities(this.pane.tagging.blocks, all)
        .map(({ start, end, entity_group: label }) => ({ start, end, label }));
    }
    try {
      const found = await ask(path, { body });
      if (this.page.text.value !== text) return;
      if (!found.entities) this.#restore();
      this.#hold(found);
      this.page.say(`${done}, ${when(found.at)}.`);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Back to what the model found. */
  #restore() {
    for (const block of this.pane.tagging.blocks) block.entities = [...block.found];
    this.page.redraw();
  }

  async #next() {
    const who = encodeURIComponent($("who").value.trim() || "someone");
    try {
      if (!this.queue.length) this.queue = await ask(`/queue?who=${who}&limit=5`);
      const next = this.queue.shift();
      if (!next) {
        this.page.say("No text waits to be corrected.");
        return;
      }
      $("correct").checked = true;
      this.saved = null;
      this.#mode();
      this.page.tag(next.text);
      this.pane.view.text.focus();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    const known = error instanceof ServiceError;
    this.page.say(known ? error.message : "The service cannot be reached.", true);
  }

  /** Arrows move over words, Shift with them selects, Enter and Delete act on the selection. */
  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) this.#move(step, event.shiftKey);
    else if (event.key === "Enter") this.#chosen(true);
    else if (event.key === "Delete") this.#drop();
    else return;
    event.preventDefault();
  }

  #allWords() {
    const found = [];
    for (const item of this.pane.view.elements) {
      for (const [start, end] of item.block.words) found.push({ item, start, end });
    }
    return found;
  }

  #move(step, extend) {
    const words = this.#allWords();
    if (!words.length) return;
    const selection = getSelection();
    const here = this.pane.view.text.contains(selection.focusNode);
    if (here) this.cursor = Math.max(0, Math.min(words.length - 1, this.cursor + step));
    if (!extend || !here) this.anchor = this.cursor;
    const [first, last] = [this.anchor, this.cursor].sort((a, b) => a - b);
    const [from, to] = [words[first], words[last]];
    const begin = pointAt(from.item.element, from.start);
    const end = pointAt(to.item.element, to.end);
    selection.setBaseAndExtent(begin.node, begin.offset, end.node, end.offset);
    begin.node.parentElement.scrollIntoView({ block: "nearest" });
    const chosen = from.item === to.item && from.item.block.text.slice(from.start, to.end);
    if (chosen) this.page.say(`Selected: ${chosen}`);
  }

  /** The selected words of one block, or null. */
  #selected() {
    const selection = getSelection();
    if (!selection.rangeCount) return null;
    const range = selection.getRangeAt(0);
    const from = placeOf(range.startContainer, range.startOffset);
    const to = placeOf(range.endContainer, range.endOffset);
    if (!from || !to || from.item !== to.item) return null;
    const { block } = from.item;
    const words = wordsTouched(block.words, from.place, to.place);
    if (!words.length) return null;
    return { block, start: words[0][0], end: words.at(-1)[1], rect: range.getBoundingClientRect() };
  }

  #chosen(byKey = false) {
    const chosen = this.#selected();
    if (!chosen) return;
    const { block, start, end, rect } = chosen;
    const covering = block.entities.filter((e) => e.start < end && e.end > start);
    if (getSelection().isCollapsed && !covering.length) return;
    const target = getSelection().isCollapsed ? covering.at(-1) : { start, end };
    const piece = block.text.slice(target.start, target.end);
    this.chooser.open(rect, piece, [...this.legend.labels.values()], covering.length > 0, (label) => {
      this.#change(block, target.start, target.end, label);
      if (byKey) this.pane.view.text.focus();
    });
  }

  #drop() {
    const chosen = this.#selected();
    if (chosen) this.#change(chosen.block, chosen.start, chosen.end, null);
  }

  /** Replace what lies on these characters by one entity, or by none. */
  #change(block, start, end, label) {
    block.entities = block.entities.filter((e) => e.end <= start || e.start >= end);
    if (label) {
      block.entities.push({ ...made(block, start, end, label), changes: ["corrected by hand"] });
      block.entities.sort((a, b) => a.start - b.start);
      this.legend.add(label);
    }
    getSelection().removeAllRanges();
    this.page.say(`${block.text.slice(start, end)}: ${label || "no entity"} (not saved yet)`);
    this.page.redraw();
    this.#buttons();
  }
}

function made(block, start, end, label) {
  return { entity_group: label, score: null, word: block.text.slice(start, end), start, end };
}

function when(at) {
  return new Date(at).toLocaleString();
}
