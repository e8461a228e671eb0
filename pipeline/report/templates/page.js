"use strict";

// Tables: a click on a heading sorts by its column, a second click reverses the order.
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", order);
    const compare = heading.classList.contains("number") ? compareNumbers : compareTexts;
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows];
    rows.sort((one, other) => sign * compare(text(one, column), text(other, column)));
    table.tBodies[0].append(...rows);
  });
}

function text(row, column) {
  return row.cells[column].textContent.trim();
}

function compareTexts(one, other) {
  return one.localeCompare(other, undefined, { numeric: true });
}

// Cells without a number, such as missing values, count as larger than every number.
function compareNumbers(one, other) {
  const [first, second] = [one, other].map(
    (value) => parseFloat(value.replace(/,/g, "").replace("\u2212", "-")));
  if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) - Number.isNaN(second);
  return first - second;
}

// Gallery: filter and sort the pictures.
const controls = document.getElementById("gallery-controls");
if (controls) {
  const gallery = document.getElementById("gallery");
  const count = document.getElementById("gallery-count");
  const pictures = [...gallery.children];
  const update = () => {
    const filters = ["domain", "label", "predicted"];
    const matches = (one) =>
      filters.every((name) => !controls.elements[name].value || one.dataset[name] === controls.elements[name].value);
    for (const one of pictures) one.hidden = !matches(one);
    const key = controls.elements.sort.value;
    const byConfidence = (one, other) => other.dataset.confidence - one.dataset.confidence;
    pictures.sort((one, other) =>
      (key === "confidence" ? 0 : one.dataset[key].localeCompare(other.dataset[key])) || byConfidence(one, other));
    gallery.append(...pictures);
    const shown = pictures.filter((one) => !one.hidden).length;
    count.textContent = shown === pictures.length ? `${shown} pictures` : `${shown} of ${pictures.length} pictures`;
  };
  controls.addEventListener("change", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  update();
}

// Open all details before printing.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
