// Overlapping entities as flat segments, each with the layers that cover it. No DOM here.

/** By start, the longer first, then by label. */
export function inOrder(entities) {
  return [...entities].sort(
    (a, b) => a.start - b.start || b.end - a.end || (a.entity_group < b.entity_group ? -1 : 1),
  );
}

/** Each entity with its layer: 0 unless it overlaps one that has 0, and so on. */
export function layered(entities) {
  const open = []; // by layer: where its last entity ends
  return inOrder(entities).map((entity) => {
    let layer = open.findIndex((end) => end <= entity.start);
    if (layer < 0) layer = open.length;
    open[layer] = entity.end;
    return { entity, layer };
  });
}

/** Cut a text where entities begin and end.
 *
 * @returns segments {start, end, covers: [{entity, layer}], closes: [entity]}
 */
export function segments(length, entities) {
  const placed = layered(entities);
  const borders = new Set([0, length]);
  for (const { entity } of placed) borders.add(entity.start).add(entity.end);
  const places = [...borders].sort((a, b) => a - b);
  const found = [];
  let active = [];
  let next = 0;
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    active = active.filter((item) => item.entity.end > start);
    while (next < placed.length && placed[next].entity.start <= start) active.push(placed[next++]);
    const covers = [...active].sort((a, b) => a.layer - b.layer);
    const closes = covers.filter((item) => item.entity.end === end).map((item) => item.entity);
    found.push({ start, end, covers, closes: closes.reverse() });
  }
  return found;
}
