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
    const others = staying(block, { start, end }, instead)
      .filter((e) => !(e.start === start && e.end === end && e.entity_group === label));
    const word = block.text.slice(start, end);
    block.entities = [...others, byHand(word, start, end, label)].sort((a, b) => a.start - b.start);
    this.changes += 1;
  }

  /** Let one block, made by `joined`, stand in place of those that it is made of. */
  join(blocks, block) {
    if (blocks.length > 1) this.blocks.splice(this.blocks.indexOf(blocks[0]), blocks.length, block);
  }

  /** Take entities out of a block. */
  drop(block, entities) {
    block.entities = block.entities.filter((e) => !entities.includes(e));
    this.changes += 1;
  }
}

/** The entities that stay when one is put in at a stretch, instead of others. */
function staying(block, { start, end }, instead) {
  return block.entities.filter((e) => !instead.includes(e) &&
    (instead.length || e.start !== start || e.end !== end));
}

/** Of those the ones that have words of the stretch, too: no model here learns both. */
export function sharing(block, span, instead) {
  return staying(block, span, instead).filter((e) => e.start < span.end && e.end > span.start);
}

/** How many of these entities share words with one before them. */
export function countSharing(entities) {
  let reach = -1;
  return [...entities].sort((a, b) => a.start - b.start).filter(({ start, end }) => {
    const shares = start < reach;
    reach = Math.max(reach, end);
    return shares;
  }).length;
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

/** Neighbouring blocks as one: an entity may reach from one into the next. */
export function joined(blocks) {
  if (blocks.length === 1) return blocks[0];
  const made = { text: "", words: [], entities: [] };
  for (const { text, words, entities } of blocks) {
    const at = made.text.length;
    addWords(made, words);
    made.entities.push(...entities.map((e) => ({ ...e, start: e.start + at, end: e.end + at })));
    made.text += text;
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
