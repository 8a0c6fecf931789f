// Correcting: entities are added, renamed and dropped in a draft of one's own, and saved.

import { ServiceError, ask } from "./api.js";
import { Chooser } from "./choose.js";
import { Draft, countSharing, sharing } from "./draft.js";
import { Picker } from "./pick.js";
import { Queue } from "./queue.js";

const $ = (id) => document.getElementById(id);
const WHO = "posner-who";
const LOSING = "Corrections of this text are not saved and would be lost. Go on?";

export class Correction {
  /** @param page {whole(), tag(text), shown(entity), show(), say(message, wrong), text} */
  constructor(page) {
    this.page = page;
    this.draft = null;
    this.saved = null; // what the service holds of the draft's text
    this.seen = 0; // how many of the draft's changes are saved
    this.chooser = new Chooser();
    this.queue = new Queue();
    $("correction").hidden = false;
    $("next").hidden = false;
    $("who").value = localStorage.getItem(WHO) || "";
    $("who").addEventListener("change", () => localStorage.setItem(WHO, this.#who()));
    $("correct").addEventListener("change", () => this.#toggle());
    $("save").addEventListener("click", () => this.#tried(() => this.#save()));
    $("undo").addEventListener("click", () => this.#tried(() => this.#undo()));
    $("discard").addEventListener("click", () => this.#discard());
    $("next").addEventListener("click", () => this.#tried(() => this.#next()));
    addEventListener("beforeunload", (event) => this.#isDirty() && event.preventDefault());
  }

  get on() {
    return $("correct").checked;
  }

  /** What is shown instead of the model's answer, or null. */
  get blocks() {
    return this.on && this.draft?.text === this.page.whole() ? this.draft.blocks : null;
  }

  /** Correct what this pane shows. A draft with changes goes on, whatever the model. */
  use(pane, legend) {
    this.picker?.close();
    this.pane = pane;
    this.legend = legend;
    if (!this.#isDirty()) this.draft = null;
    this.picker = new Picker(pane.view, {
      isOn: () => this.blocks !== null,
      shown: this.page.shown,
      picked: (pick) => this.#choose(pick),
      dropped: (pick) => this.#drop(pick),
      say: this.page.say,
    });
    this.#mode();
  }

  /** Whether the text may be replaced by another one; people are asked. */
  mayLeave() {
    return !this.#isDirty() || confirm(LOSING);
  }

  /** The text is another one. */
  edited(text) {
    if (this.draft?.text !== text) this.#forget();
  }

  /** The model has answered; what people have said of the text goes before that. */
  arrived() {
    if (this.on) this.#tried(() => this.#begin());
  }

  #isDirty() {
    return this.draft !== null && this.draft.changes > this.seen;
  }

  #who() {
    return $("who").value.trim();
  }

  #toggle() {
    this.#mode();
    this.page.show();
    if (this.on) this.#tried(() => this.#begin());
    else if (this.#isDirty()) this.page.say("Your corrections are kept here, but not saved.");
  }

  #mode() {
    const root = this.pane.view.text;
    for (const id of ["saving", "correction-help"]) $(id).hidden = !this.on;
    this.legend.showAll(this.on);
    if (this.on) {
      root.dataset.correcting = "yes";
      root.tabIndex = 0;
      root.role = "application";
      root.ariaLabel = "The text, to be corrected";
      root.setAttribute("aria-describedby", "correction-help");
    } else {
      delete root.dataset.correcting;
      for (const name of ["tabindex", "role", "aria-label", "aria-describedby"]) {
        root.removeAttribute(name);
      }
      this.chooser.close();
      this.picker.restart();
    }
    this.#buttons();
  }

  /** Begin a draft with what people have saved, else with what the model says. */
  async #begin() {
    const text = this.page.whole();
    const isNew = () =>
      this.page.whole() === text && this.draft?.text !== text && this.pane.tagging.hasRead(text);
    if (!text || !isNew()) return;
    const found = await ask("/annotations/lookup", { body: { text } });
    if (!isNew()) return;
    this.#hold(found);
    if (found.entities) this.page.say(`Corrected by ${found.who}, ${when(found.at)}.`);
  }

  /** Show a draft of what the service holds. */
  #hold(found) {
    this.saved = found;
    this.seen = 0;
    this.draft = new Draft(found.text, this.pane.tagging.blocks, found.entities);
    this.chooser.close();
    this.picker.restart();
    this.page.show();
    this.#buttons();
  }

  #forget() {
    this.draft = null;
    this.saved = null;
    this.chooser.close();
    this.picker.restart();
    this.#buttons();
  }

  /** Look at what the service holds now. */
  #discard() {
    this.#forget();
    this.page.show();
    this.#tried(() => this.#begin());
  }

  #buttons() {
    const ready = this.on && this.draft !== null;
    const dirty = this.#isDirty();
    $("save").disabled = !ready;
    $("discard").disabled = !ready || !dirty;
    $("undo").disabled = !ready || dirty || !this.saved.entities;
    this.page.text.readOnly = dirty;
    $("locked").hidden = !dirty;
  }

  async #save() {
    if (!this.#isReady()) return;
    const entities = this.draft.entities(this.page.shown);
    const found = await this.#send("/annotations", { entities });
    if (!found) return;
    this.queue.done(found.id);
    const count = found.entities.length;
    const shared = countSharing(found.entities);
    const told = `Saved ${count} ${count === 1 ? "entity" : "entities"}, ${when(found.at)}.`;
    const nested = ` ${shared} ${shared === 1 ? "shares" : "share"} words with another: a training ` +
      "needs --repair, which keeps the longest.";
    this.page.say(shared ? told + nested : told);
  }

  async #undo() {
    if (!this.#isReady()) return;
    const found = await this.#send("/annotations/undo", {});
    if (found) this.page.say(`Undone, ${when(found.at)}.`);
  }

  /** Whether there is a name, and the text has not been changed since the draft was begun. */
  #isReady() {
    if (this.blocks && this.#who()) return true;
    if (this.blocks) {
      this.page.say("Who are you? Your name goes with each change.", true);
      $("who").focus();
    }
    return false;
  }

  /** Change what the service holds of the draft's text; null if another text is there by then. */
  async #send(path, more) {
    const { draft } = this;
    const { changes } = draft;
    const body = { text: draft.text, who: this.#who(), revision: this.saved.revision, ...more };
    for (const id of ["save", "undo"]) $(id).disabled = true;
    const found = await ask(path, { body }).finally(() => this.#buttons());
    if (this.draft !== draft) return null;
    if (draft.changes === changes) this.#hold(found);
    else {
      this.saved = found; // and what was changed meanwhile is not
      this.seen = changes;
      this.#buttons();
    }
    return found;
  }

  async #next() {
    if (!this.mayLeave()) return;
    const next = await this.queue.next(this.#who());
    if (!next) {
      const passed = this.queue.restart();
      if (passed) this.page.say("No other text waits. Those that you passed over come again now.");
      else this.page.say("No text waits to be corrected.");
      return;
    }
    this.#forget();
    $("correct").checked = true;
    this.#mode();
    this.page.tag(next.text);
    this.pane.view.text.focus();
  }

  async #tried(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.page.say(this.#named(error), true);
      if (error.kind === "stale" && !this.#isDirty()) this.#discard();
    }
  }

  /** What is wrong; where it is an entity, with its words instead of its number. */
  #named({ message, field }) {
    const number = /^entities\.(\d+)/.exec(field)?.[1];
    const entity = number && this.draft?.entities(this.page.shown)[number];
    if (!entity) return message;
    const words = [...this.draft.text].slice(entity.start, entity.end).join("");
    return `${words} (${entity.label}): ${message.replace(`${field}: `, "")}`;
  }

  #choose(pick) {
    const labels = [...this.legend.labels.values()];
    const beside = (target) =>
      sharing(pick.block, pick.span ?? target[0], target).filter(this.page.shown);
    this.chooser.open(pick, labels, beside, (label, target) => {
      const span = pick.span ?? target[0];
      this.draft.join(pick.blocks, pick.block);
      if (label) this.draft.put(pick.block, span, label, target);
      else this.draft.drop(pick.block, target);
      this.#changed(pick, span, label);
    });
  }

  /** Of a selection what lies inside of it, else the innermost entity that is meant. */
  #drop(pick) {
    const { span, targets, block, blocks } = pick;
    const there = [...new Set(targets.flat())];
    const inside = there.filter((e) => span && e.start >= span.start && e.end <= span.end);
    const dropped = inside.length ? inside : there.slice(0, 1);
    if (!dropped.length) return;
    this.draft.join(blocks, block);
    this.draft.drop(block, dropped);
    this.#changed({ ...pick, byKey: true }, span ?? dropped[0], null);
  }

  #changed({ block, byKey }, { start, end }, label) {
    if (label) this.legend.add(label);
    getSelection().removeAllRanges();
    this.page.show();
    this.page.say(`${block.text.slice(start, end)}: ${label || "no entity"} (not saved yet)`);
    this.#buttons();
    if (byKey) this.pane.view.text.focus();
  }
}

function when(at) {
  return new Date(at).toLocaleString();
}
