// Plots of what arrives: lines of novelty above bars of volume, on one axis of time.
const PLOT = { width: 760, left: 62, right: 8, top: 30, bottom: 34 };
const DASHES = ["", "7 4", "2 4", "9 3 2 3", "1 3", "4 4"];
const AXIS_TIME = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const AXIS_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

// The server chooses the number: a domain keeps its colour, whatever the others do.
function series(domain) {
  return `series-${domain.series + 1}`;
}

function axisLabel(x, y, anchor, text) {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

// The scales of a plot: from numbers of buckets and from values to pixels.
function scales(traffic, height, most) {
  const inner = PLOT.width - PLOT.left - PLOT.right;
  const step = inner / traffic.starts.length;
  return {
    step,
    x: (bucket) => PLOT.left + bucket * step,
    y: (value) => PLOT.top + (height - PLOT.top - PLOT.bottom) * (1 - value / most),
  };
}

function grid(traffic, height, ticks, scale, write) {
  const parts = [];
  for (const tick of ticks) {
    const y = scale.y(tick).toFixed(1);
    parts.push(svg("line", { x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: y, y2: y, class: "grid" }));
    parts.push(axisLabel(PLOT.left - 8, Number(y) + 5, "end", write(tick)));
  }
  const last = traffic.starts.length - 1;
  const format = traffic.bucket_seconds >= 86400 ? AXIS_DAY : AXIS_TIME;
  const shown = [...new Set([0, Math.round(last / 2), last])];
  const anchors = [["middle"], ["start", "end"], ["start", "middle", "end"]][shown.length - 1];
  shown.forEach((bucket, position) => {
    const anchor = anchors[position];
    const x = anchor === "start" ? PLOT.left : anchor === "end" ? PLOT.width - PLOT.right : scale.x(bucket + .5);
    parts.push(axisLabel(x, height - 8, anchor, format.format(new Date(traffic.starts[bucket] * 1000))));
  });
  return parts;
}

// A line at the time from which on the version serves, unless that was before the plot begins.
function changeMark(traffic, height, scale) {
  const [start] = traffic.starts;
  const bucket = (Date.parse(traffic.since) / 1000 - start) / traffic.bucket_seconds;
  if (!(bucket > -1 && bucket <= traffic.starts.length)) return [];
  const x = scale.x(Math.max(bucket, 0)).toFixed(1);
  const isRight = bucket > traffic.starts.length / 2;
  return [
    svg("line", { x1: x, x2: x, y1: PLOT.top, y2: height - PLOT.bottom, class: "change" }),
    axisLabel(Number(x) + (isRight ? -5 : 5), PLOT.top - 6, isRight ? "end" : "start", `version ${traffic.version} serves`),
  ];
}

// A bucket without a picture interrupts the line; one between two such is a dot.
function noveltyLine(domain, scale) {
  const points = domain.novelties.map((value, bucket) =>
    value === null ? null : `${scale.x(bucket + .5).toFixed(1)} ${scale.y(value).toFixed(1)}`);
  let path = "";
  points.forEach((point, bucket) => {
    if (point) path += `${bucket && points[bucket - 1] ? "L" : "M"}${point}`;
  });
  const line = svg("path", { d: path, class: `line ${series(domain)}`, "stroke-dasharray": DASHES[domain.series] });
  const dots = points.filter((point, bucket) => point && !points[bucket - 1] && !points[bucket + 1]).map((point) => {
    const [cx, cy] = point.split(" ");
    return svg("circle", { cx, cy, r: 3, class: `dot ${series(domain)}` });
  });
  return [line, ...dots];
}

function noveltyPlot(traffic) {
  const height = 220, scale = scales(traffic, height, 1);
  const usual = scale.y(.5).toFixed(1);
  const reference = svg("line", { x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: usual, y2: usual, class: "usual" });
  return svg(
    "svg", { viewBox: `0 0 ${PLOT.width} ${height}`, role: "img", "aria-label": `Median novelty over time. ${novelties(traffic)}` },
    ...grid(traffic, height, [0, .5, 1], scale, (value) => value.toFixed(1)),
    reference,
    ...changeMark(traffic, height, scale),
    ...traffic.domains.flatMap((domain) => noveltyLine(domain, scale)),
  );
}

function roundedUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((one) => one >= value);
}

function volumePlot(traffic) {
  const height = 150;
  const totals = traffic.starts.map((_, bucket) => traffic.domains.reduce((sum, domain) => sum + domain.counts[bucket], 0));
  const most = roundedUp(Math.max(...totals)), scale = scales(traffic, height, most);
  const width = Math.min(Math.max(scale.step - 1.5, 1), 40);
  const bars = traffic.starts.flatMap((_, bucket) => {
    let below = 0;
    return traffic.domains.map((domain) => {
      const top = scale.y(below + domain.counts[bucket]), bottom = scale.y(below);
      below += domain.counts[bucket];
      const x = (scale.x(bucket + .5) - width / 2).toFixed(1);
      return svg("rect", { x, y: top.toFixed(1), width: width.toFixed(1), height: (bottom - top).toFixed(1), class: `bar ${series(domain)}` });
    });
  });
  return svg(
    "svg", { viewBox: `0 0 ${PLOT.width} ${height}`, role: "img", "aria-label": `Number of pictures over time, ${traffic.pictures} in all.` },
    ...grid(traffic, height, [0, most], scale, (value) => value.toLocaleString("en")),
    ...bars,
    ...changeMark(traffic, height, scale),
  );
}
