"use strict";

// What all parts of the page use.
const model = encodeURIComponent(document.body.dataset.model);
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function byId(id) {
  return document.getElementById(id);
}

// Texts are never interpreted as HTML.
function element(name, text = "", className = "") {
  const created = document.createElement(name);
  created.textContent = text;
  if (className) created.className = className;
  return created;
}

function group(name, className, ...children) {
  const created = element(name, "", className);
  created.append(...children);
  return created;
}

function svg(name, attributes, ...children) {
  const created = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.append(...children);
  return created;
}

async function json(address, options) {
  const response = await fetch(address, options).catch(() => {
    throw new Error("The server cannot be reached. What is shown may be old.");
  });
  const value = await response.json();
  if (!response.ok) throw new Error(value.error);
  return value;
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
}

function ago(moment) {
  const seconds = (Date.now() - moment) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ["minute", 60];
  return seconds < 60 ? "just now" : RELATIVE.format(-Math.floor(seconds / length), unit);
}

function time(iso, isShort = false) {
  const moment = new Date(iso);
  if (!iso || Number.isNaN(moment.getTime())) return element("span", "an unknown time");
  const created = element("time", isShort ? ago(moment) : `${MOMENT.format(moment)} (${ago(moment)})`);
  created.dateTime = iso;
  created.title = MOMENT.format(moment);
  return created;
}
