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

localTimes(document);
