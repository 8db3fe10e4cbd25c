// The address is checked when the field is left, by the server and in its words: a
// slip is mended while one still knows what was meant. Where that fails, the check
// at sending stands.
import { clear, show } from "./faults.js";

export function addressCheck(form) {
  const field = form.querySelector("input[data-check]");
  if (!field) return;
  for (const button of form.querySelectorAll("[data-fix]")) {
    button.hidden = false;
    button.parentElement.querySelector("[data-fix-text]").hidden = true;
    button.addEventListener("click", () => take(field, button.dataset.fix));
  }
  let turn = 0;
  field.addEventListener("input", () => {
    turn += 1;
    if (field.hasAttribute("aria-invalid")) clear(form, field.id);
  });
  field.addEventListener("change", async () => {
    const mine = turn;
    const answer = await ask(field, form.elements.lang.value);
    if (!answer || mine !== turn) return; // it has changed since
    if (answer.address && answer.address !== field.value) {
      field.value = answer.address;
      field.dispatchEvent(new Event("input", { bubbles: true })); // for the draft
    }
    if (!answer.fault) return clear(form, field.id);
    show(form, field.id, answer.fault, ...(answer.fix ? [meant(field, answer.fix)] : []));
    if (answer.sure) confirmed(field, answer.sure);
  });
}

async function ask(field, lang) {
  if (!field.value.trim()) return null;
  try {
    const answer = await fetch(field.dataset.check, {
      method: "POST",
      body: new URLSearchParams({ email: field.value, lang }),
      headers: { Accept: "application/json" },
    });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// take writes what was meant and has it checked in its turn.
function take(field, address) {
  field.value = address;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
}

// meant offers another address.
function meant(field, address) {
  const line = Object.assign(document.createElement("span"), { className: "meant" });
  const button = Object.assign(document.createElement("button"), { type: "button", className: "plain inline" });
  button.append(Object.assign(document.createElement("bdi"), { textContent: address }));
  button.addEventListener("click", () => take(field, address));
  line.append(`${field.dataset.tMeant} `, button, field.dataset.tMeantEnd);
  return line;
}

// confirmed notes which address was asked about: sent as it is, it is meant.
function confirmed(field, address) {
  let sure = field.form.querySelector("input[name=sure]");
  if (!sure) {
    sure = Object.assign(document.createElement("input"), { type: "hidden", name: "sure" });
    field.after(sure);
  }
  sure.value = address;
}
