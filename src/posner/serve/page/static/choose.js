// A small dialog beside the selected words: the labels, a new one, or none.

import { hide } from "./tip.js";
import { element } from "./view.js";

export class Chooser {
  constructor() {
    this.root = document.getElementById("chooser");
    this.root.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("mousedown", (event) => {
      if (!this.root.contains(event.target)) this.close();
    });
  }

  /** Ask for a label; `answered` gets its name, or null for none. */
  open(rect, piece, labels, droppable, answered) {
    hide();
    const answer = (label) => {
      this.close();
      answered(label);
    };
    const buttons = labels.map(({ name, colour, meaning }) => {
      const button = element("button", "", name);
      button.title = meaning || name;
      button.style.setProperty("--colour", colour);
      button.addEventListener("click", () => answer(name));
      return button;
    });
    if (droppable) {
      const drop = element("button", "drop", "No entity");
      drop.addEventListener("click", () => answer(null));
      buttons.push(drop);
    }
    const short = piece.length > 40 ? `${piece.slice(0, 40)}…` : piece;
    this.root.replaceChildren(element("p", "hint", short), ...buttons, this.#other(answer));
    this.root.hidden = false;
    const size = this.root.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const below = rect.bottom + 6;
    const top = below + size.height < clientHeight ? below : Math.max(8, rect.top - size.height - 6);
    this.root.style.top = `${top}px`;
    this.root.style.left = `${Math.max(8, Math.min(rect.left, clientWidth - size.width - 8))}px`;
    this.root.querySelector("button")?.focus();
  }

  close() {
    this.root.hidden = true;
  }

  #other(answer) {
    const form = element("form");
    const input = element("input");
    input.placeholder = "Another label";
    input.setAttribute("aria-label", "Another label");
    input.pattern = "\\S+";
    form.append(input, element("button", "", "Use"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) answer(input.value.trim());
    });
    return form;
  }

  #key(event) {
    if (event.key === "Escape") {
      this.close();
      document.querySelector("[data-correcting]")?.focus();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches("button")) return;
    const buttons = [...this.root.querySelectorAll("button")];
    buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length].focus();
    event.preventDefault();
  }
}
