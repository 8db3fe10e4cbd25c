// Times are sent in the region's zone, with the zone named. Here they are shown
// in the reader's own, named as well, the region's staying in the tooltip.
export function localTimes(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const lang = document.documentElement.lang;
  for (const el of root.querySelectorAll("time[data-local]")) {
    const at = new Date(el.dateTime);
    if (!zone || isNaN(at)) continue;
    const short = el.dataset.local === "short";
    el.title = el.textContent;
    el.textContent = new Intl.DateTimeFormat(lang, short
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
      : { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "long" }
    ).format(at);
  }
}
