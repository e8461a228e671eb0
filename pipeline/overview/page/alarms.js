// What `carryover monitor` has found in the pictures that arrive, and the commands that come next.
function percent(share) {
  return share === null ? "an unknown share" : `${Math.round(100 * share)} %`;
}

function alarmText(alarm) {
  const known = alarm.known_share === null ? "" : ` (of known ones at most ${percent(alarm.known_share)} would be; novelty takes each picture alone)`;
  const distance = alarm.distance === null ? "" : ` (${alarm.distance.toFixed(2)})`;
  const parts = [
    `: ${percent(alarm.share)} of ${alarm.pictures === null ? "the pictures" : counted(alarm.pictures, "picture")}, taken together, are unlike every known domain${known}.`,
  ];
  if (alarm.nearest) parts.push(` The nearest known domain is ${alarm.nearest}${distance}.`);
  if (alarm.look.length) parts.push(` Compared with all known ones they are ${alarm.look.join(", ")}.`);
  if (alarm.estimated_accuracy !== null) {
    const usual = alarm.usual_accuracy === null ? "" : `, usually ${alarm.usual_accuracy.toFixed(2)}`;
    parts.push(` Estimated accuracy ${alarm.estimated_accuracy.toFixed(2)}${usual}.`);
  }
  if (alarm.estimate_note) parts.push(` Accuracy estimated from the confidences: ${alarm.estimate_note}.`);
  return group("p", "", "Since ", time(alarm.since), parts.join(""));
}

function deliveryText(alarm) {
  if (!alarm.delivered) return element("p", "These pictures were not delivered to an inbox.");
  const gone = alarm.is_delivery_gone ? ". It is no longer there." : "";
  return group("p", "", "Delivered ", time(alarm.delivered_at), " to ", element("code", alarm.delivered), gone);
}

function alarmItem(alarm) {
  const steps = alarm.steps.map((step) => group("li", "", step.text, " ", element("code", step.command, "command")));
  return group(
    "article", "",
    element("h3", alarm.domain ? `Domain ${alarm.domain}` : "Clients that name no domain"),
    alarmText(alarm), deliveryText(alarm), ...(steps.length ? [group("ol", "steps", ...steps)] : []),
  );
}

function settledText(settled) {
  const name = settled.domain ? `of domain ${settled.domain}` : "of clients that name no domain";
  return [` The alarm ${name} was settled `, time(settled.time), ` by ${settled.batch}, good enough: ${settled.reason}.`];
}

function monitorNote(monitor, version) {
  const look = [" Compare what arrives with what the model knows: ", element("code", monitor.command, "command")];
  if (monitor.problem) return [];
  if (!monitor.time) return ["carryover monitor has not looked at this traffic yet.", ...look];
  if (!monitor.is_of_serving_version) {
    return version ? [`carryover monitor has not looked at the traffic of version ${version.number} yet.`, ...look] : [];
  }
  const usual = monitor.alarms.length ? [] : ["carryover monitor found nothing unusual ", time(monitor.time), "."];
  return [...usual, ...monitor.settled.flatMap(settledText)];
}

// What is read again and again is written anew only where it differs: who copies a command keeps the selection.
function showMonitor({ monitor, version }) {
  const section = byId("alarms");
  section.hidden = !monitor?.alarms.length;
  byId("monitor-note").replaceChildren(...(monitor ? monitorNote(monitor, version) : []));
  if (section.hidden) return;
  byId("alarms-note").replaceChildren("carryover monitor looked ", time(monitor.time), ".");
  const content = JSON.stringify(monitor.alarms);
  if (section.dataset.content === content) return;
  section.dataset.content = content;
  byId("alarms-list").replaceChildren(...monitor.alarms.map(alarmItem));
}

function monitorNotices(monitor) {
  if (!monitor) return [];
  const faults = monitor.faults.map((fault) => `carryover monitor could not deliver unusual pictures: ${fault}`);
  return [...(monitor.problem ? [monitor.problem] : []), ...faults];
}
