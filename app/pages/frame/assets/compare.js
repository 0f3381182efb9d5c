"use strict";
// The comparison: lines between the places of a document in neighbouring columns.

const SVG = "http://www.w3.org/2000/svg";

function drawMoves(place) {
  place.querySelector("svg.moves")?.remove();
  const columns = [...place.querySelectorAll(".column")];
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "moves");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("width", place.scrollWidth);
  drawing.setAttribute("height", place.scrollHeight);
  const origin = place.getBoundingClientRect();
  const at = (row, side) => {
    const box = row.getBoundingClientRect();
    return [box[side] - origin.left + place.scrollLeft, box.top + box.height / 2 - origin.top + place.scrollTop];
  };
  const edge = (column, side) => column.getBoundingClientRect()[side] - origin.left + place.scrollLeft;
  columns.slice(1).forEach((column, before) => {
    const left = columns[before];
    const former = new Map([...left.querySelectorAll("[data-doc]")].map((row) => [row.dataset.doc, row]));
    for (const row of column.querySelectorAll("[data-doc]")) {
      const from = former.get(row.dataset.doc);
      if (!from) continue;
      const [, y1] = at(from, "right");
      const [, y2] = at(row, "left");
      const x1 = edge(left, "right");
      const x2 = edge(column, "left");
      const middle = (x1 + x2) / 2;
      const line = document.createElementNS(SVG, "path");
      line.setAttribute("d", `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`);
      line.setAttribute("class", y2 < y1 - 2 ? "up" : y2 > y1 + 2 ? "down" : "same");
      line.dataset.of = row.dataset.doc;
      drawing.append(line);
    }
  });
  place.append(drawing);
}

function mark(place, id) {
  for (const row of place.querySelectorAll("[data-doc]")) row.classList.toggle("linked", row.dataset.doc === id);
  for (const line of place.querySelectorAll("path")) line.classList.toggle("linked", line.dataset.of === id);
}

for (const place of document.querySelectorAll("[data-compare]")) {
  drawMoves(place);
  new ResizeObserver(() => drawMoves(place)).observe(place);
  for (const name of ["mouseover", "focusin"]) {
    place.addEventListener(name, (event) => mark(place, event.target.closest("[data-doc]")?.dataset.doc));
  }
  place.addEventListener("mouseleave", () => mark(place, null));
}
