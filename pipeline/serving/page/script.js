"use strict";

// Rows of the table: the most probable classes.
const TOP = 5;
const model = encodeURIComponent(document.body.dataset.model);
const [drop, file, message, result, picture, prediction] =
  ["drop", "file", "message", "result", "picture", "prediction"].map((id) => document.getElementById(id));
let requests = 0;

function element(name, text, className) {
  const created = document.createElement(name);
  created.textContent = text;
  if (className) created.className = className;
  return created;
}

async function json(address, options) {
  const response = await fetch(address, options);
  const value = await response.json();
  if (!response.ok) throw new Error(value.error);
  return value;
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

async function predict(version, b64) {
  const body = JSON.stringify({ instances: [{ b64 }] });
  const address = `/v1/models/${model}/versions/${version.version}:predict`;
  const [output] = (await json(address, { method: "POST", body })).predictions;
  const named = output.probabilities.map((value, id) => [version.labels?.[id] ?? `class ${id}`, value]);
  return { version: version.version, ...output, named: new Map(named) };
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
}

function comparison(newest, earlier) {
  const what = earlier.label === newest.label ? "predicts the same class" : `predicts ${earlier.label}`;
  return `Version ${earlier.version} ${what}, with confidence ${earlier.confidence.toFixed(3)}. ${check(earlier)}`;
}

// Versions that were exported without novelty and acceptance have neither.
function check(one) {
  if (one.novelty === undefined) return "Novelty not known.";
  return `Novelty ${one.novelty.toFixed(3)} (0.5 is usual), ${one.accepted ? "accepted" : "not accepted"}.`;
}

function table(predictions) {
  const [newest, earlier] = predictions;
  const created = document.createElement("table");
  const heading = created.createTHead().insertRow();
  const columns = ["class", ...predictions.map((one) => `version ${one.version}`)];
  for (const text of earlier ? [...columns, "change"] : columns) {
    const cell = element("th", text);
    cell.scope = "col";
    heading.append(cell);
  }
  const body = created.createTBody();
  const top = [...newest.named].sort((one, other) => other[1] - one[1]).slice(0, TOP);
  for (const [label, value] of top) {
    const row = body.insertRow();
    const cell = element("td", label);
    const bar = document.createElement("meter");
    bar.value = value;
    bar.ariaLabel = `Probability of ${label}`;
    cell.append(bar);
    row.append(cell, ...predictions.map((one) => element("td", one.named.get(label)?.toFixed(3) ?? "-")));
    const earlierValue = earlier?.named.get(label);
    if (earlier) {
      row.append(element("td", earlierValue === undefined ? "new" : signed(value - earlierValue)));
    }
  }
  return created;
}

function show(predictions) {
  const [newest, ...others] = predictions;
  prediction.replaceChildren(
    element("p", newest.label, "label"),
    element("p", `Version ${newest.version}, confidence ${newest.confidence.toFixed(3)}. ${check(newest)}`, "note"),
    ...others.map((one) => element("p", comparison(newest, one), "note")),
    table(predictions),
  );
}

async function classify(blob) {
  const number = ++requests;
  message.textContent = "Classifying…";
  result.hidden = true;
  try {
    const [b64, versions] = await Promise.all([base64(blob), json("/versions")]);
    if (!versions.length) throw new Error("No version is loaded yet.");
    const predictions = await Promise.all(versions.map((version) => predict(version, b64)));
    if (number !== requests) return;  // a newer picture was dropped
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    show(predictions);
    result.hidden = false;
    message.textContent = "";
  } catch (error) {
    if (number === requests) message.textContent = error.message;
  }
}

file.addEventListener("change", () => file.files.length && classify(file.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) classify(event.dataTransfer.files[0]);
  });
}
