"use strict";

const ACTIONS = {
  ArrowLeft: () => goTo(nearest(-1)),
  ArrowRight: () => goTo(nearest(1)),
  Enter: accept,
  u: undo,
  s: () => decide("skipped"),
  x: () => decide("unusable"),
  "/": () => at("search").focus(),
  g: () => at("jump").select(),
};

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (at("dialog").open || at("main").hidden || target.matches("input:not([type=checkbox]), select")) return;
  const isUndo = (event.ctrlKey || event.metaKey) && key === "z";
  if (!isUndo && (event.ctrlKey || event.metaKey || event.altKey || !at("keys").checked)) return;
  if (key === "Enter" && target.matches("button")) return;  // it presses the button
  const name = classes[CLASS_KEYS.indexOf(key)];
  const action = isUndo ? undo : ACTIONS[key] ?? (name && (() => decide("labelled", name)));
  if (!action || event.repeat && !key.startsWith("Arrow")) return;
  event.preventDefault();
  action();
});

at("search").addEventListener("input", filterClasses);
at("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") clearSearch();
  if (event.key !== "Enter" || !at("search").value.trim()) return;
  event.preventDefault();
  const typed = at("search").value.trim();
  const [first] = classes.includes(typed) ? [typed] : matches();
  if (first) decide("labelled", first);
  else at("add").focus();
});
at("jump").addEventListener("change", () => {
  const picture = pictures.filter(inDomain)[at("jump").value - 1];
  goTo(picture ? pictures.indexOf(picture) : current);
  at("jump").blur();
});
for (const filter of ["domain", "show"]) {
  at(filter).addEventListener("change", () => {
    const next = isShown(pictures[current]) ? current : nearest(1) ?? nearest(-1);
    goTo(next ?? current);
    say(next === undefined ? "No picture is shown with this choice." : "");
    at(filter).blur();
  });
}
const BUTTONS = {
  previous: ACTIONS.ArrowLeft, next: ACTIONS.ArrowRight, undo, skip: ACTIONS.s, unusable: ACTIONS.x,
  proposal: accept, add: addClass, finish: askToFinish, cancel: () => at("dialog").close(), write: finish,
};
for (const [id, action] of Object.entries(BUTTONS)) at(id).addEventListener("click", action);
// After a click with the mouse, Enter is the key of the proposal again, not of that button.
document.addEventListener("click", (event) => event.detail && document.activeElement.matches("button") && document.activeElement.blur());
at("picture").addEventListener("error", showReason);
load().then(poll).catch((error) => say(error.message, true));
