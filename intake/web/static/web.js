// What every page does with JavaScript: nothing that it cannot do without.
import { localTimes } from "./times.js";

// The colour scheme switches in place: the link also works as a link, but would
// reload the page.
for (const link of document.querySelectorAll("[data-theme-choice]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const theme = link.dataset.themeChoice;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    document.querySelector('meta[name="color-scheme"]').content = theme === "auto" ? "light dark" : theme;
    for (const other of document.querySelectorAll("[data-theme-choice]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    await fetch("/?theme=" + theme, { method: "HEAD" }).catch(() => {}); // the server keeps the choice
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
