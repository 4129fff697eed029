// Keys for people who clear many items: the element with data-key="x" is what x does. Pages work without this file.
"use strict";
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const typing = at && (at.tagName === "TEXTAREA" || at.tagName === "SELECT" || (at.tagName === "INPUT" && !["checkbox", "radio", "submit"].includes(at.type)));
  if (document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
  if (event.key === "Escape") { if (at) at.blur(); return; }
  if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll(".items a, tbody th a")];
    const now = links.indexOf(at);
    const next = links[event.key === "j" ? Math.min(now + 1, links.length - 1) : Math.max(now - 1, 0)];
    if (next) { next.focus(); event.preventDefault(); }
    return;
  }
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

const keys = document.querySelector("#keys"), asksForKeys = document.querySelector('[data-key="?"]');
if (keys && asksForKeys) {
  asksForKeys.hidden = false;
  asksForKeys.addEventListener("click", () => keys.showModal());
}

// An invitation travels behind the # of its link, which browsers send to nobody; from here on the address is without it.
const fromLink = document.querySelector("[data-from-link]");
if (fromLink && location.hash.length > 1) {
  fromLink.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  document.querySelector("#password").focus();
}
