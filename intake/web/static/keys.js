// The keys of a page. Their table is the sheet of shortcuts in the page itself,
// which the server wrote from web.Key: what ? shows is what this handler obeys, and
// the hints on controls come from the same rows.
const sheet = document.getElementById("keys");
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const pause = 1200; // ms between the keys of a sequence
const storage = "signpost.keys";

const actions = new Map();
// on says what an action of the table does; do() returns false to leave the key to
// the browser.
export function on(name, run) { actions.set(name, run); }

export const table = [...sheet.querySelectorAll("tr[data-press]")].map((row) => ({
  presses: row.dataset.press.split(" | ").map((sequence) => sequence.split(" ")),
  act: row.dataset.actOf, go: row.dataset.go, inFields: "inFields" in row.dataset,
  name: row.cells[1].textContent, shown: row.cells[0].textContent,
}));

// run does what a line of the table says; false: there is nothing to do it on.
export function run(key) {
  if (key.go) { location.assign(key.go); return true; }
  const action = actions.get(key.act);
  if (action) return action() !== false;
  const target = controlOf(key.act);
  if (!target) return false;
  if (target.matches("input, select, textarea")) target.focus();
  else target.click();
  return true;
}

export function controlOf(act) {
  return [...document.querySelectorAll(`[data-act="${CSS.escape(act)}"]`)].find((e) => e.checkVisibility());
}

// pressed names a key as the table does.
function pressed(event) {
  const key = event.key.length === 1 && (event.ctrlKey || event.metaKey) ? event.key.toLowerCase() : event.key;
  let name = "";
  if (mac ? event.metaKey : event.ctrlKey) name += "Control+";
  if (event.altKey && key.length > 1) name += "Alt+";
  if (event.shiftKey && key.length > 1) name += "Shift+";
  return name + key;
}

const inField = (e) => e.isContentEditable || e.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
const single = (name) => name.length === 1;
// The reader's profile turns single keys off everywhere, the sheet in this browser alone.
const offByProfile = document.body.dataset.keys === "off";
export const singleKeys = () => !offByProfile && localStorage.getItem(storage) !== "off";
const works = (key) => key.presses.some((sequence) => singleKeys() || !sequence.some(single));

let before = []; // the keys of a sequence so far
let last = 0;

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  if ((mac ? event.ctrlKey : event.metaKey) || event.altKey && event.key.length === 1) return; // the system's
  const name = pressed(event);
  if (event.timeStamp - last > pause) before = [];
  last = event.timeStamp;
  const typed = [...before, name];
  before = [];
  for (const key of table) {
    if (!applies(key, name, event.target)) continue;
    for (const sequence of key.presses) {
      if (!typed.every((k, i) => k === sequence[i])) continue;
      if (typed.length < sequence.length) { before = typed; continue; }
      if (run(key)) { event.preventDefault(); return; }
    }
  }
});

function applies(key, name, at) {
  if (document.querySelector("dialog[open]") && name !== "Escape" && !key.inFields) return false;
  if (inField(at) && !key.inFields) return false;
  // Enter and the arrows belong to the control that has the focus.
  if (["Enter", "ArrowDown", "ArrowUp"].includes(name) && at !== document.body && !at.matches?.("[data-open], main")) return false;
  return !single(name) || singleKeys();
}

on("keys", () => { if (!sheet.open) sheet.showModal(); });
on("search", () => {
  const field = [...document.querySelectorAll('main [type="search"], main [data-search]')].find((e) => e.checkVisibility());
  if (!field) return false;
  field.focus();
  field.select?.();
});
on("leave", () => {
  const open = document.querySelector("dialog[open]");
  if (open) { open.close(); return true; }
  if (!inField(document.activeElement)) return false;
  document.activeElement.blur();
});

// Controls tell their key: to the eye by their tip, to assistive technology by name.
for (const key of table) {
  for (const control of document.querySelectorAll(`[data-act="${CSS.escape(key.act)}"]`)) {
    control.hidden = false;
    if (works(key)) control.setAttribute("aria-keyshortcuts", key.presses[0].join(" "));
    if (works(key) && !control.querySelector("kbd") && !control.dataset.tip) control.title = `${key.name} (${key.shown})`;
    if (actions.has(key.act)) control.addEventListener("click", () => run(key));
  }
}

const toggle = document.getElementById("keys-on");
if (toggle) toggle.checked = singleKeys();
toggle?.addEventListener("change", () => localStorage.setItem(storage, toggle.checked ? "on" : "off"));

// Keys die in the frame of a mail's body, whose sandbox lets no event out: when the
// focus went there and nothing was selected, it comes back.
addEventListener("blur", () => setTimeout(() => {
  if (document.activeElement?.tagName === "IFRAME" && !document.getSelection()?.toString()) document.getElementById("main").focus({ preventScroll: true });
}, 300));
