// Wires the page: text in, views out, and everything that changes what is shown.

import { ServiceError, ask } from "./api.js";
import { copied } from "./copy.js";
import { Correction } from "./correct.js";
import { asConll, asHtml, asJson } from "./formats.js";
import { Legend } from "./legend.js";
import { Tagging } from "./tagging.js";
import { hide, tipsFor } from "./tip.js";
import { View } from "./view.js";

const DEBOUNCE = 150;
const KEPT = 200_000; // characters that the tab remembers
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
let source = ""; // the text as it came, where the box has it: a box knows no carriage returns
let least = { overall: 0, labels: {} }; // the smallest scores that are shown

const legend = new Legend($("legend"), () => refresh());
const isScored = ({ entity_group: label, score }) =>
  score === null || score >= (least.labels[label] ?? least.overall);
const shown = (entity) => legend.isOn(entity.entity_group) && isScored(entity);

async function start() {
  say("Waiting for the models …");
  info = await ask("/info");
  const names = info.models.map((model) => model.name);
  $("model").replaceChildren(...names.map((name) => new Option(name)));
  $("other").replaceChildren(new Option("nothing", ""), ...names.map((name) => new Option(name)));
  for (const part of document.querySelectorAll(".several")) part.hidden = names.length < 2;
  if (info.annotations) {
    correction = new Correction({ whole, tag: useText, shown, show: () => show([panes[0]]), say, text });
  }
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
  const { threshold, thresholds } = info.models.find(({ name }) => name === models()[0]);
  setThreshold(threshold, thresholds);
  for (const { tagging } of panes) tagging.controller?.abort();
  panes = models().map((name, number) => {
    const differs = (block, entity) => isAlone(number, block, entity);
    const view = new View(name, { shown, colourOf: legend.colourOf, differs });
    tipsFor(view.text, legend.meaningOf);
    view.asTable = $("as-table").ariaPressed === "true";
    const tagging = new Tagging(name, info.limits, (blocks, left) => drawn(number, blocks, left));
    return { tagging, view };
  });
  $("views").replaceChildren(...panes.map(({ view }) => view.root));
  $("views").classList.toggle("two", panes.length > 1);
  document.querySelector("main").classList.toggle("comparing", panes.length > 1);
  correction?.use(panes[0], legend);
}

function drawn(number, blocks, left) {
  show([panes[number]]);
  if (panes.length > 1 && left <= 0) for (const { view } of panes) view.refresh();
  if (left > 0) say(`Reading: ${left} of ${blocks.length} parts are left …`);
  else say(summary());
  if (number === 0 && left <= 0) correction?.arrived();
}

/** Show what has changed: the models' answers, and in place of the first one what is corrected. */
function show(changed) {
  for (const pane of changed) {
    pane.view.show((pane === panes[0] && correction?.blocks) || pane.tagging.blocks);
  }
  legend.count(panes.map(({ view }) => view.blocks), isScored);
}

function summary() {
  const counts = panes.map(({ view }) =>
    view.blocks.reduce((sum, { entities }) => sum + (entities || []).filter(shown).length, 0));
  const words = panes[0].view.blocks.reduce((sum, block) => sum + block.words.length, 0);
  const found = counts.map((n) => `${n} ${n === 1 ? "entity" : "entities"}`).join(" and ");
  return `${found} in ${words.toLocaleString("en")} words`;
}

/** Whether the other model does not find the same entity, or only one that is not shown. */
function isAlone(number, block, entity) {
  return panes.some(({ tagging }, other) => {
    const answer = other !== number && tagging.known.get(block.text);
    return answer && !answer.entities.some((e) =>
      e.start === entity.start && e.end === entity.end &&
      e.entity_group === entity.entity_group && shown(e));
  });
}

/** The text, as it came while nobody has changed it. */
function whole() {
  return source.replace(/\r\n?/g, "\n") === text.value ? source : text.value;
}

function useText(value) {
  source = value;
  text.value = value;
  tagNow();
}

async function tagNow() {
  clearTimeout(timer);
  hide();
  source = whole();
  if (source.length < KEPT) sessionStorage.setItem("posner-text", source);
  correction?.edited(source);
  const tagged = await Promise.allSettled(panes.map(({ tagging }) => tagging.tag(source)));
  const errors = tagged.map(({ reason }) => reason).filter(Boolean);
  if (!errors.length || errors.some(({ name }) => name === "AbortError")) return;
  show(panes); // the text without what was found in an earlier one
  failed(errors[0]);
}

function failed(error) {
  if (!(error instanceof ServiceError)) throw error;
  say(error.message, true);
}

function say(message, wrong = false) {
  $("status").textContent = message;
  $("status").classList.toggle("wrong", wrong);
}

let frame = 0;
function refresh() {
  say(summary());
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    for (const { view } of panes) view.refresh();
    legend.count(panes.map(({ view }) => view.blocks), isScored);
  });
}

async function openFile(file) {
  if (!file || (correction && !correction.mayLeave())) return;
  useText(await file.text());
}

function setThreshold(overall, labels = {}) {
  least = { overall, labels: labels ?? {} };
  const listed = Object.entries(least.labels)
    .filter(([, value]) => value !== overall)
    .map(([label, value]) => `${label} ${value.toFixed(2)}`);
  $("threshold").value = String(overall);
  $("threshold-value").textContent = listed.length ? "by label" : overall.toFixed(2);
  $("threshold-value").title = listed.join(", ");
}

function setTable(on) {
  $("as-text").ariaPressed = String(!on);
  $("as-table").ariaPressed = String(on);
  for (const { view } of panes) view.asTable = on;
}

async function copy(format) {
  const { blocks } = panes[0].view;
  const [name, made] = {
    json: () => ["JSON", asJson(blocks, shown)],
    conll: () => ["CoNLL", asConll(blocks, shown)],
    html: () => ["HTML", asHtml(blocks, shown, legend.colourOf)],
  }[format]();
  const whose = panes.length > 1 ? `, of the first model only: ${models()[0]}` : "";
  if (await copied(made)) say(`Copied as ${name}${whose}.`);
  else say("The browser does not let this page copy.", true);
  $("copy").open = false;
}

text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(tagNow, DEBOUNCE);
});
// A file is taken wherever it is dropped: the browser would leave the page for it.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  text.classList.add("dropping");
});
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) text.classList.remove("dropping"); // it has left the page
});
document.addEventListener("drop", (event) => {
  text.classList.remove("dropping");
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  openFile(file);
});
$("open").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", (event) => openFile(event.target.files[0]));
$("clear").addEventListener("click", () => {
  if (correction && !correction.mayLeave()) return;
  useText("");
  text.focus();
});
$("threshold").addEventListener("input", (event) => {
  setThreshold(Number(event.target.value));
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

document.addEventListener("posner-waiting", ({ detail }) => say(`Waiting: ${detail} …`));

start().catch(failed);
