// What the form does with JavaScript: it keeps a draft, counts, lists the chosen
// files and shows how far sending has come. Without it everything still works.
import { localTimes } from "../web/times.js";
import { addressCheck } from "./address.js";
import { regroup } from "./days.js";
import { keepDraft } from "./draft.js";
import { mendable } from "./faults.js";
import { fileList } from "./files.js";
import { send } from "./send.js";

const form = (root) => root.querySelector("[data-form]");

// start brings a page's form to life: once at load and again whenever the server
// answered with the form refilled.
function start(root, refused, chosen = []) {
  regroup(root);
  const el = form(root);
  if (!el) return;
  const accepted = keepDraft(el, refused);
  for (const area of el.querySelectorAll("textarea[data-count]")) count(el, area);
  const files = fileList(el, chosen);
  if (chosen.length) for (const hint of el.querySelectorAll("[data-again]")) hint.hidden = true; // they stand there again
  regions(el);
  mendable(el);
  addressCheck(el);
  el.addEventListener("submit", (event) => {
    if (event.submitter?.name) return; // another language: the browser's own way, which loads the page
    event.preventDefault();
    send(el, files, { accepted, replace });
  });
  root.querySelector("#summary")?.focus();
}

// replace puts the server's page in the place of this one, without a reload:
// files that the server could not take yet stay chosen. False for a page without
// a form: what was typed here must not give way to that.
function replace(page, chosen) {
  const fresh = new DOMParser().parseFromString(page, "text/html");
  const here = document.querySelector("[data-live]");
  const there = fresh.querySelector("[data-live]");
  if (!here || !there) return false;
  document.title = fresh.title;
  here.replaceWith(document.adoptNode(there));
  localTimes(there);
  start(document, true, chosen);
  window.scrollTo({ top: 0 });
  return true;
}

// count shows how much is written, once it matters.
function count(root, area) {
  const out = root.querySelector(`[data-counter="${area.id}"]`);
  const limit = Number(area.dataset.count);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const update = () => {
    const have = [...area.value.trim()].length;
    out.hidden = have === 0;
    out.textContent = out.dataset.t.replace("%h", number.format(have)).replace("%l", number.format(limit));
    out.classList.toggle("fault", have > limit);
  };
  area.addEventListener("input", update);
  update();
}

// regions shows who will answer as soon as the country is chosen, here or in the
// draft that was put back.
function regions(root) {
  const aside = root.querySelector("[data-regions]");
  const select = root.querySelector("select#country");
  if (!aside || !select) return;
  const text = aside.querySelector("[data-region-text]");
  const templates = [...aside.querySelectorAll("template")];
  const show = () => {
    if (!select.value) return;
    const of = templates.find((t) => t.dataset.countries.split(" ").includes(select.value)) ?? templates.find((t) => !t.dataset.countries);
    if (!of) return;
    text.replaceChildren(of.content.cloneNode(true));
    const country = select.selectedOptions[0].textContent;
    text.querySelector("[data-for]").textContent = text.querySelector("[data-for]").dataset.for.replace("%s", country);
  };
  select.addEventListener("change", show);
  show();
}

start(document, false);
