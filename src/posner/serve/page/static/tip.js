// What is known of an entity, beside it: on hover, on focus, and gone with Escape.

import { element, score } from "./view.js";

const tip = document.getElementById("tip");

/** Show facts for every mark below `root`. */
export function tipsFor(root, meaningOf) {
  const show = (event) => {
    const mark = event.target.closest?.("mark");
    if (mark) showFor(mark, meaningOf);
    else hide();
  };
  root.addEventListener("mouseover", show);
  root.addEventListener("focusin", show);
  root.addEventListener("mouseleave", hide);
  root.addEventListener("focusout", hide);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
document.addEventListener("scroll", hide, { capture: true, passive: true });

export function hide() {
  tip.hidden = true;
  document.querySelector("mark[aria-describedby]")?.removeAttribute("aria-describedby");
}

function showFor(mark, meaningOf) {
  hide();
  tip.replaceChildren(...mark.covers.map((entity) => card(entity, meaningOf)));
  tip.hidden = false;
  mark.setAttribute("aria-describedby", "tip");
  const place = mark.getClientRects()[0];
  const size = tip.getBoundingClientRect();
  const above = place.top - size.height - 6;
  const left = Math.min(place.left, document.documentElement.clientWidth - size.width - 8);
  tip.style.left = `${Math.max(8, left)}px`;
  const lowest = document.documentElement.clientHeight - size.height - 8;
  const top = above > 8 ? above : Math.max(8, Math.min(place.bottom + 6, lowest));
  tip.style.top = `${top}px`;
}

function card(entity, meaningOf) {
  const made = element("dl");
  const add = (name, value) => {
    if (value) made.append(element("dt", "", name), element("dd", "", value));
  };
  const meaning = meaningOf(entity.entity_group);
  add("Label", entity.entity_group + (meaning ? ` (${meaning})` : ""));
  add("Score", score(entity));
  add("Spelt", entity.corrected);
  add("Known as", entity.id);
  add("Done", (entity.changes || []).join("; "));
  return made;
}
