"use strict";
// The console: a job watched live, with its curves, and files that are dropped.

const KEPT_LINES = 500;
const FACTS_UNTOLD = new Set(["event", "at", "stage", "step", "steps", "done", "total", "seconds_left"]);

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class Curve {
  constructor(place, label, at) {
    this.place = place;
    this.label = label;
    this.at = at;
    this.data = [[], []];
  }

  add(x, y) {
    const [xs, ys] = this.data;
    if (xs.length && x < xs[xs.length - 1]) { xs.length = 0; ys.length = 0; }
    xs.push(x);
    ys.push(y);
    this.due ??= requestAnimationFrame(() => { this.due = undefined; this.draw(); });
  }

  draw() {
    if (this.plot) { this.plot.setData(this.data); return; }
    this.place.hidden = false;
    document.querySelector("[data-no-curves]").hidden = true;
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const options = {
      width: Math.max(260, this.place.clientWidth),
      height: 220,
      scales: { x: { time: false, range: (_, from, to) => (from === to ? [from - 0.5, to + 0.5] : [from, to]) } },
      axes: [axis, { ...axis, size: 60 }],
      series: [{ label: this.at }, { label: this.label, stroke: colour("--accent"), width: 2, points: { show: this.data[0].length < 50 } }],
    };
    this.plot = new uPlot(options, this.data, this.place);
    new ResizeObserver(() => this.plot.setSize({ width: Math.max(260, this.place.clientWidth), height: 220 })).observe(this.place);
  }
}

function told(content) {
  const subject = content.step && content.event === "step" ? `step ${content.step}` : content.stage || content.event;
  const facts = Object.entries(content)
    .filter(([name]) => !FACTS_UNTOLD.has(name))
    .map(([name, value]) => `${name} ${typeof value === "number" ? +value.toFixed(4) : typeof value === "object" ? JSON.stringify(value) : value}`);
  return `${subject}${facts.length ? ": " + facts.join(", ") : ""}`;
}

function watch(panel) {
  const find = (name) => panel.querySelector(`[data-curve="${name}"]`);
  const loss = new Curve(find("loss"), "loss", "step");
  const ndcg = new Curve(find("ndcg10"), "nDCG@10", "epoch");
  const log = panel.querySelector("[data-log]");
  let steps = 0;
  const source = new EventSource(panel.dataset.events);
  source.addEventListener("progress", (event) => {
    const content = JSON.parse(event.data);
    if (typeof content.loss === "number") loss.add(content.done ?? steps++, content.loss);
    if (typeof content.ndcg10 === "number") ndcg.add(content.epoch ?? ndcg.data[0].length + 1, content.ndcg10);
    if (content.event === "progress") return;
    const line = document.createElement("li");
    line.textContent = told(content);
    log.append(line);
    while (log.children.length > KEPT_LINES) log.firstElementChild.remove();
  });
  source.addEventListener("end", () => source.close());
}

function takeFiles(zone) {
  const progress = zone.querySelector("[data-progress]");
  const survey = document.getElementById("survey");
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));

  async function bring(file) {
    progress.textContent = `${file.name} is being read …`;
    survey.replaceChildren();
    try {
      const answer = await fetch(`${zone.dataset.drop}?name=${encodeURIComponent(file.name)}`, {
        method: "POST",
        headers: { ...headers, "HX-Request": "true", "HX-Current-URL": location.href, "Content-Type": "application/octet-stream" },
        body: file,
      });
      const onward = answer.headers.get("HX-Redirect");
      if (onward) { location.href = onward; return; }
      const place = answer.ok ? survey : document.getElementById("notice");
      if (answer.ok) document.getElementById("notice").replaceChildren();
      place.innerHTML = await answer.text();
      htmx.process(place);
      progress.textContent = "";
    } catch {
      progress.textContent = "The server cannot be reached, or it refused so large a file.";
    }
  }

  zone.querySelector("input").addEventListener("change", (event) => {
    if (event.target.files.length) bring(event.target.files[0]);
    event.target.value = "";
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) bring(event.dataTransfer.files[0]);
    });
  }
}

document.querySelectorAll("[data-events]").forEach(watch);
document.querySelectorAll("[data-drop]").forEach(takeFiles);
