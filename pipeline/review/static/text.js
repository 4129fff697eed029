// The report's text with its marks. The evidence of another type is shown in place, so that ticks and notes stay;
// without this file its link loads the page again. Offsets are code points, as the server counts.
"use strict";
const text = document.querySelector("#report-text"), legend = document.querySelector("#evidence-of");
const letters = Array.from(text.textContent);
const cut = (start, end) => letters.slice(start, end).join("");

function marked(kind) {
  return [...text.querySelectorAll(`.${kind}`)].map((piece) => {
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEndBefore(piece);
    const start = Array.from(before.toString()).length;
    return { start, end: start + Array.from(piece.textContent).length, kind, title: piece.title };
  });
}

const written = ["place", "actor", "date"].flatMap(marked);
let evidence = marked("evidence");
let show = () => paint(written); // the page on which mentions are marked shows more

function paint(marks) {
  const all = [...marks, ...evidence];
  const edges = [...new Set([0, letters.length, ...all.flatMap((mark) => [mark.start, mark.end])])].sort((a, b) => a - b);
  text.replaceChildren(...edges.slice(1).map((end, index) => {
    const start = edges[index], here = all.filter((mark) => mark.start <= start && end <= mark.end);
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
