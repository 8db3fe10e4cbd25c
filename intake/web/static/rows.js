// Rows under the keyboard: in a list marked data-rows each row has one link marked
// data-open. The row that has the focus is the current one; it is found again when
// the page is left and come back to.
import { on } from "./keys.js";

const links = () => [...document.querySelectorAll("[data-rows] [data-open]")].filter((e) => e.checkVisibility());
const current = () => links().indexOf(document.activeElement);
const remembered = `signpost.row ${location.pathname}${location.search}`;

function step(by) {
  const all = links();
  if (all.length === 0) return false;
  const at = current();
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

on("row.next", () => step(1));
on("row.previous", () => step(-1));
on("row.open", () => {
  const at = current();
  if (at < 0) return false;
  links()[at].click();
});
on("row.select", () => {
  const box = document.activeElement.closest("[data-rows] > *")?.querySelector('input[type="checkbox"]');
  if (!box) return false;
  box.click();
});

addEventListener("focusin", (event) => {
  if (event.target.matches("[data-rows] [data-open]")) sessionStorage.setItem(remembered, event.target.getAttribute("href"));
});
if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") {
  const href = sessionStorage.getItem(remembered);
  if (href) document.querySelector(`[data-rows] [data-open][href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
}

// A heading's checkbox selects every row of its table, Shift those between.
let lastBox = null;
addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.('input[type="checkbox"]')) return;
  if (box.matches("[data-select-all]")) {
    for (const other of box.form.querySelectorAll('[name="select"]')) other.checked = box.checked;
  } else if (box.name === "select") {
    const boxes = [...box.form.querySelectorAll('[name="select"]')];
    if (event.shiftKey && boxes.includes(lastBox)) {
      const [a, b] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((x, y) => x - y);
      for (const other of boxes.slice(a, b + 1)) other.checked = box.checked;
    }
    lastBox = box;
  } else return;
  const count = box.form.querySelector("[data-selected]");
  if (count) count.textContent = box.form.querySelectorAll('[name="select"]:checked').length;
});
