// Long texts in blocks, so that a keystroke sends and draws one block and not a megabyte.

const SHORT = 8000; // characters up to which a text is one block
const LEAST = 1500;
const MOST = 6000;

const NEAR = 1000; // characters among which the best place for a cut is looked for
const BLANK = /(?<=\s)(\S+)(\s+)(?=(\S))/gu; // with the word before and the beginning of the next
const CAPITAL = /^\p{P}*\p{Lu}/u;
const FULL_STOP = /[.!?…。！？]\p{P}*$/u;

/** The blocks of a text, in order, none with more than `limit` characters.
 *
 * Joined they are the text.
 * A cut falls behind a line, and which lines are cut behind depends on the line alone. So an edit
 * changes the block that it stands in, and rarely the one after it.
 */
export function blocksOf(text, limit) {
  if (text.length <= Math.min(SHORT, limit)) return text ? [text] : [];
  const blocks = [];
  let start = 0;
  let line = 0;
  while (line < text.length) {
    const end = text.indexOf("\n", line) + 1 || text.length;
    if (line > start && end - start > limit) start = cut(text, start, line, limit, blocks);
    const size = end - start;
    if (size >= MOST || (size >= LEAST && isBorder(text, line, end))) {
      start = cut(text, start, end, limit, blocks);
    }
    line = end;
  }
  if (start < text.length) cut(text, start, text.length, limit, blocks);
  return blocks;
}

function isBorder(text, from, to) {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum = (31 * sum + text.charCodeAt(i)) | 0;
  return to - from <= 1 || (sum & 3) === 0;
}

// A line without breaks may be very long: it is cut where it hurts least.
function cut(text, start, end, limit, blocks) {
  const reach = Math.min(2 * MOST, limit);
  while (end - start > Math.min(3 * MOST, limit)) {
    const place = bestPlace(text, start, start + reach);
    blocks.push(text.slice(start, place));
    start = place;
  }
  if (start < end) blocks.push(text.slice(start, end));
  return end;
}

/** Where to cut before `most`: of the best places near it the last, else behind any blank. */
function bestPlace(text, start, most) {
  const near = most - Math.min(NEAR, (most - start) >> 1);
  let place = 0;
  let best = -1;
  for (const found of text.slice(near, most + 1).matchAll(BLANK)) {
    const worth = worthOf(...found.slice(1));
    if (worth < best) continue;
    best = worth;
    place = near + found.index + found[0].length;
  }
  if (place) return place;
  const behind = Math.max(text.lastIndexOf(" ", most - 1), text.lastIndexOf("。", most - 1)) + 1;
  if (behind > start) return behind;
  return most + isLowSurrogate(text.charCodeAt(most)); // one character, of two units
}

/** How good a cut is between two words: behind a sentence, at a wide blank, not inside a name. */
function worthOf(before, blank, after) {
  const names = CAPITAL.test(before) + CAPITAL.test(after);
  if (FULL_STOP.test(before) && !CAPITAL.test(before)) return 4;
  if (names === 2) return 0;
  return blank.length > 1 || blank === "\n" ? 3 : 2 - names;
}

function isLowSurrogate(code) {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** For each character (code point) of a text its place in UTF-16, or null where they are equal. */
export function utf16Places(text) {
  if (!/[\ud800-\udfff]/.test(text)) return null;
  const places = [];
  for (let i = 0; i < text.length; i += text.codePointAt(i) > 0xffff ? 2 : 1) places.push(i);
  places.push(text.length);
  return places;
}

/** How many characters (code points) a piece of text has. */
export function codePoints(text) {
  let count = text.length;
  for (let i = 0; i < text.length; i += 1) count -= isLowSurrogate(text.charCodeAt(i));
  return count;
}
