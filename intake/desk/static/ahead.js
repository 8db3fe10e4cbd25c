// While a reply is written the page of the ticket that follows it is fetched ahead, by the
// browser (ahead.json), so that it is there when the reply is sent. When it is shown it is
// brought up to date.
import { renew } from "../web/live.js";

const page = document.querySelector("[data-ticket]");
const form = document.querySelector('[data-composer="reply"]');
const list = form?.querySelector('[name="in"]')?.value;
let ready = false; // the page that follows is known, and on its way
let sending = false;

if (list) form.addEventListener("focusin", ask, { once: true });
form?.addEventListener("submit", send);
if (page?.dataset.shown) shown();

async function ask() {
  const query = new URLSearchParams({ in: list });
  const answer = await fetch(`${page.dataset.path}/next?${query}`, { headers: { Accept: "application/json", "Signpost-Live": "1" } }).catch(() => null);
  const next = answer?.ok && (await answer.json()).next;
  if (!next) return;
  // The browser fetches what a link on the page leads to, and none that is not laid out.
  const link = Object.assign(document.createElement("a"), { href: next, className: "vh", tabIndex: -1, ariaHidden: "true" });
  link.dataset.ahead = "";
  page.append(link);
  ready = true;
}

// What is sent by a form is answered by a redirect, for which a browser takes no page that
// was fetched ahead. So the reply is sent from here; where it is not simply taken, by the form.
async function send(event) {
  const by = event.submitter;
  if (sending) return event.preventDefault();
  if (!ready || event.defaultPrevented || by?.hasAttribute("formaction")) return;
  event.preventDefault();
  sending = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form, by), headers: { Accept: "application/json" } }).catch(() => null);
  const next = answer?.status === 201 && (await answer.json()).next;
  if (!next) {
    if (by?.name) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: by.name, value: by.value }));
    return form.submit();
  }
  const same = new URL(next, location).pathname === location.pathname;
  location.assign(next);
  if (same) location.reload();
}

addEventListener("pageshow", (event) => { if (event.persisted) sending = false; });

function shown() {
  fetch(`${page.dataset.path}/presence`, {
    method: "POST", body: new URLSearchParams({ state: "here", read: page.dataset.shown }), headers: { Accept: "application/json", "Signpost-Live": "1" },
  }).catch(() => {});
  renew((fresh) => {
    const toasts = document.getElementById("toasts");
    for (const toast of fresh.querySelectorAll("#toasts > .toast")) toasts.append(toast);
  });
}
