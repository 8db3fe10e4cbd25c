// Leads to the newest message when it is of someone else and this browser has not shown it
// yet: who comes from our mail wants to read that one. A page that was asked for in another
// manner, or answers a form, stays where it is.
const thread = document.querySelector("[data-thread]");
const letters = [...(thread?.querySelectorAll(".letter") ?? [])];
const seq = (letter) => Number(letter.id.slice(1));

if (letters.length && !thread.querySelector("[data-later]")) {
  const newest = letters.reduce((a, b) => (seq(b) > seq(a) ? b : a));
  const seen = keep(seq(newest));
  const opened = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  const asked = location.search || location.hash || document.querySelector("#summary");
  if (opened && !asked && !("own" in newest.dataset) && seen < seq(newest)) lead(newest);
}

// keep notes that a message was shown, and returns the newest shown before; a browser that
// keeps nothing has seen all.
function keep(newest) {
  const name = `seen-${thread.dataset.thread}`;
  try {
    const before = Number(localStorage.getItem(name) ?? 0);
    localStorage.setItem(name, String(Math.max(before, newest)));
    return before;
  } catch {
    return Infinity;
  }
}

function lead(letter) {
  const box = letter.getBoundingClientRect();
  if (box.top < 0 || box.bottom > innerHeight) letter.scrollIntoView();
  letter.tabIndex = -1;
  letter.focus({ preventScroll: true });
}
