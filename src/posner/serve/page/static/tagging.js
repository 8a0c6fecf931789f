// Texts to entities while one types: only what is new is sent, and what is superseded is cancelled.

import { ask } from "./api.js";
import { blocksOf, utf16Places } from "./blocks.js";

const TOGETHER = 12; // blocks of one request
const KEPT = 3000; // answers that are remembered

/** A model's answer for a text, with offsets in UTF-16: {entities, words}. */
function answerFor(text, { entities, words }) {
  const places = utf16Places(text);
  const at = places ? (place) => places[place] : (place) => place;
  return {
    entities: entities.map((e) => ({ ...e, start: at(e.start), end: at(e.end) })),
    words: words.map(([start, end, sentence]) => [at(start), at(end), sentence]),
  };
}

/** Tags texts with one model.
 *
 * Its blocks, {text, entities, words}, say what the model found and nothing else; `entities` is
 * null while there is no answer. Equal texts share an answer, never a block.
 */
export class Tagging {
  /**
   * @param limits what the service takes: {max_chars, max_texts}
   * @param changed called with the blocks whenever some of them have changed
   */
  constructor(model, limits, changed) {
    this.model = model;
    this.limits = limits;
    this.changed = changed;
    this.text = "";
    this.blocks = [];
    this.known = new Map(); // from a block's text to the answer
    this.controller = null;
  }

  /** Whether the model has answered all of this text. */
  hasRead(text) {
    return this.text === text && this.blocks.every(({ entities }) => entities !== null);
  }

  /** Tag a text; an earlier one that is not finished is given up. */
  async tag(text) {
    this.controller?.abort();
    const { signal } = (this.controller = new AbortController());
    this.text = text;
    this.blocks = this.#blocksOf(text);
    const missing = this.blocks.filter(({ entities }) => entities === null);
    const requests = this.#requests(missing);
    let left = missing.length;
    for (const blocks of requests) {
      if (requests.length > 1) this.changed(this.blocks, left);
      await this.#send(blocks, signal);
      left -= blocks.length;
    }
    this.changed(this.blocks, 0);
  }

  /** The text's blocks: those that are still the same, and new ones. */
  #blocksOf(text) {
    const former = Map.groupBy(this.blocks, (block) => block.text);
    return blocksOf(text, this.limits.max_chars).map((piece) => {
      const block = former.get(piece)?.shift() ?? { text: piece, entities: null, words: [] };
      return block.entities ? block : Object.assign(block, this.known.get(piece));
    });
  }

  /** Blocks by request, none with more than the service takes. */
  #requests(blocks) {
    const most = Math.min(TOGETHER, this.limits.max_texts);
    const requests = [];
    let room = 0;
    for (const block of blocks) {
      if (!requests.length || requests.at(-1).length === most || block.text.length > room) {
        requests.push([]);
        room = this.limits.max_chars;
      }
      requests.at(-1).push(block);
      room -= block.text.length;
    }
    return requests;
  }

  async #send(blocks, signal) {
    const body = { texts: blocks.map((block) => block.text), model: this.model };
    const { documents } = await ask("/analyze", { body, signal });
    blocks.forEach((block, i) => {
      Object.assign(block, answerFor(block.text, documents[i]));
      this.#remember(block);
    });
  }

  #remember({ text, entities, words }) {
    this.known.delete(text);
    this.known.set(text, { entities, words });
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
  }
}
