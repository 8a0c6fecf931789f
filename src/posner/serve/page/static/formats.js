// What was found as JSON, CoNLL columns and HTML. Offsets count characters (code points) here.

import { codePoints } from "./blocks.js";
import { inOrder, segments } from "./stack.js";

/** Entities of all blocks with offsets in the whole text. */
export function wholeEntities(blocks, shown) {
  const found = [];
  let before = 0;
  for (const { text, entities } of blocks) {
    for (const entity of (entities || []).filter(shown)) {
      const start = before + codePoints(text.slice(0, entity.start));
      found.push({ ...entity, start, end: start + codePoints(text.slice(entity.start, entity.end)) });
    }
    before += codePoints(text);
  }
  return found;
}

export function asJson(blocks, shown) {
  return JSON.stringify(wholeEntities(blocks, shown), null, 2) + "\n";
}

/** A word and its IOB2 tag a line, an empty line after a sentence; of overlapping entities the
 * first and longest is taken. */
export function asConll(blocks, shown) {
  const lines = [];
  for (const { text, entities, words } of blocks) {
    const tags = new Map();
    let reach = -1;
    for (const entity of inOrder((entities || []).filter(shown))) {
      if (entity.start < reach) continue;
      reach = entity.end;
      const covered = words.filter(([start, end]) => start >= entity.start && end <= entity.end);
      covered.forEach(([start], i) => tags.set(start, `${i ? "I" : "B"}-${entity.entity_group}`));
    }
    words.forEach(([start, end, sentence], i) => {
      if (i && words[i - 1][2] !== sentence) lines.push("");
      lines.push(`${text.slice(start, end)} ${tags.get(start) || "O"}`);
    });
    if (words.length) lines.push("");
  }
  return lines.join("\n") + (lines.length ? "\n" : "");
}

/** The text with its entities marked, ready to be pasted anywhere. */
export function asHtml(blocks, shown, colourOf) {
  const parts = blocks.map(({ text, entities }) =>
    segments(text.length, (entities || []).filter(shown)).map(({ start, end, covers, closes }) => {
      const piece = escaped(text.slice(start, end)).replaceAll("\n", "<br>\n");
      if (!covers.length) return piece;
      const top = covers.at(-1).entity.entity_group;
      const labels = closes.map((e) => `<sup>${escaped(e.entity_group)}</sup>`).join("");
      return `<mark style="background:${colourOf(top)}">${piece}${labels}</mark>`;
    }).join(""),
  );
  return `<p>${parts.join("")}</p>\n`;
}

function escaped(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character]);
}
