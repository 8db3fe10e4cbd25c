// Times are sent in the region's zone, with the zone named. Here they are shown
// in the reader's own, named as well, the region's staying in the tooltip.
export function localTimes(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const lang = document.documentElement.lang;
  for (const el of root.querySelectorAll("time[data-local]")) {
    const at = new Date(el.dateTime);
    if (!zone || isNaN(at)) continue;
    if (el.dataset.local === "brief") {
      el.textContent = brief(at, lang);
      continue;
    }
    const short = el.dataset.local === "short";
    el.title = el.textContent;
    el.textContent = new Intl.DateTimeFormat(lang, short
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
      : { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "long" }
    ).format(at);
  }
}

// brief is the time of day of today, else the day with it, and the year once it is long ago.
function brief(at, lang) {
  const days = Math.abs(Date.now() - at) / 86_400_000;
  const day = days < 1 && at.getDate() === new Date().getDate() ? {}
    : { day: "numeric", month: "short", ...(days < 300 ? { weekday: "short" } : { year: "numeric" }) };
  return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
}
