// A small dialog beside the words that are meant: which entity, and its label, a new one, or none.

import { hide } from "./tip.js";
import { element } from "./view.js";

const NARROW = matchMedia("(max-width: 820px)"); // there it stands at the foot of the screen

export class Chooser {
  constructor() {
    this.root = document.getElementById("chooser");
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.root.contains(relatedTarget)) this.close();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.root.contains(event.target)) this.close();
    });
  }

  /** Ask for a label.
   *
   * @param pick what was picked, see `pick.js`
   * @param labels {name, colour, meaning} each
   * @param sharing gives the entities that would share words with the new one, by its targets
   * @param answered gets a label's name, or null for none, and the entities that are meant
   */
  open(pick, labels, sharing, answered) {
    hide();
    this.opener = document.activeElement;
    this.pick = pick;
    this.sharing = sharing;
    this.target = pick.targets[0];
    const answer = (label) => {
      this.close();
      answered(label, this.target);
    };
    this.labels = labels.map(({ name, colour, meaning }) => {
      const button = element("button", "", name);
      button.title = meaning || name;
      button.style.setProperty("--colour", colour);
      button.addEventListener("click", () => answer(name));
      return button;
    });
    this.drop = element("button", "drop", "No entity");
    this.drop.addEventListener("click", () => answer(null));
    this.title = element("p", "hint");
    this.warning = element("p", "warn");
    Object.assign(this.warning, { id: "chooser-warning", role: "status" });
    const below = [...this.labels, this.drop, other(answer)];
    this.root.replaceChildren(this.title, this.#targets(), this.warning, ...below);
    this.#aim(this.target);
    this.root.hidden = false;
    this.#place(pick.rect);
    const present = this.root.querySelector("[aria-pressed=true]");
    (present ?? this.root.querySelector("button")).focus();
  }

  close() {
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  /** Which of several layers is meant. */
  #targets() {
    const made = element("fieldset");
    made.hidden = this.pick.targets.length < 2;
    this.pick.targets.forEach((target, i) => {
      const row = element("label");
      const button = element("input");
      Object.assign(button, { type: "radio", name: "target", checked: i === 0 });
      button.addEventListener("change", () => {
        this.#aim(target);
        if (!NARROW.matches) this.#place(this.pick.rect); // its height is another one
      });
      row.append(button, this.#nameOf(target));
      made.append(row);
    });
    return made;
  }

  #nameOf(target) {
    if (!target.length) return "Beside what is there";
    const same = target.every((entity) => this.#isMeant(entity));
    const names = target.map((entity) => `${entity.entity_group}: ${short(entity.word)}`);
    return `${same ? "" : "Instead of "}${names.join(", ")}`;
  }

  /** Whether the words that were picked are the entity's own. */
  #isMeant({ start, end }) {
    const { span } = this.pick;
    return !span || (start === span.start && end === span.end);
  }

  #aim(target) {
    this.target = target;
    const { start, end } = this.pick.span ?? target[0];
    this.title.textContent = short(this.pick.block.text.slice(start, end));
    this.drop.disabled = !target.length;
    const meant = target.filter((entity) => this.#isMeant(entity));
    const present = new Set(meant.map((entity) => entity.entity_group));
    for (const button of this.labels) {
      button.setAttribute("aria-pressed", present.has(button.textContent));
    }
    this.warning.textContent = warningOf(this.sharing(target));
  }

  #place(rect) {
    if (NARROW.matches) {
      this.root.removeAttribute("style");
      const hidden = rect.bottom + 12 - this.root.getBoundingClientRect().top;
      if (hidden > 0) scrollBy(0, hidden);
      return;
    }
    const size = this.root.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const below = rect.bottom + 6;
    const top = below + size.height < clientHeight ? below : Math.max(8, rect.top - size.height - 6);
    this.root.style.top = `${top}px`;
    this.root.style.left = `${Math.max(8, Math.min(rect.left, clientWidth - size.width - 8))}px`;
  }

  #key(event) {
    if (event.key === "Escape") {
      this.close();
      this.opener?.focus();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches("button")) return;
    const buttons = [...this.root.querySelectorAll("button:enabled")];
    buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length].focus();
    event.preventDefault();
  }
}

function warningOf(entities) {
  if (!entities.length) return "";
  const names = entities.map((e) => `${e.entity_group}: ${short(e.word)}`).join(", ");
  return `Shares words with ${names}. Models learn flat entities: a training needs --repair, ` +
    "which keeps the longest.";
}

function short(piece) {
  return piece.length > 40 ? `${piece.slice(0, 40)}…` : piece;
}

function other(answer) {
  const form = element("form");
  const input = element("input");
  input.placeholder = "Another label";
  input.setAttribute("aria-label", "Another label");
  input.pattern = "(?![BI]-|O$)\\S+"; // what the service takes
  input.title = "One word: a label alone, without the B- or I- of a tag";
  input.maxLength = 100;
  form.append(input, element("button", "", "Use"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) answer(input.value.trim());
  });
  return form;
}
