// The box to try a picture: every loaded version side by side.
const TOP = 3;
let requests = 0;

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
  return { version: version.version, state: version.state, ...output, named };
}

// Versions that were exported without novelty and acceptance have neither.
function acceptance(one) {
  if (one.novelty === undefined) return element("p", "Novelty not known.", "quiet");
  const tag = element("span", one.accepted ? "accepted" : "not accepted", `tag ${one.accepted ? "good" : "doubtful"}`);
  return group("p", "", tag, ` novelty ${one.novelty.toFixed(3)} (0.5 is usual)`);
}

function topClasses(one) {
  const list = element("ol", "", "top");
  const ordered = [...one.named].sort((first, second) => second[1] - first[1]);
  for (const [label, value] of ordered.slice(0, TOP)) {
    const bar = document.createElement("meter");
    bar.value = value;
    bar.ariaLabel = `Probability of ${label}`;
    list.append(group("li", "", element("span", label, "name"), element("span", value.toFixed(3), "number"), bar));
  }
  return list;
}

function versionCard(one, serving) {
  const state = { serving: ", serving", shadow: ", in shadow" }[one.state] ?? "";
  const card = group(
    "article", "",
    element("h3", `Version ${one.version}${state}`),
    element("p", one.label, "label"),
    element("p", `confidence ${one.confidence.toFixed(3)}`, "quiet"),
    acceptance(one),
    topClasses(one),
  );
  if (one !== serving) {
    const same = one.label === serving.label;
    card.append(element("p", same ? "The same class." : "Another class.", same ? "quiet" : "doubtful"));
  }
  return card;
}

async function classify(blob) {
  const number = ++requests;
  const [message, result, picture] = ["message", "result", "picture"].map(byId);
  message.textContent = "Classifying…";
  result.hidden = true;
  try {
    const [b64, versions] = await Promise.all([base64(blob), json("/versions")]);
    if (!versions.length) throw new Error("No version is loaded yet.");
    const predictions = await Promise.all(versions.map((version) => predict(version, b64)));
    if (number !== requests) return;  // a newer picture was dropped
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    const serving = predictions.find((one) => one.state === "serving") ?? predictions[0];
    byId("predictions").replaceChildren(...predictions.map((one) => versionCard(one, serving)));
    result.hidden = false;
    message.textContent = "";
  } catch (error) {
    if (number === requests) message.textContent = error.message;
  }
}

function classifyFirst(files) {
  if (files.length) classify(files[0]);
}

byId("file").addEventListener("change", (event) => classifyFirst(event.target.files));
document.addEventListener("paste", (event) => classifyFirst(event.clipboardData.files));
// The whole page takes a picture: one that misses the box would replace the page.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") classifyFirst(event.dataTransfer.files);
  });
}
