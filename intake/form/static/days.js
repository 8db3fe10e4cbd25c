// regroup puts the letters under the days of the reader's own zone.
export function regroup(root) {
  const thread = root.querySelector("[data-thread]");
  if (!thread) return;
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  for (const heading of thread.querySelectorAll(".day")) heading.remove();
  let last = "";
  for (const letter of thread.querySelectorAll(".letter")) {
    const text = day.format(new Date(letter.querySelector("time").dateTime));
    if (text === last) continue;
    last = text;
    const heading = document.createElement("h2");
    heading.className = "day";
    heading.append(Object.assign(document.createElement("span"), { textContent: text }));
    letter.before(heading);
  }
  const note = root.querySelector("[data-zone]");
  if (note) note.textContent = note.dataset.zone.replace("%z", Intl.DateTimeFormat().resolvedOptions().timeZone.split("/").pop().replaceAll("_", " "));
}
