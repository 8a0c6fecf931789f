// A text as a person corrects it, apart from what any model says of it. No DOM here.

import { utf16Places } from "./blocks.js";
import { wholeEntities } from "./formats.js";

/** A text's corrections until they are saved; its blocks are as a view shows them. */
export class Draft {
  /**
   * @param blocks the model's, all of them answered
   * @param saved entities {start, end, label} with offsets in characters of the whole text;
   *   null: it begins with what the model found
   */
  constructor(text, blocks, saved) {
    this.text = text;
    this.changes = 0;
    this.blocks = saved
      ? filled(text, blocks, inUtf16(text, saved))
      : blocks.map((block) => ({ ...block }));
  }

  /** What is to be saved: what one sees. */
  entities(shown) {
    return wholeEntities(this.blocks, shown)
      .map(({ start, end, entity_group: label }) => ({ start, end, label }));
  }

  /** Put an entity into a block, instead of others (none: beside what is there). */
  put(block, { start, end }, label, instead) {
    const isSame = (e) => e.start === start && e.end === end;
    const others = block.entities.filter((e) =>
      !instead.includes(e) && !(isSame(e) && (!instead.length || e.entity_group === label)));
    const word = block.text.slice(start, end);
    block.entities = [...others, byHand(word, start, end, label)].sort((a, b) => a.start - b.start);
    this.changes += 1;
  }

  /** Take entities out of a block. */
  drop(block, entities) {
    block.entities = block.entities.filter((e) => !entities.includes(e));
    this.changes += 1;
  }
}

function byHand(word, start, end, label) {
  return { entity_group: label, score: null, word, start, end, changes: ["corrected by hand"] };
}

function inUtf16(text, entities) {
  const places = utf16Places(text);
  if (!places) return entities;
  return entities.map((e) => ({ ...e, start: places[e.start], end: places[e.end] }));
}

/** Blocks with these entities; those between which one reaches over the border become one. */
function filled(text, blocks, entities) {
  const waiting = [...entities].sort((a, b) => a.start - b.start);
  const made = [];
  let next = 0;
  let start = 0; // of the block that is being filled
  let reach = 0; // how far the entities so far go
  let before = 0;
  for (const { text: piece, words } of blocks) {
    if (before >= reach) {
      start = before;
      made.push({ text: "", words: [], entities: [] });
    }
    const block = made.at(-1);
    addWords(block, words);
    block.text += piece;
    before += piece.length;
    for (; next < waiting.length && waiting[next].start < before; next += 1) {
      const { start: from, end, label } = waiting[next];
      block.entities.push(byHand(text.slice(from, end), from - start, end - start, label));
      reach = Math.max(reach, end);
    }
  }
  return made;
}

/** Words of the piece that is about to be joined to a block; sentences go on counting. */
function addWords(block, words) {
  const at = block.text.length;
  const sentences = block.words.length ? block.words.at(-1)[2] + 1 : 0;
  for (const [start, end, sentence] of words) {
    block.words.push([start + at, end + at, sentence + sentences]);
  }
}
