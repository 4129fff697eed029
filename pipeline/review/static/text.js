// The report's text with its marks. The evidence of another type is shown in place, so that ticks and notes stay;
// without this file its link loads the page again. Offsets are code points, as the server counts.
"use strict";
const text = document.querySelector("#report-text"), legend = document.querySelector("#evidence-of");
const letters = Array.from(text.textContent);
const cut = (start, end) => letters.slice(start, end).join("");

// What the server marked, in one walk: a long report has thousands of pieces.
const found = [];
let reached = 0;
for (const piece of text.childNodes) {
  const start = reached;
  reached += Array.from(piece.textContent).length;
  for (const kind of piece.classList || []) found.push({ start, end: reached, kind, title: kind === "evidence" ? "" : piece.title });
}
const written = found.filter((mark) => mark.kind !== "evidence");
let evidence = found.filter((mark) => mark.kind === "evidence");
let show = () => paint(written); // the page on which mentions are marked shows more

function paint(marks) {
  const all = [...marks, ...evidence];
  const edges = [...new Set([0, letters.length, ...all.flatMap((mark) => [mark.start, mark.end])])].sort((a, b) => a - b);
  const coming = [...all].sort((one, other) => other.start - one.start);
  let here = [];
  text.replaceChildren(...edges.slice(1).map((end, index) => {
    const start = edges[index];
    while (coming.length && coming.at(-1).start <= start) here.push(coming.pop());
    here = here.filter((mark) => mark.end > start);
    if (!here.length) return document.createTextNode(cut(start, end));
    const piece = document.createElement("span");
    piece.className = here.map((mark) => mark.kind).join(" ");
    piece.textContent = cut(start, end);
    const titles = new Set(here.map((mark) => mark.title).filter(Boolean));
    if (titles.size) piece.title = [...titles].join("; ");
    const row = here.find((mark) => mark.row)?.row;
    if (row) piece.dataset.row = row.rowIndex;
    return piece;
  }));
}

for (const link of document.querySelectorAll("[data-evidence]")) link.addEventListener("click", (event) => {
  event.preventDefault();
  evidence = (link.dataset.evidence.match(/\d+-\d+/g) || []).map((span) => {
    const [start, end] = span.split("-").map(Number);
    return { start, end, kind: "evidence" };
  });
  document.querySelector(".type.focus")?.classList.remove("focus");
  link.closest(".type")?.classList.add("focus");
  legend.hidden = false;
  legend.classList.toggle("evidence", evidence.length > 0);
  legend.textContent = `${evidence.length ? "evidence of" : "nothing stands out for"} ${link.querySelector("[data-name]").textContent.toLowerCase()}`;
  show();
  text.querySelector(".evidence")?.scrollIntoView({ block: "nearest" });
});
