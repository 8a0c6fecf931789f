// Places in a block's text and points in its elements. Label badges are no part of the text.

/** Where in its block a point of the document lies: {item, place}, or null. */
export function placeOf(node, offset) {
  const inside = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const element = inside.closest?.(".block");
  if (!element) return null;
  const range = document.createRange();
  range.setStart(element, 0);
  range.setEnd(node, offset);
  let place = 0;
  for (const text of texts(element)) {
    if (text === node) return { item: element.item, place: place + offset };
    if (!range.intersectsNode(text) || range.comparePoint(text, 0) > 0) break;
    place += text.length;
  }
  return { item: element.item, place };
}

/** The point of the document at a place of a block: {node, offset}. */
export function pointAt(element, place) {
  let left = place;
  let last = null;
  for (const text of texts(element)) {
    if (left <= text.length) return { node: text, offset: left };
    left -= text.length;
    last = text;
  }
  return { node: last, offset: last.length };
}

/** The words that a stretch touches. */
export function wordsTouched(words, from, to) {
  return words.filter(([start, end]) => start < to && end > from);
}

function* texts(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.classList.contains("label")
      ? NodeFilter.FILTER_REJECT
      : NodeFilter.FILTER_ACCEPT);
  while (walker.nextNode()) yield walker.currentNode;
}
