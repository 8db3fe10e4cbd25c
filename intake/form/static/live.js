// Keeps an open ticket page fresh. The server says that it has another version
// (Exchange.FollowAs); the page fetches itself anew, puts in place what differs and adds
// the messages that came. What the reader types or looks at stays where it is: a line at
// the foot of the window tells of the news.
import { localTimes } from "../web/times.js";
import { regroup } from "./days.js";

const silence = 9000; // ms without a sign of life; the server gives one every 4 s
const news = () => document.querySelector("[data-news]");
let at = news().dataset.after; // the position in the events up to which the page is right
let stream = null;
let tries = 0;
let timer = 0;
let loading = false;
const sent = new WeakMap(); // of each part, as the server wrote it
let again = false; // there is another version than the one being loaded

function open() {
  clearTimeout(timer);
  stream?.close();
  stream = new EventSource(`${news().dataset.events}?${new URLSearchParams({ after: at })}`);
  stream.addEventListener("hello", alive);
  stream.addEventListener("beat", alive);
  stream.addEventListener("change", (event) => {
    alive(event);
    if (JSON.parse(event.data).version !== news().dataset.version) refresh();
  });
  stream.addEventListener("reload", (event) => { alive(event); refresh(); });
  stream.addEventListener("end", gone);
  stream.addEventListener("error", () => { if (stream?.readyState === EventSource.CLOSED) retry(); });
  timer = setTimeout(retry, silence);
}

function alive(event) {
  if (event.lastEventId) at = event.lastEventId;
  tries = 0;
  clearTimeout(timer);
  timer = setTimeout(retry, silence);
}

// retry also looks at the page: it may be that the link opens nothing any more, or that
// there are too many streams.
function retry() {
  close();
  timer = setTimeout(() => { if (tries > 2) refresh(); open(); }, Math.min(1000 * 2 ** tries++, 60_000));
}

function close() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

// The link was revoked: what was typed is not lost by that.
function gone() {
  close();
  removeEventListener("online", open);
  document.removeEventListener("visibilitychange", seen);
  say(news().dataset.tGone, false);
}

async function refresh() {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.status === 410 || answer.status === 404) gone();
    else if (answer.ok) place(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server is away; the stream finds it back.
  } finally {
    loading = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function place(fresh) {
  const version = fresh.querySelector("[data-news]")?.dataset.version;
  if (!version) return;
  const keep = anchor();
  const before = keep?.getBoundingClientRect().top;
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-part]")) update(part, fresh);
  const added = addMessages(fresh);
  if (keep) scrollBy({ top: keep.getBoundingClientRect().top - before, behavior: "instant" });
  news().dataset.version = version;
  if (added.length) tell(added);
  else if (fresh.querySelector("[data-later]")) say(count(1), true); // the newest stand on another page
}

// anchor is what must not move: what has the focus, else the first thing in the window.
function anchor() {
  const field = document.activeElement;
  if (field && field !== document.body && inWindow(field)) return field;
  return [...document.querySelectorAll("[data-part], .letter, .letter-form, section.after")].find(inWindow);
}

function inWindow(el) {
  const box = el.getBoundingClientRect();
  return box.height > 0 && box.bottom > 0 && box.top < innerHeight;
}

// update puts a part in place anew, unless its reader is at work in it.
function update(part, fresh) {
  const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
  if (!next || next.innerHTML === sent.get(part) || part.contains(document.activeElement) || edited(part)) return;
  sent.set(part, next.innerHTML);
  part.replaceChildren(...document.adoptNode(next).childNodes);
  localTimes(part);
}

const edited = (root) => [...root.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);

// addMessages adds the messages that are not here yet, each behind the one it follows, and
// tells anew what became of the mail of those that are.
function addMessages(fresh) {
  const thread = document.querySelector("[data-thread]");
  const added = [];
  let last = null;
  for (const letter of fresh.querySelectorAll("[data-thread] .letter")) {
    const here = document.getElementById(letter.id);
    if (here) {
      updateMail(here, letter);
      last = here;
      continue;
    }
    const mine = document.adoptNode(letter);
    const first = thread.querySelector(".letter, .day") ?? thread.querySelector("[data-zone]");
    if (last) last.after(mine);
    else first.before(mine);
    localTimes(mine);
    added.push(mine);
    last = mine;
  }
  if (added.length) regroup(document);
  return added;
}

function updateMail(here, letter) {
  const [was, is] = [here, letter].map((el) => el.querySelector(".mail"));
  if (!is || was?.dataset.state === is.dataset.state) return;
  if (was) was.replaceWith(is);
  else here.append(is);
  localTimes(is);
}

const untold = new Set(); // messages that came and were not seen
const shown = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) see(entry.target);
}, { threshold: 0.2 });

function tell(added) {
  for (const letter of added) {
    untold.add(letter);
    shown.observe(letter);
  }
  say(count(untold.size), true);
}

// see forgets a message as new once its reader has had it before them for a while.
function see(letter) {
  setTimeout(() => {
    if (!inWindow(letter) || document.hidden) return;
    shown.unobserve(letter);
    untold.delete(letter);
    if (!untold.size) hide();
  }, 3000);
}

const count = (n) => news().dataset.tNew.replace("%n", new Intl.NumberFormat(document.documentElement.lang).format(n));

function say(text, leads) {
  const line = news().querySelector(".news-line");
  line.querySelector("[data-text]").textContent = text;
  line.querySelector("[data-show]").hidden = !leads;
  line.hidden = false;
}

function hide() { news().querySelector(".news-line").hidden = true; }

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-show]")) return;
  const first = [...untold][0];
  if (!first) return; // the newest stand on another page, where the link leads
  event.preventDefault();
  hide();
  first.tabIndex = -1;
  first.scrollIntoView();
  first.focus({ preventScroll: true });
});

// A page nobody sees holds no stream; it catches up when it is seen again.
function seen() {
  if (document.hidden) return close();
  tries = 0;
  open();
}

for (const part of document.querySelectorAll("[data-part]")) sent.set(part, part.innerHTML);
open();
document.addEventListener("visibilitychange", seen);
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) open(); });
addEventListener("online", open);
