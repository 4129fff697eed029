// Keys for people who clear many items: the element with data-key="x" is what x does. Pages work without this file.
"use strict";
const help = "j and k: next and previous item · Enter: open · n: take the next item · 2: take the next second review · c: claim · 1 to 9: types · u: urgency · e: places, actors and dates · a: accept and close · s: save · b: back · /: search · ]: next page";
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const typing = at && (at.tagName === "TEXTAREA" || at.tagName === "SELECT" || (at.tagName === "INPUT" && !["checkbox", "radio", "submit"].includes(at.type)));
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
  if (event.key === "Escape") { if (at) at.blur(); return; }
  if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll(".items a, tbody th a")];
    const now = links.indexOf(at);
    const next = links[event.key === "j" ? Math.min(now + 1, links.length - 1) : Math.max(now - 1, 0)];
    if (next) { next.focus(); event.preventDefault(); }
    return;
  }
  if (event.key === "?") { window.alert(help); return; }
  const found = [...document.querySelectorAll("[data-key]")].filter((element) => element.dataset.key === event.key);
  if (!found.length) return;
  event.preventDefault();
  if (found.length > 1) {
    const checked = found.findIndex((element) => element.checked);
    found[(checked + 1) % found.length].click();
  } else if (found[0].tagName === "INPUT" && ["text", "search"].includes(found[0].type)) {
    found[0].focus();
  } else {
    found[0].click();
  }
});

// An invitation travels behind the # of its link, which browsers send to nobody; from here on the address is without it.
const fromLink = document.querySelector("[data-from-link]");
if (fromLink && location.hash.length > 1) {
  fromLink.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  document.querySelector("#password").focus();
}
