// Long texts in blocks, so that a keystroke sends and draws one block and not a megabyte.

const SHORT = 8000; // characters up to which a text is one block
const LEAST = 1500;
const MOST = 6000;

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

// A line without breaks may be very long: it is cut behind a space.
function cut(text, start, end, limit, blocks) {
  const reach = Math.min(2 * MOST, limit);
  while (end - start > Math.min(3 * MOST, limit)) {
    let place = text.lastIndexOf(" ", start + reach - 1) + 1;
    if (place <= start) {
      place = start + reach;
      if (isLowSurrogate(text.charCodeAt(place))) place += 1; // one character, of two units
    }
    blocks.push(text.slice(start, place));
    start = place;
  }
  if (start < end) blocks.push(text.slice(start, end));
  return end;
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
