// Marking mentions in a report's text, by mouse or keyboard. The rows of the form are the truth; the text shows them.
// After text.js, which paints. Pages work without this file: rows can be changed, words named.
"use strict";
const rows = document.querySelector("#mention-rows");
const panel = document.querySelector("#mentions"), says = document.querySelector("#marking-says");
let picked = null, at = -1;

// Words with their offsets, for the arrow keys.
const words = [];
let unit = 0, point = 0; // of UTF-16 and of code points
for (const match of text.textContent.matchAll(/[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*/gu)) {
  const start = point + Array.from(text.textContent.slice(unit, match.index)).length;
  point = start + Array.from(match[0]).length;
  unit = match.index + match[0].length;
  words.push([start, point]);
}

const fields = new WeakMap();
function read(row) {
  if (!fields.has(row)) {
    const [start, end] = row.querySelector("[name=span_at]").value.split("-").map(Number);
    fields.set(row, { row, start, end, what: row.querySelector("[name=span_is]"), role: row.querySelector("[name=span_role]") });
  }
  return fields.get(row);
}

function mentions() {
  return [...rows.rows].map((row) => {
    const { start, end, what, role } = read(row);
    const kind = ["place", "date", ""].includes(what.value) ? what.value : "actor";
    role.hidden = kind !== "actor";
    const chosen = what.options[what.selectedIndex], known = row.dataset.title && chosen.defaultSelected && kind !== "actor";
    const title = known ? row.dataset.title : chosen.text + (kind === "actor" && role.value ? `, ${role.value}` : "");
    return { row, start, end, kind, title };
  });
}

show = () => {
  const marks = mentions().filter((mention) => mention.kind);
  paint([...marks, ...(picked ? [{ ...picked, kind: "picked" }] : [])]);
  panel.querySelector("summary").firstChild.textContent = `Places, actors and dates: ${marks.length} `;
};

function pick(start, end, painted = true) {
  while (start < end && /\s/.test(letters[start])) start += 1;
  while (start < end && /\s/.test(letters[end - 1])) end -= 1;
  picked = start < end ? { start, end } : null;
  if (picked) { panel.open = true; says.textContent = `Chosen: ${cut(start, end)}`; }
  if (painted) show();
}

// Every mention that lies on these words becomes none; `known` are all, in the order of the text.
function clear(start, end, known) {
  for (const mention of known) if (mention.start < end && start < mention.end) mention.what.value = "";
}

function add(start, end, what, known) {
  clear(start, end, known);
  let mine = known.find((mention) => mention.start === start && mention.end === end);
  if (!mine) {
    const row = document.querySelector("#mention-row").content.firstElementChild.cloneNode(true);
    row.querySelector("[name=span_at]").value = `${start}-${end}`;
    row.querySelector("bdi").textContent = cut(start, end);
    mine = read(row);
    mine.what.setAttribute("aria-label", `What ${cut(start, end)} is`);
    mine.role.setAttribute("aria-label", `Role of ${cut(start, end)}`);
    const after = known.findIndex((mention) => mention.start > start);
    rows.insertBefore(row, after < 0 ? null : known[after].row);
    known.splice(after < 0 ? known.length : after, 0, mine);
  }
  mine.what.value = what;
}

function mark(what) {
  if (!picked) { says.textContent = "Choose words in the text first."; return; }
  const { start, end } = picked, chosen = cut(start, end);
  let places = [[start, end]];
  if (document.querySelector("#everywhere").checked) {
    const whole = (from, to) => !/[\p{L}\p{N}]/u.test((letters[from - 1] || "") + (letters[to] || ""));
    places = letters.map((_, from) => [from, from + end - start]).filter(([from, to]) => cut(from, to) === chosen && whole(from, to));
  }
  const known = [...rows.rows].map(read), name = what ? document.querySelector(`#mark-words [value="${what}"]`).text : "no mention";
  for (const [from, to] of places) {
    if (what) add(from, to, what, known);
    else clear(from, to, known);
  }
  says.textContent = `${chosen}: ${name}${places.length > 1 ? `, ${places.length} times` : ""}`;
  rows.dispatchEvent(new Event("change", { bubbles: true }));
}

function step(forward, more) {
  if (!words.length) return;
  const last = at;
  at = Math.min(Math.max(at + (forward ? 1 : -1), 0), words.length - 1);
  const from = more && picked && last >= 0 ? (forward ? picked.start : Math.min(picked.start, words[at][0])) : words[at][0];
  pick(from, more && picked && !forward ? picked.end : words[at][1]);
  text.querySelector(".picked")?.scrollIntoView({ block: "nearest" });
}

// Up and down go from mention to mention; with two marks on the same words, to each.
function leap(forward) {
  const known = mentions().filter((mention) => mention.kind), from = picked ? picked.start : -1;
  const next = forward ? known.find((mention) => mention.start > from) : known.findLast((mention) => mention.start < from);
  if (!next) { says.textContent = forward ? "There is no mention after this." : "There is no mention before this."; return; }
  at = words.findIndex(([, end]) => end > next.start);
  pick(next.start, next.end);
  text.querySelector(".picked")?.scrollIntoView({ block: "nearest" });
}

text.tabIndex = 0;
document.querySelector("#marking").hidden = false;
show();

function selected() {
  const selection = getSelection();
  if (selection.isCollapsed || !text.contains(selection.anchorNode) || !text.contains(selection.focusNode)) return null;
  const range = selection.getRangeAt(0), before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = Array.from(before.toString()).length;
  return [start, start + Array.from(range.toString()).length];
}

text.addEventListener("mouseup", () => {
  const now = selected();
  if (now) pick(...now);
});
// A finger selects without a mouse: what it holds is chosen, and not painted, which would take it out of its hand.
let finger = false;
text.addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; });
document.addEventListener("selectionchange", () => {
  const now = finger && selected();
  if (now) pick(...now, false);
});
text.addEventListener("click", (event) => {
  const row = event.target.dataset.row;
  if (row === undefined || !getSelection().isCollapsed) return;
  panel.open = true;
  const { start, end, what } = read(rows.rows[row - 1]);
  pick(start, end);
  what.focus();
});
text.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const ahead = getComputedStyle(text).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const button = { p: 0, d: 1, r: 2, Delete: 3, Backspace: 3 }[event.key];
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === ahead, event.shiftKey);
  else if (event.key === "ArrowUp" || event.key === "ArrowDown") leap(event.key === "ArrowDown");
  else if (event.key === "Enter" && picked) {
    const row = mentions().find((mention) => mention.start < picked.end && picked.start < mention.end)?.row;
    if (row) read(row).what.focus();
  } else if (button !== undefined) document.querySelectorAll("[data-mark]")[button].click();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
for (const button of document.querySelectorAll("[data-mark]")) button.addEventListener("click", () => mark(button.dataset.mark));
rows.addEventListener("change", show);
document.addEventListener("keydown", (event) => {
  if (event.key !== "e" || event.ctrlKey || event.metaKey || event.altKey || /^(TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.matches("input:not([type=checkbox]):not([type=radio])")) return;
  panel.open = true;
  text.focus();
  event.preventDefault();
});
