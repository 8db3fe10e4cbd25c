// Go to or do anything: the navigation, the table of keys and whatever the page
// marks with data-command, found by their letters.
import { on, run, table, controlOf } from "./keys.js";
import { rank } from "./rank.js";

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
const shown = 12;
let found = [];
let chosen = 0;

on("palette", () => {
  if (dialog.open) return;
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  input.value = "";
  dialog.showModal();
  look();
});

// entries are all that can be done here and now.
function entries() {
  const keys = table
    .filter((key) => (key.go || key.act === "keys" || key.act === "search" || controlOf(key.act)) && key.act !== "palette")
    .map((key) => ({ name: key.name, hint: key.shown, where: key.go, do: () => run(key) }));
  const links = [...document.querySelectorAll(".side nav a, [data-command]")]
    .map((e) => ({ name: e.dataset.command || e.querySelector(".side-word")?.textContent || e.textContent.trim(), hint: "", where: e.getAttribute("href"), do: () => e.click() }))
    .filter((link) => !keys.some((key) => key.where && key.where === link.where));
  return [...keys, ...links];
}

function look() {
  const letters = input.value.trim().toLowerCase();
  found = entries().map((entry) => ({ ...entry, rank: rank(entry.name, letters) }))
    .filter((entry) => entry.rank >= 0).sort((a, b) => b.rank - a.rank).slice(0, shown);
  list.replaceChildren(...found.map((entry, i) => {
    const item = document.createElement("li");
    item.id = `palette-${i}`;
    item.role = "option";
    item.append(entry.name);
    if (entry.hint) {
      const hint = document.createElement("span");
      hint.className = "soft";
      hint.append(entry.hint);
      item.append(hint);
    }
    item.addEventListener("click", () => act(i));
    return item;
  }));
  if (found.length === 0) {
    const none = document.createElement("li");
    none.role = "option";
    none.ariaDisabled = "true";
    none.append("Nothing is called so");
    list.append(none);
  }
  choose(0);
}

function choose(i) {
  chosen = found.length ? (i + found.length) % found.length : 0;
  for (const [at, item] of [...list.children].entries()) item.setAttribute("aria-selected", at === chosen && found.length > 0);
  if (found.length) input.setAttribute("aria-activedescendant", `palette-${chosen}`);
  else input.removeAttribute("aria-activedescendant");
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function act(i) {
  if (!found[i]) return;
  dialog.close();
  found[i].do();
}

input.addEventListener("input", look);
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(chosen + step);
  else if (event.key === "Enter") act(chosen);
  else return;
  event.preventDefault();
});
