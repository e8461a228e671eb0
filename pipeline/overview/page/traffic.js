// What arrives: plots, numbers per domain, and the most unusual pictures.
const TRAFFIC_SECONDS = 60, UNREAD_SECONDS = 6;
const LENGTHS = { 60: "a minute", 300: "5 minutes", 900: "15 minutes", 3600: "an hour", 14400: "4 hours", 86400: "a day" };

function domainName(domain) {
  return domain.name || "domain not named";
}

function shown(value) {
  return value === null ? "-" : value.toFixed(3);
}

function novelties(traffic) {
  return traffic.domains.map((domain) => `${domainName(domain)}: ${shown(domain.novelty)}`).join(", ");
}

function figure(title, plot) {
  return group("figure", "", element("figcaption", title), plot);
}

function key(domain) {
  const line = svg("path", { d: "M2 8 H30", class: `line ${series(domain)}`, "stroke-dasharray": DASHES[domain.series] });
  return svg("svg", { viewBox: "0 0 32 16", class: "key", "aria-hidden": "true" }, line);
}

function trafficTable(traffic) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const text of ["Domain of the client", "Pictures", "Median novelty", "Accepted"]) {
    const cell = element("th", text, head.cells.length ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  traffic.domains.forEach((domain) => {
    const name = group("th", "", key(domain), element("span", domainName(domain), "name"));
    name.scope = "row";
    const accepted = domain.accepted === null ? "-" : `${(100 * domain.accepted).toFixed(1)} %`;
    const values = [domain.pictures.toLocaleString("en"), shown(domain.novelty), accepted];
    body.insertRow().append(name, ...values.map((value) => element("td", value, "number")));
  });
  return table;
}

function unusualItem(picture) {
  const image = picture.thumbnail ? element("img") : element("span", "no preview", "blank");
  if (picture.thumbnail) {
    image.src = picture.thumbnail;
    image.alt = "";
  }
  const accepted = picture.accepted ? "accepted" : "not accepted";
  return group(
    "li", "", image,
    element("b", picture.label),
    element("span", `novelty ${picture.novelty.toFixed(3)}`),
    element("span", picture.accepted === null ? "" : accepted, picture.accepted ? "quiet" : "doubtful"),
    group("span", "quiet", `${domainName({ name: picture.domain })}, `, time(picture.time, true)),
  );
}

function showUnusual(pictures) {
  const part = byId("unusual");
  if (!pictures.length) {
    part.replaceChildren(element("p", "No picture has a novelty of 0.95 or more.", "quiet"));
    return;
  }
  const list = group("ul", "gallery", ...pictures.map(unusualItem));
  part.replaceChildren(element("h3", "The most unusual pictures"), list);
}

function trafficTile({ pictures, last_day: day }) {
  if (!pictures) return tile("Kept in 24 hours", "-", "No picture is kept.");
  const novelty = day.novelty === null ? "novelty not known" : `pictures, median novelty ${day.novelty.toFixed(2)} (0.5 is usual)`;
  return tile("Kept in 24 hours", day.pictures.toLocaleString("en"), day.pictures ? novelty : "No picture was kept.");
}

// Novelties of two versions cannot be compared: what others predicted is only counted.
function trafficNote(traffic) {
  const { pictures, version } = traffic;
  const others = traffic.other_pictures ? ` ${counted(traffic.other_pictures, "picture")} of the week, which other versions classified, ${traffic.other_pictures === 1 ? "is" : "are"} left out.` : "";
  const unread = traffic.is_complete ? "" : ", and more that are being read";
  const name = version ? ` of version ${version}` : "";
  if (!pictures) return `No picture${name} was kept within a week${unread}.${others}`;
  return `${counted(pictures, "picture")}${name} that the server kept within a week${unread}.${others} Every point and every bar stands for ${LENGTHS[traffic.bucket_seconds]}.`;
}

function showTraffic(traffic) {
  byId("traffic").hidden = false;
  const note = byId("traffic-note");
  if (traffic.problem) note.textContent = traffic.problem;
  else if (!traffic.is_kept) note.textContent = "No picture is kept. Start the server with --sample-requests 0.1 to keep a tenth of them.";
  else note.textContent = trafficNote(traffic);
  fillTile("arrived", trafficTile(traffic));
  if (!traffic.pictures) {
    byId("plots").replaceChildren();
    byId("unusual").replaceChildren();
    return;
  }
  byId("plots").replaceChildren(
    figure("Median novelty; 0.5 is usual", noveltyPlot(traffic)),
    figure("Pictures", volumePlot(traffic)),
    trafficTable(traffic),
  );
  showUnusual(traffic.unusual);
}

async function refreshTraffic() {
  try {
    const traffic = await json("/traffic");
    showTraffic(traffic);
    if (!traffic.is_complete) setTimeout(refreshTraffic, UNREAD_SECONDS * 1000);
  } catch {
    // The overview says that the server cannot be reached.
  }
}

refreshWhileVisible(refreshTraffic, TRAFFIC_SECONDS);
