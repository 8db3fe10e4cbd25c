// The list of chosen files: each with its size and a way to take it back.
// Choosing again adds to the list. The browser's own field stays the source: the
// list is written back into it, so the form also sends without this script.
import { clear } from "./faults.js";

const size = (n) => n < 1000 ? n + " B" : n < 1000 * 1024 ? Math.round(n / 1024) + " KB" : (n / 1048576).toFixed(n < 10 * 1048576 ? 1 : 0) + " MB";

// named is how many files are named that stay out.
const named = 10;

// refusedEnding is the ending for which a file of this name is refused, "" for
// none: the server's list by the server's rule (endings.go), which has the last
// word.
function refusedEnding(name, refused) {
  const plain = name.replace(/\p{Cc}/gu, ":")
    .replace(/\p{Cf}|\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/[\u3002\uFF61]/g, ".").normalize("NFKC").toLowerCase();
  const last = plain.replaceAll("\\", "/").replace(/[/. ]+$/, "").split("/").pop();
  for (const part of last.split(":")) {
    const bare = part.replace(/[. ]+$/, "");
    const ending = bare.includes(".") ? bare.slice(bare.lastIndexOf(".") + 1) : "";
    if (ending.startsWith("{") || refused.has(ending)) return "." + ending;
  }
  return "";
}

export function fileList(form, before) {
  const root = form.querySelector("[data-files]");
  const input = root.querySelector("input[type=file]");
  const list = root.querySelector("[data-list]");
  const problem = root.querySelector("[data-problem]");
  const drop = root.querySelector("[data-drop]");
  const limit = { files: Number(root.dataset.maxFiles), file: Number(root.dataset.maxFile), total: Number(root.dataset.maxTotal) };
  const refused = new Set(root.dataset.refused.split(" "));
  let chosen = []; // the server keeps the files of a refused post: those stand in the form already

  const keptBoxes = () => [...root.querySelectorAll("[data-kept]")].filter((el) => el.querySelector("input").checked);
  const write = () => {
    const transfer = new DataTransfer();
    for (const file of chosen) transfer.items.add(file);
    input.files = transfer.files;
    draw();
  };

  // fault is the sentence for which a file stays out, as the server has it.
  function fault(file) {
    const kept = keptBoxes();
    const total = [...chosen, file].reduce((sum, f) => sum + f.size, 0) +
      kept.reduce((sum, el) => sum + Number(el.dataset.size), 0);
    const ending = refusedEnding(file.name, refused);
    let text = "";
    if (ending) text = root.dataset.tEnding.replace("%e", () => ending);
    else if (chosen.length + kept.length >= limit.files) text = root.dataset.tMany;
    else if (file.size === 0) text = root.dataset.tEmpty;
    else if (file.size > limit.file) text = root.dataset.tLarge;
    else if (total > limit.total) text = root.dataset.tTotal;
    return text.replace("%s", () => file.name);
  }

  function add(files) {
    const faults = [];
    for (const file of files) {
      if (chosen.some((f) => f.name === file.name && f.size === file.size && f.lastModified === file.lastModified)) continue;
      const text = fault(file);
      if (text) faults.push(text);
      else chosen.push(file);
    }
    say(faults);
    write();
  }

  // say names what stays out; of a whole folder the first of it.
  function say(faults) {
    const lines = faults.slice(0, named);
    if (faults.length > named) lines.push("+" + (faults.length - named));
    const fault = (text) => Object.assign(document.createElement("span"), { className: "fault", textContent: text });
    problem.replaceChildren(...lines.map(fault));
    problem.hidden = faults.length === 0;
  }

  function draw() {
    list.replaceChildren(...chosen.map(item));
    list.hidden = chosen.length === 0;
  }

  function item(file) {
    const li = document.createElement("li");
    li.className = "file fade";
    const label = document.createElement("span");
    label.className = "file-keep";
    label.append(icon("clip"), Object.assign(document.createElement("bdi"), { className: "file-name", textContent: file.name }));
    const bytes = Object.assign(document.createElement("bdi"), { className: "file-size", dir: "ltr", textContent: size(file.size) });
    const remove = Object.assign(document.createElement("button"), { type: "button" });
    remove.setAttribute("aria-label", root.dataset.tRemove.replace("%s", () => file.name));
    remove.append(icon("cross"));
    remove.addEventListener("click", () => {
      chosen = chosen.filter((f) => f !== file);
      say([]);
      clear(form, input.id);
      write();
      (list.querySelector("button") ?? input).focus();
    });
    li.append(label, bytes, remove);
    return li;
  }

  // The browser's own field speaks the browser's language; the label beside it
  // the reader's, and opens the same window.
  input.classList.add("vh");
  drop.querySelector("[data-pick]").hidden = false;
  input.addEventListener("change", () => {
    clear(form, input.id);
    add([...input.files].filter((f) => !chosen.includes(f)));
  });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    clear(form, input.id);
    add([...event.dataTransfer.files]);
  });
  // Chosen before this script ran, given back by the browser, or not taken by the
  // server the last time; what it did take stands in the form already.
  const taken = [...root.querySelectorAll("[data-kept] .file-name")].map((el) => el.textContent);
  add([...input.files, ...before.filter((f) => !taken.includes(f.name))]);

  return {
    // unreadable takes off the list what has changed or moved since it was chosen,
    // and folders: no browser sends those, nor says which of them it was. It
    // returns whether there was any.
    async unreadable() {
      const readable = await Promise.all(chosen.map((file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
      const lost = chosen.filter((_, i) => !readable[i]);
      if (lost.length === 0) return false;
      chosen = chosen.filter((_, i) => readable[i]);
      say(lost.map((file) => root.dataset.tUnreadable.replace("%s", () => file.name)));
      write();
      return true;
    },
    // progress shows how much of each file has gone; files are sent in order.
    progress(sent) {
      list.querySelectorAll(".file").forEach((li, i) => {
        const file = chosen[i];
        let bar = li.querySelector("progress");
        if (!bar) { bar = document.createElement("progress"); li.append(bar); li.querySelector("button").hidden = true; }
        bar.max = Math.max(1, file.size);
        bar.value = Math.max(0, Math.min(file.size, sent));
        sent -= file.size;
      });
    },
    chosen: () => chosen,
    total: () => chosen.reduce((sum, f) => sum + f.size, 0),
    reset: draw,
  };
}

const paths = {
  clip: "m14.5 8.5-5.6 5.6a2.1 2.1 0 0 1-3-3l6-6a3.5 3.5 0 0 1 5 5l-6.2 6.2a5 5 0 0 1-7-7L9.2 3.8",
  cross: "m5 5 10 10M15 5 5 15",
};

function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  for (const [k, v] of Object.entries({ class: "icon", viewBox: "0 0 20 20", fill: "none", stroke: "currentColor", "stroke-width": "1.5", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(k, v);
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
