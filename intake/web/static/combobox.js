// A select marked data-combobox whose options are found by their letters. It stays
// the field that is sent, and is all there is without JavaScript.
import { rank } from "./rank.js";

for (const select of document.querySelectorAll("select[data-combobox]")) enhance(select);

function enhance(select) {
  const options = [...select.options];
  const input = document.createElement("input");
  const list = document.createElement("ul");
  const box = document.createElement("div");
  box.className = "combobox";
  list.className = "listbox";
  list.id = `${select.id}-list`;
  list.role = "listbox";
  list.hidden = true;
  input.id = `${select.id}-input`;
  input.type = "text";
  input.autocomplete = "off";
  input.spellcheck = false;
  input.role = "combobox";
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-describedby", select.getAttribute("aria-describedby") || "");
  for (const label of select.labels) {
    label.htmlFor = input.id;
    list.setAttribute("aria-label", label.textContent);
  }
  select.before(box);
  box.append(input, list, select);
  select.hidden = true;

  let found = [];
  let chosen = 0;
  const show = () => { input.value = select.selectedOptions[0]?.textContent.trim() ?? ""; };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };

  function open(letters) {
    found = options.map((option) => ({ option, rank: rank(option.textContent.trim(), letters) }))
      .filter((f) => f.rank >= 0).sort((a, b) => b.rank - a.rank).map((f) => f.option);
    list.replaceChildren(...found.map((option, i) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${i}`;
      item.role = "option";
      item.append(option.textContent.trim());
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(i); });
      return item;
    }));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(letters === "" ? Math.max(found.indexOf(select.selectedOptions[0]), 0) : 0);
  }

  function mark(i) {
    if (found.length === 0) return input.removeAttribute("aria-activedescendant");
    chosen = (i + found.length) % found.length;
    for (const [at, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(at === chosen));
    input.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  function take(i) {
    if (found[i] && found[i] !== select.selectedOptions[0]) {
      select.value = found[i].value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    show();
    close();
  }

  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => { if (list.hidden) open(""); });
  input.addEventListener("input", () => open(input.value.trim().toLowerCase()));
  input.addEventListener("blur", () => { show(); close(); });
  input.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      open("");
    } else if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen - 1);
    else if (event.key === "Enter") take(chosen);
    else if (event.key === "Escape") { show(); close(); }
    else return;
    event.preventDefault();
  });
  show();
  close();
}
