// Panes whose width the reader can change, by pointer or by arrow keys, and which
// are found again at the place they were scrolled to.
const least = 240;
const most = 720;
const steps = 16; // px by one key

for (const pane of document.querySelectorAll(".pane[data-pane]")) {
  const stored = `signpost.pane ${pane.dataset.pane}`;
  const after = pane.previousElementSibling !== null; // it stands behind the middle
  const edge = document.createElement("div");
  edge.className = "pane-edge";
  edge.tabIndex = 0;
  edge.role = "separator";
  edge.ariaOrientation = "vertical";
  edge.ariaLabel = `Width of ${pane.getAttribute("aria-label") || pane.dataset.pane}`;
  edge.ariaValueMin = least;
  edge.ariaValueMax = most;
  pane[after ? "before" : "after"](edge);

  const set = (width) => {
    const bounded = Math.round(Math.min(Math.max(width, least), most));
    pane.style.setProperty("--pane", `${bounded}px`);
    edge.ariaValueNow = bounded;
    return bounded;
  };
  const keep = (width) => localStorage.setItem(stored, set(width));
  set(Number(localStorage.getItem(stored)) || pane.getBoundingClientRect().width || 360);

  edge.addEventListener("pointerdown", (event) => {
    edge.setPointerCapture(event.pointerId);
    const from = event.clientX;
    const width = pane.getBoundingClientRect().width;
    const move = (e) => keep(width + (after ? from - e.clientX : e.clientX - from));
    edge.addEventListener("pointermove", move);
    edge.addEventListener("lostpointercapture", () => edge.removeEventListener("pointermove", move), { once: true });
  });
  edge.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -steps, ArrowRight: steps }[event.key];
    if (!by) return;
    event.preventDefault();
    keep(pane.getBoundingClientRect().width + (after ? -by : by));
  });
}

// The browser finds the page's own scroll again, not that of panes.
const places = `signpost.scroll ${location.pathname}${location.search}`;
const panes = [...document.querySelectorAll(".pane")];
if (panes.length > 0) {
  const kept = JSON.parse(sessionStorage.getItem(places) || "[]");
  panes.forEach((pane, i) => { if (kept[i]) pane.scrollTop = kept[i]; });
  addEventListener("pagehide", () => sessionStorage.setItem(places, JSON.stringify(panes.map((pane) => pane.scrollTop))));
}
