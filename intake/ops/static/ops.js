// Keeps an open page fresh: fetches it anew every few seconds while it is seen,
// and puts in place the parts that changed. The server is told that no person
// asked, so that a page left open does not keep its session alive.
import { localTimes } from "../web/times.js";

const parts = document.querySelectorAll("[data-live]");
const every = 5000;

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Signpost-Live": "1" }, cache: "no-store" });
    if (answer.status === 401) return location.reload(); // the session is over: to the door
    if (answer.ok) place(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server is away; the next turn may find it back.
  }
}

function place(fresh) {
  const empty = '[data-live="empty"]';
  if (document.querySelector(empty) && fresh.querySelector("[data-live]") && !fresh.querySelector(empty)) {
    return location.replace(location.href); // the first event came: the page has parts that it had not
  }
  for (const part of parts) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || busy(part) || next.innerHTML === part.dataset.sent) continue;
    part.dataset.sent = next.innerHTML;
    part.replaceChildren(...next.childNodes);
    localTimes(part);
  }
}

// What somebody is at, has typed or has opened must not move under their hands.
function busy(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open]") ||
    [...part.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
}

if (parts.length > 0) {
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
}
