// Wires the page: text in, views out, and everything that changes what is shown.

import { ServiceError, ask } from "./api.js";
import { Correction } from "./correct.js";
import { asConll, asHtml, asJson } from "./formats.js";
import { Legend } from "./legend.js";
import { Tagging } from "./tagging.js";
import { hide, tipsFor } from "./tip.js";
import { View } from "./view.js";

const DEBOUNCE = 150;
const EXAMPLE =
  "Ada Lovelace met Charles Babbage in London in 1833. Her notes on his Analytical Engine, " +
  "printed by Taylor & Francis, are known from Lisbon to Tokyo.\n\n" +
  "Paste a text of your own, or go on typing here: Maria Stone works for Orchard Labs in Oslo.";

const $ = (id) => document.getElementById(id);
const text = $("text");
let info = null;
let panes = []; // {tagging, view}
let timer = 0;
let correction = null;

const legend = new Legend($("legend"), () => refresh());
const shown = (entity) =>
  legend.isOn(entity.entity_group) &&
  (entity.score === null || entity.score >= Number($("threshold").value));

async function start() {
  say("Waiting for the models …");
  info = await ask("/info");
  const names = info.models.map((model) => model.name);
  $("model").replaceChildren(...names.map((name) => new Option(name)));
  $("other").replaceChildren(new Option("nothing", ""), ...names.map((name) => new Option(name)));
  for (const part of document.querySelectorAll(".several")) part.hidden = names.length < 2;
  if (info.annotations) correction = new Correction({ tag: useText, say, text, redraw });
  useModels();
  useText(sessionStorage.getItem("posner-text") || EXAMPLE);
}

function models() {
  return [$("model").value, $("other").value].filter(Boolean);
}

function useModels() {
  const labels = new Map();
  for (const model of info.models.filter(({ name }) => models().includes(name))) {
    for (const label of model.labels) labels.set(label.name, label);
  }
  legend.use(labels);
  setThreshold(info.models.find(({ name }) => name === models()[0]).threshold);
  for (const { tagging } of panes) tagging.controller?.abort();
  panes = models().map((name, number) => {
    const view = new View(name, { shown, colourOf: legend.colourOf, differs });
    tipsFor(view.text, legend.meaningOf);
    view.asTable = $("as-table").ariaPressed === "true";
    const tagging = new Tagging(name, (blocks, left) => drawn(number, view, blocks, left));
    return { tagging, view };
  });
  $("views").replaceChildren(...panes.map(({ view }) => view.root));
  $("views").classList.toggle("two", panes.length > 1);
  document.querySelector("main").classList.toggle("comparing", panes.length > 1);
  correction?.use(panes[0], legend);
}

function drawn(number, view, blocks, left) {
  if (number === 0) correction?.arrived(blocks, left);
  view.show(blocks);
  if (panes.length > 1 && left <= 0) for (const pane of panes) pane.view.refresh();
  legend.count(panes.map((pane) => pane.tagging.blocks), thresholdOnly);
  if (left > 0) say(`Reading: ${left} of ${blocks.length} parts are left …`);
  else say(summary());
}

const thresholdOnly = (entity) =>
  entity.score === null || entity.score >= Number($("threshold").value);

function summary() {
  const counts = panes.map(({ tagging }) =>
    tagging.blocks.reduce((sum, { entities }) => sum + (entities || []).filter(shown).length, 0));
  const words = panes[0].tagging.blocks.reduce((sum, block) => sum + block.words.length, 0);
  const found = counts.map((n) => `${n} ${n === 1 ? "entity" : "entities"}`).join(" and ");
  return `${found} in ${words.toLocaleString("en")} words`;
}

/** Whether the other model does not find the same entity. */
function differs(block, entity) {
  if (panes.length < 2) return false;
  return panes.some(({ tagging }) => {
    const same = tagging.known.get(block.text);
    return same?.entities && same !== block && !same.entities.some((other) =>
      other.start === entity.start && other.end === entity.end &&
      other.entity_group === entity.entity_group);
  });
}

function useText(value) {
  text.value = value;
  tagNow();
}

async function tagNow() {
  clearTimeout(timer);
  hide();
  const value = text.value;
  if (value.length < 200_000) sessionStorage.setItem("posner-text", value);
  correction?.edited(value);
  try {
    await Promise.all(panes.map(({ tagging }) => tagging.tag(value)));
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
  }
}

function failed(error) {
  const known = error instanceof ServiceError;
  say(known ? error.message : "The service cannot be reached.", true);
}

function say(message, wrong = false) {
  $("status").textContent = message;
  $("status").classList.toggle("wrong", wrong);
}

let frame = 0;
function redraw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    for (const { view } of panes) view.refresh();
    legend.count(panes.map((pane) => pane.tagging.blocks), thresholdOnly);
  });
}

function refresh() {
  redraw();
  say(summary());
}

async function openFile(file) {
  if (file) useText(await file.text());
}

function setThreshold(value) {
  $("threshold").value = String(value);
  $("threshold-value").textContent = Number(value).toFixed(2);
}

function setTable(on) {
  $("as-text").ariaPressed = String(!on);
  $("as-table").ariaPressed = String(on);
  for (const { view } of panes) view.asTable = on;
}

async function copy(format) {
  const { blocks } = panes[0].tagging;
  const made = {
    json: () => asJson(blocks, shown),
    conll: () => asConll(blocks, shown),
    html: () => asHtml(blocks, shown, legend.colourOf),
  }[format]();
  try {
    await navigator.clipboard.writeText(made);
    say(`Copied as ${{ json: "JSON", conll: "CoNLL", html: "HTML" }[format]}.`);
  } catch {
    say("The browser does not let this page copy.", true);
  }
  $("copy").open = false;
}

text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(tagNow, DEBOUNCE);
});
text.addEventListener("dragover", (event) => {
  event.preventDefault();
  text.classList.add("dropping");
});
text.addEventListener("dragleave", () => text.classList.remove("dropping"));
text.addEventListener("drop", (event) => {
  text.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  openFile(file);
});
$("open").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", (event) => openFile(event.target.files[0]));
$("clear").addEventListener("click", () => {
  useText("");
  text.focus();
});
$("threshold").addEventListener("input", (event) => {
  setThreshold(event.target.value);
  refresh();
});
$("as-text").addEventListener("click", () => setTable(false));
$("as-table").addEventListener("click", () => setTable(true));
$("copy").addEventListener("click", (event) => {
  const { format } = event.target.dataset;
  if (format) copy(format);
});
document.addEventListener("click", (event) => {
  if (!$("copy").contains(event.target)) $("copy").open = false;
});
for (const id of ["model", "other"]) {
  $(id).addEventListener("change", () => {
    useModels();
    tagNow();
  });
}

start().catch(failed);
