"use strict";

// Keys of the classes, in their order. The other letters are keys of actions.
const CLASS_KEYS = "123456789abcdefhijklmnopqrtvwyz";
// Milliseconds between two requests for proposals.
const POLL = 1000;
// Pictures that are loaded before they are shown.
const AHEAD = 2;
// Most classes without a label that are named.
const MAX_NAMED = 10;

const at = (id) => document.getElementById(id);
let pictures = [], classes = [], current = 0, settings = {};
let proposals = new Map(), isComputing = true;
// Requests are sent one after the other, so that they arrive in the order of the keys.
let requests = Promise.resolve();

function element(name, text, className = "") {
  const created = document.createElement(name);
  created.textContent = text;
  created.className = className;
  return created;
}

async function json(address, body) {
  const options = body ? { method: "POST", body: JSON.stringify(body) } : {};
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The server has stopped. Start the command again; every label is kept.");
  }
  const value = await response.json();
  if (!response.ok) throw new Error(value.error);
  return value;
}

function say(text, isError = false) {
  at("message").textContent = text;
  at("message").classList.toggle("error", isError);
}

function later(action) {
  requests = requests.then(action).catch(async (error) => {
    await load().catch(() => {});
    say(error.message, true);
  });
  return requests;
}

// Pictures of the domain above the picture, in which `Picture` counts; and those of them that are shown.
const inDomain = (picture) => !at("domain").value || picture.domain === at("domain").value;
function isShown(picture) {
  const wanted = at("show").value;
  return inDomain(picture) && (!wanted || (wanted === "chosen" ? picture.is_chosen : picture.kind === wanted));
}

// Pictures that were chosen to be labelled, if others were not.
function chosen() {
  const found = pictures.filter((picture) => picture.is_chosen);
  return found.length < pictures.length ? found : [];
}

function count(kind, list = pictures) {
  return list.filter((picture) => picture.kind === kind).length;
}

// Index of the next picture (step 1) or the previous one (step -1) that is wanted, if there is any.
function nearest(step, from = current, isWanted = isShown) {
  for (let index = from + step; pictures[index]; index += step) {
    if (isWanted(pictures[index])) return index;
  }
  return undefined;
}

// After a decision: the next picture without one, from the start again after the last; chosen ones first.
function following() {
  const kind = ["", "chosen"].includes(at("show").value) ? "open" : at("show").value;
  const isIn = at("show").value === "chosen" ? isShown : inDomain;
  const isWanted = (picture) => picture !== pictures[current] && isIn(picture) && picture.kind === kind;
  const isFirst = (picture) => isWanted(picture) && picture.is_chosen;
  for (const wanted of [isFirst, isWanted]) {
    const next = nearest(1, current, wanted) ?? nearest(1, -1, wanted);
    if (next !== undefined) return next;
  }
  return undefined;
}

function progress() {
  const wanted = chosen();
  if (!wanted.length) return `${count("labelled")} of ${pictures.length} labelled`;
  const others = count("labelled") - count("labelled", wanted);
  const text = `${count("labelled", wanted)} of ${wanted.length} chosen (${pictures.length} in all)`;
  return others ? `${text}, ${others} other${others === 1 ? "" : "s"}` : text;
}

// What to do after a decision that leaves nothing, or nothing that was chosen.
function advice(next) {
  const wanted = chosen();
  if (!count("open")) return " Press Finish to write the batch.";
  if (wanted.length && !count("open", wanted)) {
    const state = count("labelled", wanted) === wanted.length ? "have a label" : "are decided";
    return ` All chosen pictures ${state}: Finish.`;
  }
  return next === undefined ? " No further picture is left with this choice." : "";
}

function summary() {
  const parts = [progress()];
  for (const kind of ["skipped", "unusable"]) if (count(kind)) parts.push(`${count(kind)} ${kind}`);
  return parts.join(", ");
}

function showPicture() {
  const picture = pictures[current];
  const image = at("picture");
  const address = `pictures/${picture.id}`;
  if (!image.src.endsWith(address)) {
    image.src = address;
    image.hidden = false;
    at("unreadable").hidden = true;
  }
  image.alt = `Picture ${picture.name} of domain ${picture.domain}`;
  at("name").textContent = `${picture.domain} / ${picture.name}`;
  at("tag").textContent = picture.label || (picture.kind === "open" ? "" : picture.kind);
  at("tag").className = `tag ${picture.kind}`;
  const list = pictures.filter(inDomain);
  at("jump").value = list.indexOf(picture) + 1 || "";
  at("jump").max = list.length;
  at("total").textContent = `of ${list.length}`;
  for (const ahead of pictures.slice(current + 1, current + 1 + AHEAD)) new Image().src = `pictures/${ahead.id}`;
}

function showProposal() {
  const found = proposals.get(pictures[current].id);
  const isKnown = Boolean(found) && classes.includes(found.label);
  at("proposal").hidden = !isKnown;
  at("waiting").hidden = isKnown || !isComputing || pictures[current].kind === "unusable";
  if (isKnown) {
    at("proposed").textContent = found.label;
    at("confidence").textContent = `confidence ${found.confidence.toFixed(2)}`;
  }
  for (const button of at("classes").children) {
    button.classList.toggle("proposed", isKnown && button.dataset.label === found.label);
    button.setAttribute("aria-pressed", button.dataset.label === pictures[current].label);
  }
}

function show() {
  at("counts").textContent = summary();
  at("progress").max = pictures.length;
  at("progress").value = pictures.length - count("open");
  at("previous").disabled = nearest(-1) === undefined;
  at("next").disabled = nearest(1) === undefined;
  showPicture();
  showProposal();
}

function goTo(index) {
  if (index === undefined) return;
  current = index;
  show();
}

function matches() {
  const wanted = at("search").value.trim().toLowerCase();
  const starts = classes.filter((name) => name.toLowerCase().startsWith(wanted));
  const holds = classes.filter((name) => !starts.includes(name) && name.toLowerCase().includes(wanted));
  return [...starts, ...holds];
}

function filterClasses() {
  const typed = at("search").value.trim();
  const found = matches();
  for (const button of at("classes").children) button.hidden = !found.includes(button.dataset.label);
  at("add").hidden = !typed || classes.includes(typed);
  at("add").textContent = `Add class “${typed}”`;
}

function showClasses() {
  const buttons = classes.map((name, index) => {
    const button = element("button", "");
    button.type = "button";
    button.dataset.label = name;
    const key = CLASS_KEYS[index];
    if (key) {
      button.append(element("kbd", key));
      button.setAttribute("aria-keyshortcuts", key);
    }
    button.append(element("span", name));
    button.addEventListener("click", () => decide("labelled", name));
    return button;
  });
  at("classes").replaceChildren(...buttons);
  filterClasses();
}

function decide(kind, label = "") {
  const picture = pictures[current];
  Object.assign(picture, { kind, label });
  later(() => json("decisions", { id: picture.id, kind, label }));
  clearSearch();
  const next = following();
  say(`${label || kind}. ${progress()}.${advice(next)}`);
  if (next === undefined) show();
  else goTo(next);
}

function undo() {
  later(async () => {
    const { id, kind, label } = await json("undo", {});
    if (!id) return say("There is nothing to undo.");
    const index = pictures.findIndex((picture) => picture.id === id);
    Object.assign(pictures[index], { kind, label });
    goTo(index);
    say(`Undone. ${progress()}.`);
  });
}

function addClass() {
  const picture = pictures[current];
  later(async () => {
    const { name, classes: all } = await json("classes", { name: at("search").value });
    classes = all;
    showClasses();
    if (picture === pictures[current]) decide("labelled", name);
  });
}

function accept() {
  const found = proposals.get(pictures[current].id);
  if (found && classes.includes(found.label)) decide("labelled", found.label);
}

function clearSearch() {
  at("search").value = "";
  if (document.activeElement === at("search")) at("search").blur();
  filterClasses();
}

async function showReason() {
  const picture = pictures[current];
  try {
    await json(`pictures/${picture.id}`);
  } catch (error) {
    if (picture !== pictures[current]) return;
    at("picture").hidden = true;
    at("unreadable").hidden = false;
    at("unreadable").textContent = `This picture cannot be shown: ${error.message}`;
    if (picture.kind === "open") picture.kind = "unusable";
    show();
  }
}

async function load() {
  settings = await json("state");
  const id = pictures[current]?.id;
  ({ pictures, classes } = settings);
  const domains = [...new Set(pictures.map((picture) => picture.domain))];
  if (at("domain").options.length === 1) at("domain").append(...domains.map((name) => new Option(name, name)));
  at("domain").parentElement.hidden = domains.length === 1;
  at("chosen").hidden = !chosen().length;
  current = pictures.findIndex((picture) => (id ? picture.id === id : picture.kind === "open"));
  if (current < 0) current = 0;
  showClasses();
  show();
}

async function poll() {
  const answer = await json(`proposals?after=${proposals.size}`);
  for (const one of answer.proposals) proposals.set(one.picture, one);
  for (const one of answer.unreadable) {
    const picture = pictures.find((other) => other.id === one);
    if (picture?.kind === "open") picture.kind = "unusable";
  }
  isComputing = answer.is_running;
  showProposal();
  if (answer.has_failed) say("There are no further proposals: their process has ended.", true);
  if (isComputing) setTimeout(() => poll().catch(() => {}), POLL);
}

// Classes that no picture has, as a text; "" if there are none.
function missing() {
  const given = new Set(pictures.map((picture) => picture.label));
  const names = classes.filter((name) => !given.has(name));
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  return names.length ? `No label yet: ${names.slice(0, MAX_NAMED).join(", ")}${more}` : "";
}

function askToFinish() {
  const rest = settings.only_labelled ? "left out" : "in the batch without a label";
  const rows = [
    [count("labelled"), "labelled"],
    [count("skipped"), `skipped: ${rest}`],
    [count("open"), `without a decision: ${rest}`],
    [count("unusable"), "unusable: left out"],
  ].filter(([number]) => number);
  at("summary").replaceChildren(
    ...rows.flatMap(([number, text]) => [element("dt", number), element("dd", text)]),
  );
  at("missing").textContent = missing();
  at("output").textContent = settings.output;
  at("error").textContent = "";
  at("dialog").showModal();
}

async function finish() {
  at("write").disabled = true;
  try {
    await requests;
    const { lines } = await json("finish", {});
    at("dialog").close();
    at("main").hidden = true;
    document.querySelector("header").hidden = true;
    at("lines").textContent = lines.join("\n");
    at("written").hidden = false;
    at("written").focus();
  } catch (error) {
    at("error").textContent = error.message;
  }
  at("write").disabled = false;
}
