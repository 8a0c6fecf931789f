// Texts to entities while one types: only what is new is sent, and what is superseded is cancelled.

import { ask } from "./api.js";
import { blocksOf, utf16Places } from "./blocks.js";

const TOGETHER = 12; // blocks of one request
const KEPT = 3000; // blocks whose answers are remembered

/** One block with its answer, offsets in UTF-16; `entities` is null while there is no answer. */
export class Block {
  constructor(text) {
    this.text = text;
    this.entities = null;
    this.found = [];
    this.words = [];
  }

  fill(answer) {
    const places = utf16Places(this.text);
    const at = places ? (place) => places[place] : (place) => place;
    this.entities = answer.entities.map((e) => ({ ...e, start: at(e.start), end: at(e.end) }));
    this.found = this.entities; // as the model said, whatever people make of it
    this.words = answer.words.map(([start, end, sentence]) => [at(start), at(end), sentence]);
  }
}

/** Tags texts with one model. */
export class Tagging {
  /** @param changed called with the blocks whenever some of them have changed */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.blocks = [];
    this.known = new Map();
    this.controller = null;
  }

  /** Tag a text; an earlier one that is not finished is given up. */
  async tag(text) {
    this.controller?.abort();
    const controller = new AbortController();
    this.controller = controller;
    this.blocks = blocksOf(text).map((block) => this.known.get(block) || new Block(block));
    const missing = this.blocks.filter((block) => block.entities === null);
    if (text.length <= 8000 && missing.length) await this.#send(missing, controller.signal);
    else {
      this.changed(this.blocks, missing.length);
      for (let first = 0; first < missing.length; first += TOGETHER) {
        await this.#send(missing.slice(first, first + TOGETHER), controller.signal);
        this.changed(this.blocks, missing.length - first - TOGETHER);
      }
    }
    this.changed(this.blocks, 0);
  }

  async #send(blocks, signal) {
    const body = { texts: blocks.map((block) => block.text), model: this.model };
    const answer = await ask("/analyze", { body, signal });
    blocks.forEach((block, i) => {
      block.fill(answer.documents[i]);
      this.#remember(block);
    });
  }

  #remember(block) {
    this.known.delete(block.text);
    this.known.set(block.text, block);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
  }
}
