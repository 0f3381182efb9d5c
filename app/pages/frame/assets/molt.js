"use strict";
// What every page can do by itself: keys of the keyboard, and notices that can be closed.

const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

function step(by) {
  const hits = [...document.querySelectorAll("[data-hit]")];
  const at = hits.indexOf(document.activeElement.closest("[data-hit]"));
  const next = hits[at < 0 ? (by > 0 ? 0 : hits.length - 1) : at + by];
  if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
}

function press(selector) {
  const hit = document.activeElement.closest("[data-hit]");
  const button = hit && hit.querySelector(selector);
  if (button) button.click();
}

function grade(value) {
  if (!document.querySelector("[data-grade]")) return;
  if (!document.activeElement.closest("[data-hit]")) step(1);
  press(`[data-grade="${value}"]`);
  step(1);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const box = document.getElementById("q");
  if (event.key === "Escape" && box && document.activeElement === box) {
    event.preventDefault(); // it would empty the box
    box.blur();
    return;
  }
  if (typing(event.target)) return;
  const does = {
    "/": () => box && (box.focus(), box.select()),
    j: () => step(1),
    k: () => step(-1),
    u: () => press("[data-up]"),
    d: () => press("[data-down]"),
    o: () => press("summary"),
    n: () => document.querySelector("[data-next]")?.click(),
  };
  if (/^[0-3]$/.test(event.key)) grade(event.key);
  else if (does[event.key]) { event.preventDefault(); does[event.key](); }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) document.getElementById("notice").replaceChildren();
});

// A request that went well takes back what was said of one before.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("notice").replaceChildren();
});
document.addEventListener("htmx:sendError", () => {
  const said = document.createElement("div");
  said.className = "notice bad";
  said.textContent = "The server cannot be reached. What is shown is from before.";
  document.getElementById("notice").replaceChildren(said);
});
