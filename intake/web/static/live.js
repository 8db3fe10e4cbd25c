// Keeps an open page fresh. The server says what changed (Exchange.Follow); the page
// fetches itself anew and puts in place the parts marked data-live that differ. A
// module of a page that does more with a change listens to it with follow().
import { localTimes } from "./times.js";

const { topics, events } = document.body.dataset;
const lost = document.getElementById("lost");
const silence = 9000; // ms without a sign of life; the server gives one every 4 s
const least = 500; // ms between two loads: what changes is to be seen within a second
const fresh = Number(document.querySelector("[data-fresh]")?.dataset.fresh || 0) * 1000; // ms; what ages without an event

let stream = null;
let at = events; // the position in the events up to which the page is right
let tries = 0;
let dead = 0; // timer
let soon = 0; // timer
let loaded = performance.now();

const followers = new Map();
// follow has run(version) called when the topic changes, in place of a fresh load.
export function follow(topic, run) { followers.set(topic, run); }

function open() {
  clearTimeout(dead);
  stream?.close();
  const query = new URLSearchParams({ topics, after: at });
  stream = new EventSource(`/events?${query}`);
  stream.addEventListener("hello", alive);
  stream.addEventListener("beat", alive);
  stream.addEventListener("change", (event) => {
    alive(event);
    const { topic, version } = JSON.parse(event.data);
    const run = followers.get(topic);
    if (run) run(version);
    else refreshSoon();
  });
  stream.addEventListener("reload", (event) => { alive(event); refreshSoon(); });
  stream.addEventListener("end", ended);
  stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) retry(); });
  dead = setTimeout(silent, silence);
}

function alive(event) {
  if (event.lastEventId) at = event.lastEventId;
  tries = 0;
  lost.hidden = true;
  clearTimeout(dead);
  dead = setTimeout(silent, silence);
}

function silent() {
  lost.hidden = false;
  retry();
}

function retry() {
  stream?.close();
  clearTimeout(dead);
  dead = setTimeout(() => {
    if (tries++ > 1) lost.hidden = false;
    if (tries % 3 === 0) refreshSoon(); // a refusal that will last: the page finds out why
    open();
  }, Math.min(1000 * 2 ** tries, 8000));
}

// The session is over: to the door, unless that would lose what was typed.
function ended() {
  close();
  if (!edited(document)) return location.reload();
  lost.querySelector("span").textContent = "You are signed out. Keep a copy of what you typed, then load this page again.";
  lost.hidden = false;
}

function close() {
  stream?.close();
  stream = null;
  clearTimeout(dead);
}

function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(refresh, Math.max(100, loaded + least - performance.now()));
}

async function refresh() {
  if (!document.hidden) await renew();
}

// renew brings the page up to date at once; also is called with the fresh one.
export async function renew(also) {
  loaded = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Signpost-Live": "1" }, cache: "no-store" });
    if (answer.status === 401) return ended();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    place(fresh);
    also?.(fresh);
  } catch {
    // The server is away; the stream finds it back.
  }
}

function place(fresh) {
  const empty = '[data-live="empty"]';
  if (document.querySelector(empty) && fresh.querySelector("[data-live]") && !fresh.querySelector(empty)) {
    return location.replace(location.href); // the first event came: the page has parts that it had not
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || next.innerHTML === (part.dataset.sent ?? part.innerHTML) || busy(part)) continue;
    part.dataset.sent = next.innerHTML;
    part.replaceChildren(...next.childNodes);
    localTimes(part);
  }
}

// What has the focus, was typed or opened must not move under the reader's hands.
function busy(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open]") || edited(part);
}

const edited = (root) => [...root.querySelectorAll("input, textarea")].some((field) =>
  field.value !== field.defaultValue || field.checked !== field.defaultChecked);

if (topics) {
  open();
  // A page nobody sees holds no stream; it catches up when it is seen again.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    tries = 0;
    open();
    if (fresh) refreshSoon();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); refreshSoon(); } });
  addEventListener("online", () => { tries = 0; open(); });
}
if (fresh) setInterval(() => { if (performance.now() - loaded >= fresh) refresh(); }, fresh);
