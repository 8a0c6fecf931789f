// One model's answer as marked text. Only blocks near the screen are drawn; the rest is plain text.

import { segments } from "./stack.js";

const ROWS = 400; // rows of the table at first, and more at each press

export class View {
  /**
   * @param title the model's name
   * @param look {shown(entity), colourOf(label), differs(block, entity)}
   */
  constructor(title, look) {
    this.look = look;
    this.blocks = [];
    this.elements = [];
    this.rows = ROWS;
    this.root = element("article", "view");
    this.heading = element("h3", "", title);
    this.text = element("div", "marked");
    this.text.setAttribute("lang", "");
    this.table = element("div", "table");
    this.table.hidden = true;
    this.root.append(this.heading, this.text, this.table);
    this.near = new IntersectionObserver((entries) => this.#seen(entries), {
      rootMargin: "600px",
    });
    this.text.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Show blocks; of those with the same text the elements stay, and so does what is scrolled. */
  show(blocks) {
    const kept = Map.groupBy(this.elements, (item) => item.block.text);
    const items = blocks.map((block) => {
      const same = kept.get(block.text) ?? [];
      const own = Math.max(0, same.findIndex((item) => item.block === block));
      const [item] = same.splice(own, 1);
      return item ? this.#renewed(item, block) : this.#newItem(block);
    });
    const gone = [...kept.values()].flat();
    const made = items.filter(({ element }) => !element.isConnected);
    const isInPlace = made.length === 1 && gone.length > 0; // of one or more others
    const { scrollTop } = this.text;
    if (isInPlace) made[0].element.style.containIntrinsicHeight = `auto ${heightOf(gone)}px`;
    for (const item of gone) {
      this.near.unobserve(item.element);
      item.element.remove();
    }
    let place = this.text.firstChild;
    for (const { element: node } of items) {
      if (node === place) place = place.nextSibling;
      else this.text.insertBefore(node, place);
    }
    if (isInPlace) {
      if (gone.some(({ visible }) => visible)) this.#draw(made[0]);
      this.text.scrollTop = scrollTop; // the browser would go on to what comes next
    }
    this.elements = items;
    this.blocks = blocks;
    this.#drawTable();
  }

  #renewed(item, block) {
    const isSame = item.block === block && item.entities === block.entities;
    item.block = block;
    if (!isSame && item.drawn) {
      item.drawn = false;
      if (item.visible) this.#draw(item);
    }
    return item;
  }

  /** Draw again, since what is shown has changed: at once what is seen, the rest when it is. */
  refresh() {
    for (const item of this.elements) {
      item.drawn = false;
      if (item.visible) this.#draw(item);
    }
    this.#drawTable();
  }

  set asTable(on) {
    this.text.hidden = on;
    this.table.hidden = !on;
    this.#drawTable();
  }

  #newItem(block) {
    const node = element("div", "block", block.text);
    const item = { block, element: node, drawn: false, visible: false, entities: null };
    node.item = item;
    this.near.observe(node);
    return item;
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      target.item.visible = isIntersecting;
      if (isIntersecting && !target.item.drawn) this.#draw(target.item);
    }
  }

  #draw(item) {
    item.drawn = true;
    item.entities = item.block.entities;
    const { text } = item.block;
    const entities = (item.entities || []).filter(this.look.shown);
    const parts = segments(text.length, entities).map((segment) => {
      const piece = text.slice(segment.start, segment.end);
      if (!segment.covers.length) return document.createTextNode(piece);
      return this.#mark(item.block, segment, piece);
    });
    item.element.replaceChildren(...parts);
    this.#oneStop();
  }

  #mark(block, segment, piece) {
    const mark = element("mark", "", segment.closes.length ? "" : piece);
    const covers = segment.covers.map(({ entity }) => entity);
    mark.dataset.layers = String(segment.covers.at(-1).layer + 1);
    mark.style.setProperty("--colour", this.look.colourOf(covers[0].entity_group));
    if (covers.length > 1 || segment.covers[0].layer > 0) {
      mark.style.backgroundImage = segment.covers
        .map(({ entity }) => `linear-gradient(${this.look.colourOf(entity.entity_group)} 0 0)`)
        .join(",");
      mark.style.backgroundSize = segment.covers.map(() => "100% 3px").join(",");
      mark.style.backgroundPosition = segment.covers
        .map(({ layer }) => `0 calc(100% - ${4 * layer}px)`)
        .join(",");
    }
    // Segments of one entity stand together without a gap.
    mark.classList.toggle("continued", covers.some((entity) => entity.start < segment.start));
    mark.classList.toggle("continues", covers.some((entity) => entity.end > segment.end));
    mark.covers = covers;
    mark.block = block;
    if (covers.some((entity) => this.look.differs(block, entity))) mark.classList.add("differs");
    if (segment.closes.length) this.#addLabels(mark, segment.closes, piece);
    return mark;
  }

  /** The words, the last of them on one line with the labels. */
  #addLabels(mark, closes, piece) {
    const cut = piece.search(/\S+$/u);
    const last = element("span", "last", cut < 0 ? piece : piece.slice(cut));
    if (cut > 0) mark.append(piece.slice(0, cut));
    for (const entity of closes) {
      const label = element("span", "label", entity.entity_group);
      label.style.setProperty("--colour", this.look.colourOf(entity.entity_group));
      last.append(label);
    }
    mark.append(last);
    mark.tabIndex = -1;
  }

  /** One entity takes the tab key; the arrows go on from there. */
  #oneStop() {
    if (!this.text.querySelector('mark[tabindex="0"]')) {
      const first = this.text.querySelector("mark[tabindex]");
      if (first) first.tabIndex = 0;
    }
  }

  #walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches("mark") || this.text.dataset.correcting) return;
    const marks = [...this.text.querySelectorAll("mark[tabindex]")];
    const next = marks[marks.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  #drawTable() {
    if (this.table.hidden) return;
    const rows = [];
    let total = 0;
    for (const block of this.blocks) {
      for (const entity of (block.entities || []).filter(this.look.shown)) {
        total += 1;
        if (rows.length < this.rows) rows.push(this.#row(block, entity));
      }
    }
    const table = element("table");
    const head = element("tr");
    for (const name of ["Entity", "Label", "Score"]) {
      const cell = element("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    body.append(...rows);
    table.append(top, body);
    this.table.replaceChildren(total ? table : element("p", "hint", "No entities are shown."));
    if (total > rows.length) {
      const more = element("button", "", `Show more (${rows.length} of ${total})`);
      more.addEventListener("click", () => {
        this.rows += ROWS;
        this.#drawTable();
      });
      this.table.append(more);
    }
  }

  #row(block, entity) {
    const row = element("tr");
    if (this.look.differs(block, entity)) row.classList.add("differs");
    const label = element("span", "label", entity.entity_group);
    label.style.setProperty("--colour", this.look.colourOf(entity.entity_group));
    const cell = element("td");
    cell.append(label);
    const name = element("td", "", entity.word.replaceAll("\n", " "));
    if (entity.corrected) name.append(element("span", "hint", ` → ${entity.corrected}`));
    row.append(name, cell, element("td", "number", score(entity)));
    return row;
  }
}

function heightOf(items) {
  return items.reduce((sum, item) => sum + item.element.offsetHeight, 0);
}

export function element(name, kind = "", text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}

export function score(entity) {
  return entity.score === null || entity.score === undefined ? "" : entity.score.toFixed(3);
}
