// The serving version, its accuracy, and the batches with their outcomes.
const REFRESH_SECONDS = 30;
const GOOD = ["pushed", "good_enough", "labels_used"];
const BAD = ["rejected", "failed"];
const OPEN = ["taken", "waiting", "held", "awaiting_labels", "rolled back"];
const RUN_OUTCOMES = {
  pushed: "pushed", not_blessed: "rejected", awaiting_labels: "awaiting labels", failed: "failed",
};

function tile(heading, value, ...note) {
  return [element("dt", heading), element("dd", value, "value"), group("dd", "quiet", ...note)];
}

function fillTile(id, parts) {
  byId(id).replaceChildren(...parts);
}

function tone(state) {
  if (GOOD.includes(state)) return "good";
  return BAD.includes(state) ? "bad" : OPEN.includes(state) ? "doubtful" : "";
}

function words(state) {
  return state.replaceAll("_", " ");
}

function reportLink(run, text) {
  const link = element("a", text);
  link.href = `/reports/${encodeURIComponent(run)}`;
  return link;
}

function servingTile({ version, shadow }) {
  if (!version) return tile("Serving", "-", "No version is loaded yet.");
  const rollback = version.after_rollback ? `, after the rollback of version ${version.after_rollback}` : "";
  const wasInShadow = shadow?.outcome === "promoted" && shadow.version === version.number;
  const why = rollback || (wasInShadow ? ", after its time in shadow" : "");
  const accepted = version.accepted ? `, accepted: ${version.accepted}` : "";
  return tile("Serving", `Version ${version.number}`, "since ", time(version.since), why, accepted);
}

function lowestTile(domains, version) {
  const [lowest] = domains;
  if (!lowest) return tile("Lowest accuracy", "-", "No domain was tested.");
  const note = [`in ${lowest.name}`];
  if (lowest.is_new) note.push(", a new domain");
  if (lowest.change !== null) note.push(`, ${signed(lowest.change)} against version ${version.baseline}`);
  return tile("Lowest accuracy", lowest.accuracy.toFixed(3), ...note);
}

function batchTile(batches) {
  const [newest] = batches;
  if (!newest) return tile("Newest batch", "none", "No batch has arrived yet.");
  const state = newest.rollback ? "rolled back" : newest.state;
  return tile("Newest batch", words(state), `${newest.name}, `, time(newest.time));
}

// The interval of an accuracy on a scale from 0 to 1, with a dot at the accuracy.
function interval(domain) {
  const at = (value) => (4 + 232 * value).toFixed(1);
  const line = (low, high, className) =>
    svg("line", { x1: at(low), x2: at(high), y1: 6, y2: 6, class: className });
  const parts = [line(0, 1, "scale")];
  if (domain.low !== null && domain.high !== null) parts.push(line(domain.low, domain.high, "range"));
  parts.push(svg("circle", { cx: at(domain.accuracy), cy: 6, r: 4 }));
  return svg("svg", { viewBox: "0 0 240 12", class: "interval", "aria-hidden": "true" }, ...parts);
}

function accuracyCell(domain) {
  const cell = group("td", "number", element("b", domain.accuracy.toFixed(3)));
  if (domain.low !== null && domain.high !== null) {
    cell.append(element("small", `${domain.low.toFixed(3)} to ${domain.high.toFixed(3)}`));
  }
  return cell;
}

function changeCell(domain) {
  const tag = domain.is_new ? [element("span", "new", "tag"), " "] : [];
  if (domain.change === null) return group("td", "number", ...tag, domain.is_new ? "" : "-");
  const isKnown = domain.change_low !== null && domain.change_high !== null;
  const isGain = isKnown && domain.change_low > 0;
  const isLoss = isKnown && domain.change_high < 0;
  const value = element("b", signed(domain.change), isGain ? "good" : isLoss ? "bad" : "");
  const cell = group("td", "number", ...tag, value);
  if (isKnown) cell.append(element("small", `${signed(domain.change_low)} to ${signed(domain.change_high)}`));
  return cell;
}

function testedText(domain) {
  const { test_images: tested, cross_fitted_images: crossFitted } = domain;
  if (!crossFitted) return counted(tested, "test picture");
  const text = `${counted(crossFitted, "picture")} cross-fitted`;
  return tested > crossFitted ? `${counted(tested - crossFitted, "test picture")}, ${text}` : text;
}

function domainTable(domains, version) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  const change = version.baseline ? `Against version ${version.baseline}` : "Change";
  for (const text of ["Domain", "Accuracy", change]) {
    const cell = element("th", text, text === "Domain" ? "" : "number");
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const domain of domains) {
    const name = group("th", "", element("span", domain.name, "name"), interval(domain));
    name.scope = "row";
    if (domain.test_images !== null) name.append(element("small", testedText(domain)));
    const row = body.insertRow();
    row.append(name, accuracyCell(domain), changeCell(domain));
  }
  return table;
}

// A cross-fitted picture is in no test split: a model that was trained without it predicts it.
function accuracyNote(domains) {
  if (!domains.some((domain) => domain.low !== null)) {
    return "From the records of the versions. The summary of the run, with the intervals and with which pictures were tested, is not here.";
  }
  const names = domains.filter((domain) => domain.cross_fitted_images).map((domain) => domain.name);
  const where = names.length === domains.length
    ? "Cross-fitted in every domain: models predict pictures that they were trained without."
    : names.length
      ? `On the test split; cross-fitted in ${names.join(", ")}, where models predict pictures that they were trained without.`
      : "On the test split.";
  return `${where} With confidence intervals. A change is coloured where its interval leaves zero out.`;
}

function showAccuracy({ domains, version }) {
  byId("accuracy").hidden = !domains.length;
  if (!domains.length) return;
  byId("accuracy-note").textContent = accuracyNote(domains);
  byId("domains").replaceChildren(domainTable(domains, version));
}

function batchRow(batch) {
  const state = batch.rollback ? "rolled back" : batch.state;
  const version = state === "pushed" && batch.version ? ` as version ${batch.version}` : "";
  const row = group(
    "li", "",
    element("span", words(state) + version, `tag ${tone(state)}`),
    element("span", batch.name, "name"),
    group("span", "quiet", time(batch.time)),
  );
  const open = batch.state === "taken" ? "Being trained on, or waiting for the next pass." : "";
  const replaced = batch.replaced_by ? `Replaced by batch ${batch.replaced_by}.` : "";
  const reason = [open, batch.reason, batch.rollback, replaced].filter(Boolean).join("; ");
  if (reason) row.append(element("p", reason));
  if (batch.run) row.append(reportLink(batch.run, `Report of its run ${batch.run}`));
  return row;
}

function showBatches({ batches, num_batches: total, has_workspace: hasWorkspace }) {
  byId("deliveries").hidden = !hasWorkspace;
  byId("batches").replaceChildren(...batches.map(batchRow));
  const all = total > batches.length ? `The newest ${batches.length} of ${total.toLocaleString("en")}. ` : "";
  byId("batches-note").textContent = total
    ? `${all}carryover history lists every batch, and what you can do about it.`
    : "No batch has arrived yet. carryover retrain takes them from an inbox.";
}

function showRun(run) {
  const line = byId("run");
  line.replaceChildren();
  if (!run) return;
  const link = run.has_report ? reportLink(run.id, "Report of the newest run") : "Newest run, without a report";
  line.append(link, ` · ${run.id}, `, element("span", RUN_OUTCOMES[run.status], tone(run.status)));
}

async function loadErrors() {
  const { model_version_status: states } = await json(`/v1/models/${model}`);
  return states
    .filter((state) => state.status.error_message)
    .map((state) => `Version ${state.version} cannot be loaded: ${state.status.error_message}`);
}

function showNotices(texts) {
  const notices = byId("notices");
  // Screen readers repeat what is replaced.
  if (notices.dataset.texts === texts.join("\n")) return;
  notices.dataset.texts = texts.join("\n");
  notices.replaceChildren(...texts.map((text) => element("p", text)));
}

async function refreshOverview() {
  let errors = [];
  try {
    errors = await loadErrors().catch(() => []);  // without it, the overview still tells much
    const overview = await json("/overview");
    fillTile("serving", servingTile(overview));
    fillTile("lowest", lowestTile(overview.domains, overview.version));
    fillTile("newest", batchTile(overview.batches));
    showAccuracy(overview);
    showShadow(overview.shadow);
    showMonitor(overview);
    showBatches(overview);
    showRun(overview.run);
    showNotices([...errors, ...overview.problems, ...monitorNotices(overview.monitor)]);
    byId("read").textContent = `Read ${MOMENT.format(new Date())}.`;
  } catch (error) {
    showNotices([...errors, error.message]);
  }
}

function refreshWhileVisible(refresh, seconds) {
  refresh();
  setInterval(() => document.hidden || refresh(), seconds * 1000);
}

refreshWhileVisible(refreshOverview, REFRESH_SECONDS);
