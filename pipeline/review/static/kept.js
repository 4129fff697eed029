// Nothing typed is lost, and nothing is shown for longer than it may be: a form is sent once, leaving one that was changed
// asks first, typing counts as use of the session, its end is told beforehand, and a page whose session ended closes.
"use strict";
const ending = document.querySelector("#ending"), tabs = new BroadcastChannel("session");
let sent = false, changed = false;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (sent) { event.preventDefault(); return; }
  sent = true;
  setTimeout(() => { sent = false; }, 10_000); // where no answer came
  if ("keep" in form.dataset) changed = false;
  if (form.dataset.busy) form.querySelector("[role=status]").textContent = form.dataset.busy;
  if (form.getAttribute("action") === "/sign-out") { changed = false; tabs.postMessage("ended"); }
});
addEventListener("pageshow", () => { sent = false; });
addEventListener("beforeunload", (event) => { if (changed) { event.preventDefault(); sent = false; } });
for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => {
  if (event.target.closest("#mention-rows") || "keep" in (event.target.form?.dataset || {})) changed = true;
});

if (ending) {
  const WARNED = 5 * 60_000, ASKED = 60_000;
  let idle, ends, typed = 0, asked = Date.now();

  function last(left) {
    [idle, ends] = left.map((seconds) => Date.now() + seconds * 1000);
    look();
  }

  function close() {
    changed = false;
    document.body.replaceChildren();
    location.replace("/sign-in");
  }

  async function ask(stay) {
    asked = Date.now();
    try {
      const answer = await fetch(`/account/session${stay ? "?stay=true" : ""}`);
      if (answer.ok && !answer.redirected) last(await answer.json());
      else if (stay) last([0, 0]);
      else close();
    } catch { /* the network is away: asked again later */ }
  }

  function tell(words, canStay) {
    if (ending.firstElementChild.textContent !== words) ending.firstElementChild.textContent = words;
    ending.querySelector("button").hidden = !canStay;
    ending.hidden = !words;
  }

  function look() {
    const now = Date.now(), left = Math.min(idle, ends) - now, typing = now - typed < WARNED;
    if (left > WARNED) tell("", false);
    else if (left > 0 && idle < ends) tell("Your session ends in less than five minutes, since nothing was done here.", true);
    else if (left > 0) tell("Your session ends in less than five minutes: save what you have, and sign in again.", false);
    else if (typing) tell("Your session has ended. What you typed is still here: send it, and you are asked to sign in first.", false);
    else ask(false);
  }

  document.addEventListener("input", () => {
    typed = Date.now();
    if (typed - asked > ASKED) ask(true);
  });
  ending.querySelector("button").addEventListener("click", () => ask(true));
  tabs.addEventListener("message", close);
  setInterval(look, 15_000);
  last(ending.dataset.left.split(" ").map(Number));
}
