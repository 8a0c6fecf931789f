
"use strict";
// Filters the sentences with errors; without scripts all of them are shown.
const form = document.getElementById("filter");
if (form) {
  const items = Array.from(document.querySelectorAll("#sentences > li"), (element) => ({
    element,
    text: element.textContent.toLowerCase(),
    errors: element.dataset.errors.split("\n").map((line) => {
      const [run, kind, ...label] = line.split("|");
      return { run, kind, label: label.join("|") };
    }),
  }));
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().trim();
    let shown = 0;
    for (const item of items) {
      const fits = item.text.includes(words) && item.errors.some((error) =>
        ["run", "kind", "label"].every((key) => !wanted[key] || wanted[key] === error[key]));
      item.element.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent =
      `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")} sentences`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
