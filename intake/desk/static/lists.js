// From a list into a ticket, to the one before or behind it, and back to the same row.
import { on } from "../web/keys.js";

const kept = "signpost.desk.list"; // the rows of the list seen last
const left = "signpost.desk.left"; // the ticket left last
const scrolled = "signpost.desk.scrolled"; // how far down the list was
const list = document.querySelector("[data-list]");
const ticket = document.querySelector("[data-ticket]");
const bare = (href) => new URL(href, location).pathname;
const hrefs = () => [...list.querySelectorAll("[data-open]")].map((row) => row.getAttribute("href"));

// scroller is what scrolls the list.
function scroller() {
  let box = list;
  while (box && !(box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY))) box = box.parentElement;
  return box ?? document.scrollingElement;
}

if (list) {
  const back = sessionStorage.getItem(left);
  sessionStorage.removeItem(left);
  const row = back && [...list.querySelectorAll("[data-open]")].find((r) => bare(r.href) === back);
  if (row) {
    const was = JSON.parse(sessionStorage.getItem(scrolled) || "null");
    if (was?.at === location.pathname + location.search) scroller().scrollTop = was.top;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  // As it stands when it is left: rows may have come meanwhile.
  addEventListener("pagehide", () => {
    if (list.isConnected) sessionStorage.setItem(kept, JSON.stringify(hrefs()));
    const at = location.pathname + location.search;
    sessionStorage.setItem(scrolled, JSON.stringify({ at, top: scroller().scrollTop }));
  });
}

if (ticket) {
  const all = JSON.parse(sessionStorage.getItem(kept) || "[]");
  const at = all.findIndex((href) => bare(href) === ticket.dataset.path);
  for (const [name, href] of [["previous", all[at - 1]], ["next", all[at + 1]]]) {
    const link = document.querySelector(`a[data-act="${name}"]`);
    link.hidden = at < 0 || !href;
    if (href) link.href = href;
    on(name, () => {
      if (link.hidden) return false;
      location.assign(link.href);
    });
  }
  sessionStorage.setItem(left, ticket.dataset.path);
}
