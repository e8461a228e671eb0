// The version in shadow: how often it predicts another class than the serving version.
const SHADOW_OUTCOMES = {
  "": "in shadow", promoted: "serves", over_limit: "stays in shadow", failed: "stays in shadow, failed",
  replaced: "replaced", withdrawn: "withdrawn",
};
const SHADOW_TONES = { "": "doubtful", promoted: "good", over_limit: "bad", failed: "bad" };

function shareOf(number, total) {
  return total ? `${number.toLocaleString("en")} (${((100 * number) / total).toFixed(1)} %)` : "-";
}

function shadowRow(one, name) {
  const heading = group("th", "", element("span", name, "name"));
  heading.scope = "row";
  if (one.most_frequent) heading.append(element("small", `most often ${one.most_frequent}`));
  return group(
    "tr", "", heading,
    element("td", one.pictures.toLocaleString("en"), "number"),
    element("td", shareOf(one.disagreements, one.pictures), "number"),
    element("td", shareOf(one.confident_disagreements, one.confident), "number"),
  );
}

function shadowTable(what, rows, unnamed) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const text of [what, "Pictures", "Other class", "Of the confident"]) {
    const cell = element("th", text, text === what ? "" : "number");
    cell.scope = "col";
    head.append(cell);
  }
  table.createTBody().append(...rows.map((one) => shadowRow(one, one.name || unnamed)));
  return table;
}

function shadowNote(shadow) {
  const { counts } = shadow;
  const dropped = shadow.dropped ? ` ${counted(shadow.dropped, "picture")} dropped, so that no request waits.` : "";
  const repeated = shadow.repeated ? ` ${counted(shadow.repeated, "repeated picture")} not counted again.` : "";
  const confident = counts.confident
    ? `contradicts ${shareOf(counts.confident_disagreements, counts.confident)} of the ${counts.confident.toLocaleString("en")} confident predictions`
    : "has met no confident prediction";
  const isShort = !shadow.outcome && counts.confident < shadow.wanted_confident;
  const needed = isShort ? ` A decision needs ${shadow.wanted_confident.toLocaleString("en")} confident predictions.` : "";
  return [
    `${counts.pictures.toLocaleString("en")} of ${counted(shadow.wanted, "picture")} since `, time(shadow.since),
    `. It ${confident} of version ${shadow.serving}; the limit is ${(100 * shadow.limit).toFixed(1)} %.${needed}${dropped}${repeated}`,
  ];
}

function showShadow(shadow) {
  byId("shadow").hidden = !shadow;
  if (!shadow) return;
  const tag = element("span", SHADOW_OUTCOMES[shadow.outcome], `tag ${SHADOW_TONES[shadow.outcome] ?? ""}`);
  byId("shadow-state").replaceChildren(`Version ${shadow.version} beside version ${shadow.serving} `, tag);
  byId("shadow-note").replaceChildren(...shadowNote(shadow));
  byId("shadow-reason").textContent = shadow.reason ? `Outcome: ${shadow.reason}.` : "";
  byId("shadow-tables").replaceChildren(
    ...(shadow.classes.length ? [shadowTable(`Class of version ${shadow.serving}`, shadow.classes, "")] : []),
    ...(shadow.domains.length ? [shadowTable("Domain of the client", shadow.domains, "not known")] : []),
  );
}
