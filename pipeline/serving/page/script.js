"use strict";

const TOP = 5;
const model = encodeURIComponent(document.body.dataset.model);
const [drop, file, message, result, picture, answer] =
  ["drop", "file", "message", "result", "picture", "answer"].map((id) => document.getElementById(id));
let asked = 0;

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

async function json(address, options) {
  const response = await fetch(address, options);
  const value = await response.json();
  if (!response.ok) throw new Error(value.error);
  return value;
}

function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

async function ask(version, b64) {
  const body = JSON.stringify({ instances: [{ b64 }] });
  const address = `/v1/models/${model}/versions/${version.version}:predict`;
  const [found] = (await json(address, { method: "POST", body })).predictions;
  const named = found.probabilities.map((value, id) => [version.labels?.[id] ?? `class ${id}`, value]);
  return { version: version.version, ...found, named: new Map(named) };
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
}

function change(now, before) {
  const what = before.label === now.label ? "says the same" : `says ${before.label}`;
  return `Version ${before.version} ${what}, with confidence ${before.confidence.toFixed(3)}.`;
}

function table(answers) {
  const [now, before] = answers;
  const made = document.createElement("table");
  const heading = made.createTHead().insertRow();
  const columns = ["class", ...answers.map((one) => `version ${one.version}`)];
  for (const text of before ? [...columns, "change"] : columns) {
    const cell = element("th", text);
    cell.scope = "col";
    heading.append(cell);
  }
  const body = made.createTBody();
  const best = [...now.named].sort((one, other) => other[1] - one[1]).slice(0, TOP);
  for (const [label, value] of best) {
    const row = body.insertRow();
    const cell = element("td", label);
    const bar = document.createElement("meter");
    bar.value = value;
    bar.ariaLabel = `Probability of ${label}`;
    cell.append(bar);
    row.append(cell, ...answers.map((one) => element("td", one.named.get(label)?.toFixed(3) ?? "-")));
    const then = before?.named.get(label);
    if (before) row.append(element("td", then === undefined ? "new" : signed(value - then)));
  }
  return made;
}

function show(answers) {
  const [now, ...others] = answers;
  answer.replaceChildren(
    element("p", now.label, "label"),
    element("p", `Version ${now.version}, confidence ${now.confidence.toFixed(3)}.`, "change"),
    ...others.map((one) => element("p", change(now, one), "change")),
    table(answers),
  );
}

async function classify(blob) {
  const mine = ++asked;
  message.textContent = "Asking…";
  result.hidden = true;
  try {
    const [b64, versions] = await Promise.all([base64(blob), json("/versions")]);
    if (!versions.length) throw new Error("No version is loaded yet.");
    const answers = await Promise.all(versions.map((version) => ask(version, b64)));
    if (mine !== asked) return;
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    show(answers);
    result.hidden = false;
    message.textContent = "";
  } catch (error) {
    if (mine === asked) message.textContent = error.message;
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
