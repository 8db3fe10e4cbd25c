// The keys of a ticket on the row of a list that has the focus: what is done shows in the row
// at once, is told with a way back, and is taken away again with a sentence where the server
// refuses it.
import { on } from "../web/keys.js";
import { localTimes } from "../web/times.js";
import { toast } from "../web/toasts.js";

const dialog = document.querySelector("[data-row-acts]");
const rowOf = (root, path) => root.querySelector(`[data-ticket-row="${CSS.escape(path)}"]`);

if (dialog) {
  for (const act of ["assign", "status", "priority", "category", "tags"]) on(act, () => ask(act));
  on("mine", () => at((row) => send(row, "assign", dialog.dataset.rowActs)));
  on("solve", () => at((row) => send(row, "status", "solved")));
}

// at runs on the current row; false where there is none.
function at(run) {
  const row = document.activeElement?.closest("[data-ticket-row]");
  if (!row) return false;
  run(row);
}

function ask(act) {
  return at((row) => {
    for (const form of dialog.querySelectorAll("[data-row-act]")) form.hidden = form.dataset.rowAct !== act;
    const form = dialog.querySelector(`[data-row-act="${act}"]`);
    const field = form.querySelector("select, input");
    dialog.querySelector("[data-row-act-title]").textContent = numberOf(row);
    field.value = row.dataset[act];
    dialog.returnValue = "";
    dialog.onclose = () => { // the list may have been put in place anew meanwhile
      const now = rowOf(document, row.dataset.ticketRow) ?? row;
      now.querySelector("[data-open]")?.focus({ preventScroll: true });
      if (dialog.returnValue === "set" && field.value !== now.dataset[act]) send(now, act, field.value);
    };
    field.onkeydown = (event) => { // a select keeps Enter to itself
      if (event.key !== "Enter") return;
      event.preventDefault();
      dialog.close("set");
    };
    dialog.showModal();
    field.focus();
    field.select?.();
  });
}

const numberOf = (row) => row.querySelector(".mono").textContent;
const fieldOf = (act) => dialog.querySelector(`[data-row-act="${act}"]`).dataset.field;

function wordsOf(act, value) {
  const field = dialog.querySelector(`[data-row-act="${act}"]`).querySelector("select, input");
  const words = [...(field.options ?? [])].find((o) => o.value === value)?.textContent ?? value;
  const label = { assign: "assigned to", status: "status", priority: "priority", category: "category", tags: "tags" }[act];
  return `${label} ${words || "none"}`;
}

async function send(row, act, value, back = true) {
  const path = row.dataset.ticketRow;
  const number = numberOf(row);
  const was = row.dataset[act];
  const mark = document.createElement("span");
  mark.className = "badge teal row-doing";
  mark.append(wordsOf(act, value));
  row.querySelector(".row-line .end").prepend(mark);
  const answer = await fetch(`${path}/${act}`, {
    method: "POST", body: new URLSearchParams({ [fieldOf(act)]: value }), headers: { Accept: "application/json" },
  }).catch(() => null);
  if (!answer?.ok) {
    mark.remove();
    const why = answer ? (await answer.json().catch(() => ({}))).error : "The server cannot be reached.";
    toast(`${number} was not changed. ${why ?? ""}`);
    return;
  }
  await again(path);
  const words = `${number}: ${wordsOf(act, value)}`;
  if (back) toast(words, () => send(rowOf(document, path) ?? row, act, was, false));
  else toast(words);
}

// again shows the row as it is now. One that left the view stays where it was, and says so.
async function again(path) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "Signpost-Live": "1" }, cache: "no-store" }).catch(() => null);
  const row = rowOf(document, path);
  if (!answer?.ok || !row) return;
  const fresh = rowOf(new DOMParser().parseFromString(await answer.text(), "text/html"), path);
  row.querySelector(".row-doing")?.remove();
  if (!fresh) {
    row.classList.add("row-left");
    if (!row.querySelector(".row-gone")) row.insertAdjacentHTML("beforeend", '<p class="row-gone soft">No longer in this view</p>');
    return;
  }
  const focused = row.contains(document.activeElement);
  row.replaceWith(fresh);
  localTimes(fresh);
  if (focused) fresh.querySelector("[data-open]")?.focus({ preventScroll: true });
}
