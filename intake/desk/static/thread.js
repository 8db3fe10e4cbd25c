// An open ticket: where it begins to be read, what came since, and who else is there.
import { localTimes } from "../web/times.js";
import { saveDrafts, typed } from "./compose.js";

const page = document.querySelector("[data-ticket]");
if (page) begin(page);

function begin(page) {
  const thread = document.getElementById("thread");
  const bar = document.querySelector("[data-news]");
  bar.hidden = true;

  const toNew = () => (document.getElementById("new") ?? document.getElementById("end"))?.scrollIntoView({ block: "start" });
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target || target.id === "new") toNew();
  else if (thread.contains(target)) target.scrollIntoView({ block: "nearest" });

  // The server lists the entries that there are (data-public); those not shown are new.
  const look = () => {
    const there = document.querySelector("[data-public]").textContent.trim().split(/\s+/).filter(Boolean);
    const first = Number(thread.querySelector('[id^="e"]')?.id.slice(1) || 0);
    const fresh = there.filter((seq) => Number(seq) > first && !document.getElementById(`e${seq}`)).length;
    bar.hidden = fresh === 0;
    bar.textContent = fresh === 1 ? "1 new message. Show it" : `${fresh} new messages. Show them`;
  };
  new MutationObserver(look).observe(document.querySelector("[data-public]"), { childList: true, characterData: true, subtree: true });

  bar.addEventListener("click", async () => {
    await saveDrafts();
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    thread.replaceChildren(...fresh.getElementById("thread").childNodes);
    for (const field of document.querySelectorAll('[data-composer] [name="version"]')) {
      field.value = fresh.querySelector('[data-composer] [name="version"]').value;
    }
    localTimes(thread);
    bar.hidden = true;
    toNew();
  });

  thread.addEventListener("click", (event) => {
    const link = event.target.closest("[data-earlier]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    earlier(thread, link);
  });

  const number = page.querySelector("[data-copy]");
  number.addEventListener("click", () => navigator.clipboard?.writeText(number.dataset.copy).catch(() => {}));

  presence(page.dataset.path);
}

// Earlier entries come in front of those that are here, which stay where they are.
async function earlier(thread, link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html", "Signpost-Live": "1" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return location.assign(link.href);
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("thread");
  part.querySelectorAll("#new, #end, [data-latest]").forEach((e) => e.remove());
  localTimes(part);
  const line = link.parentElement;
  const next = line.nextElementSibling;
  const focused = line.contains(document.activeElement);
  const top = next.getBoundingClientRect().top;
  thread.style.overflowAnchor = "none"; // it would move what is put right here
  line.replaceWith(...part.childNodes);
  const moved = next.getBoundingClientRect().top - top;
  (thread.scrollHeight > thread.clientHeight ? thread : window).scrollBy({ top: moved, behavior: "instant" });
  requestAnimationFrame(() => { thread.style.overflowAnchor = ""; });
  if (focused) (thread.querySelector("[data-earlier]") ?? thread).focus({ preventScroll: true });
}

// A sign of life every 5 s while the page is seen; the server forgets after 15 s.
function presence(path) {
  const tell = (state) => fetch(`${path}/presence`, {
    method: "POST", body: new URLSearchParams({ state }), headers: { "Signpost-Live": "1", Accept: "application/json" }, keepalive: true,
  }).catch(() => {});
  let was = "";
  const beat = (always) => {
    if (document.hidden) return;
    const state = typed(6000) ? "typing" : "here";
    if (always || state !== was) tell(state);
    was = state;
  };
  setInterval(() => beat(true), 5000);
  addEventListener("input", () => beat(false));
  beat(true);
  addEventListener("pagehide", () => navigator.sendBeacon(`${path}/presence`, new URLSearchParams({ state: "gone" })));
}
