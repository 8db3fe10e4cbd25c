// Keeps an open page fresh: fetches itself again when the host says that
// something changed, and puts the new lists in place of the old. What is being
// read (text, HTML, headers) is never touched.
import { localTimes } from "../web/times.js";

const parts = document.querySelectorAll("[data-live]");
let running = false;
let again = false;
let tries = 0;

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok) place(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server is away; the event stream tells when it is back.
  }
  running = false;
  if (again) { again = false; refresh(); } else waitForVerdict();
}

function place(fresh) {
  for (const part of parts) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || next.innerHTML === part.dataset.sent) continue;
    part.dataset.sent = next.innerHTML;
    const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const scroll = part.parentElement.scrollTop;
    part.replaceChildren(...next.childNodes);
    localTimes(part);
    part.parentElement.scrollTop = scroll;
    if (held) part.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }
}

// The watcher decides a moment after the mail arrived, and says so nowhere but
// in its ledger.
function waitForVerdict() {
  if (document.querySelector("[data-pending]") && tries++ < 30) setTimeout(refresh, 1000);
}

if (parts.length > 0) {
  const events = new EventSource("/sandbox/events");
  let soon;
  events.addEventListener("changed", () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 100);
  });
  addEventListener("pagehide", () => events.close());
  waitForVerdict();
}
