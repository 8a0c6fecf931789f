// The labels with their colours and counts; each can be hidden.

import { element } from "./view.js";

const PALETTE = ["#56b4e9", "#e69f00", "#2fbf94", "#cc79a7", "#f0e442", "#e8743b"];

/** A colour for a label that no model knows, always the same one. */
function colourFor(name) {
  let sum = 0;
  for (const character of name) sum = (31 * sum + character.codePointAt(0)) >>> 0;
  return PALETTE[sum % PALETTE.length];
}

export class Legend {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.labels = new Map();
    this.hidden = new Set();
    this.counts = new Map();
    this.all = false;
    this.colourOf = (label) => this.labels.get(label)?.colour || "#b0b8c0";
    this.meaningOf = (label) => this.labels.get(label)?.meaning || "";
  }

  /** Show these labels, from name to {name, meaning, colour}. */
  use(labels) {
    this.labels = new Map(labels);
    this.root.replaceChildren();
    this.counts.clear();
    for (const label of this.labels.values()) this.#add(label);
  }

  /** Take in a label that no model knows. */
  add(name) {
    if (this.labels.has(name)) return;
    const label = { name, meaning: "", colour: colourFor(name) };
    this.labels.set(name, label);
    this.#add(label);
  }

  isOn(label) {
    return this.all || !this.hidden.has(label);
  }

  /** Show every label, and let none be hidden; or show again what was shown. */
  showAll(on) {
    this.all = on;
    for (const [name, cell] of this.counts) this.#press(name, cell.parentElement);
    if (this.hidden.size) this.changed();
  }

  #press(name, button) {
    button.ariaPressed = String(this.isOn(name));
    button.disabled = this.all;
  }

  /** Count entities; of two models those of both. */
  count(lists, counted) {
    const sums = new Map();
    for (const blocks of lists) {
      for (const { entities } of blocks) {
        for (const entity of (entities || []).filter(counted)) {
          sums.set(entity.entity_group, (sums.get(entity.entity_group) || 0) + 1);
        }
      }
    }
    for (const name of sums.keys()) this.add(name);
    for (const [name, cell] of this.counts) cell.textContent = String(sums.get(name) || 0);
  }

  #add({ name, meaning, colour }) {
    const button = element("button", "", name);
    button.type = "button";
    button.title = meaning || name;
    button.style.setProperty("--colour", colour);
    const count = element("span", "count");
    this.counts.set(name, count);
    button.append(count);
    this.#press(name, button);
    button.addEventListener("click", () => {
      if (this.hidden.has(name)) this.hidden.delete(name);
      else this.hidden.add(name);
      this.#press(name, button);
      this.changed();
    });
    this.root.append(button);
  }
}
