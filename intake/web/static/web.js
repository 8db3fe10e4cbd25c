// What every page does with JavaScript: nothing that it cannot do without.
import { localTimes } from "./times.js";

// A choice of how pages look takes effect in place: its link also works as a link,
// but would load the page again. A language has to.
for (const link of document.querySelectorAll('[data-choice]:not([data-choice="lang"])')) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const { choice, value } = link.dataset;
    if (value === "auto") delete document.documentElement.dataset[choice];
    else document.documentElement.dataset[choice] = value;
    if (choice === "theme") document.querySelector('meta[name="color-scheme"]').content = value === "auto" ? "light dark" : value;
    for (const other of document.querySelectorAll(`[data-choice="${choice}"]`)) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    await fetch(`/?${choice}=${value}`, { method: "HEAD" }).catch(() => {}); // the server keeps the choice
  });
}

// A menu closes when the reader turns away from it.
for (const menu of document.querySelectorAll("[data-menu]")) {
  addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

localTimes(document);
