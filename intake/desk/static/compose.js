// Writing: the two forms, drafts that save themselves, pasted pictures, and controls in the
// details that send their form when they change.
import { toast } from "../web/toasts.js";

const page = document.querySelector("[data-ticket]");
const path = page?.dataset.path;
const pause = 700; // ms without a key until a draft is saved
const most = 2000; // ms of typing until it is saved in any case

for (const button of document.querySelectorAll("[data-without]")) button.hidden = true;

// A draft of one form.
class Draft {
  constructor(form) {
    this.form = form;
    this.body = form.querySelector("[data-body]");
    this.told = form.querySelector("[data-saved]");
    this.last = this.body.value;
    this.timer = 0;
    this.since = 0; // when the first unsaved key was pressed
    this.saving = null;
    this.sent = false;
    this.body.addEventListener("input", () => this.soon());
    form.addEventListener("change", (event) => { if (event.target.name === "kept") { this.last = null; this.soon(); } });
    form.addEventListener("submit", (event) => this.submit(event));
  }

  get changed() { return this.body.value !== this.last; }
  get chosen() { return this.form.querySelector('[name="files"]').files.length > 0; }

  soon() {
    const now = Date.now();
    this.since ||= now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), Math.max(0, Math.min(pause, this.since + most - now)));
  }

  // data is the form: without its files, which go with the answer itself, unless the page
  // is about to be left for another form's sake.
  data(files = false) {
    const data = new FormData(this.form);
    if (!files) data.delete("files");
    data.delete("idempotency_key");
    return data;
  }

  async save(files = false) {
    clearTimeout(this.timer);
    if (this.saving) await this.saving;
    if (this.sent || !this.changed && !(files && this.chosen)) return;
    const body = this.body.value;
    this.since = 0;
    this.saving = fetch(`${path}/draft`, { method: "POST", body: this.data(files), headers: { Accept: "application/json" } })
      .then((answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        this.last = body;
        this.told.textContent = `Draft saved ${new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
        this.body.defaultValue = body; // what is saved keeps no part of the page from being put in place
      })
      .catch(() => {
        this.told.textContent = "Draft not saved, trying again";
        this.timer = setTimeout(() => this.save(), 5000);
      })
      .finally(() => { this.saving = null; });
    await this.saving;
  }

  // A save that is under way comes first: after the answer it would be a draft again.
  submit(event) {
    clearTimeout(this.timer);
    if (!this.saving || this.sent) { this.sent = true; return; }
    event.preventDefault();
    const by = event.submitter;
    this.saving.finally(() => { this.form.requestSubmit(by); });
  }

  // leave saves what the page goes away with.
  leave() {
    if (this.sent || !this.changed) return;
    fetch(`${path}/draft`, { method: "POST", body: this.data(), headers: { Accept: "application/json" }, keepalive: true }).catch(() => {});
  }
}

const drafts = [...document.querySelectorAll("[data-composer]")].map((form) => new Draft(form));
addEventListener("pagehide", () => { for (const draft of drafts) draft.leave(); });

export async function saveDrafts(files = false) {
  for (const draft of drafts) await draft.save(files);
}

// Whatever form is sent, what stands in the others is saved first, their files too: the page
// that answers shows all of it again, also where it refuses.
let saved = false;
addEventListener("submit", async (event) => {
  const form = event.target;
  const others = drafts.filter((draft) => draft.form !== form && (draft.changed || draft.chosen || draft.saving));
  if (event.defaultPrevented || form.method !== "post" || saved || others.length === 0) return;
  event.preventDefault();
  const own = drafts.find((draft) => draft.form === form);
  if (own) own.sent = false;
  for (const draft of others) await draft.save(true);
  saved = true; // a save that failed does not keep the form from being sent
  form.requestSubmit(event.submitter);
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  saved = false;
  for (const draft of drafts) draft.sent = false;
});

// typed tells whether something was typed within so many ms.
let lastKey = 0;
export const typed = (within) => performance.now() - lastKey < within && lastKey > 0;
for (const draft of drafts) draft.body.addEventListener("input", () => { lastKey = performance.now(); });

// The first key of a reply takes a ticket that is unassigned, and says so. Leaving the page
// without a text gives it back, also after the page was loaded again.
const claimed = path && `signpost.claimed ${path}`;
const assign = (agent, more = {}) => fetch(`${path}/assign`, {
  method: "POST", body: new URLSearchParams({ agent, ...more }), headers: { Accept: "application/json" }, keepalive: true,
}).catch(() => null);
const replyBody = document.getElementById("reply-body");
const reply = drafts.find((draft) => draft.body === replyBody);

replyBody?.addEventListener("input", async () => {
  const me = page.dataset.claim;
  if (!me || replyBody.value === "") return;
  delete page.dataset.claim;
  const answer = await assign(me);
  if (!answer?.ok) return;
  sessionStorage.setItem(claimed, me);
  const chosen = document.getElementById("d-assign");
  chosen.value = me;
  toast("The ticket is assigned to you, since you write to its partner", async () => {
    sessionStorage.removeItem(claimed);
    if ((await assign("", { from: me }))?.ok) chosen.value = "";
  });
});
// An assignment that is made by hand stays.
addEventListener("submit", (event) => { if (event.target.getAttribute("action") === `${path}/assign`) sessionStorage.removeItem(claimed); });
addEventListener("pagehide", () => {
  const me = claimed && sessionStorage.getItem(claimed);
  if (!me) return;
  if (reply.sent) return sessionStorage.removeItem(claimed);
  if (replyBody.value.trim() !== "" || reply.chosen || reply.form.querySelector('[name="kept"]:checked')) return;
  sessionStorage.removeItem(claimed);
  assign("", { from: me });
  page.dataset.claim = me; // for a page that is come back to as it was left
});

// Choosing what to write puts the caret there.
for (const label of document.querySelectorAll(".compose-tabs label")) {
  label.addEventListener("click", () => setTimeout(() => {
    const body = document.getElementById(label.htmlFor === "w-note" ? "note-body" : "reply-body");
    body.focus();
    body.setSelectionRange(body.value.length, body.value.length);
  }));
}
if (location.hash === "#write") document.querySelector(".compose-tabs :checked + label")?.click();

// Files: those chosen one after the other add up, each can be taken off again, and a picture
// that is pasted becomes one, with its place in the text.
class Files {
  constructor(form) {
    this.input = form.querySelector('input[type="file"]');
    this.list = form.querySelector("[data-chosen]");
    this.body = form.querySelector("[data-body]");
    this.attaching = form.querySelector("[data-attaching]");
    this.files = [...this.input.files];
    this.input.classList.add("vh");
    this.input.addEventListener("change", () => this.add([...this.input.files]));
    this.body.addEventListener("paste", (event) => this.paste(event));
    form.addEventListener("change", (event) => { if (event.target.name === "kept") this.say(); });
    form.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
    form.addEventListener("drop", (event) => {
      if (event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
    this.draw();
  }

  add(more) {
    this.files.push(...more.filter((file) => !this.files.includes(file)));
    this.draw();
  }

  draw() {
    const transfer = new DataTransfer();
    for (const file of this.files) transfer.items.add(file);
    this.input.files = transfer.files;
    this.files = [...this.input.files];
    this.list.replaceChildren(...this.files.map((file) => {
      const item = document.createElement("li");
      item.className = "chip";
      const name = document.createElement("bdi");
      name.append(file.name);
      const off = Object.assign(document.createElement("button"), { type: "button", textContent: "\u00d7", ariaLabel: `Remove ${file.name}` });
      off.addEventListener("click", () => { this.files = this.files.filter((f) => f !== file); this.draw(); });
      item.append(name, off);
      return item;
    }));
    this.say();
  }

  // say tells whether the files go along in the mail of the reply.
  say() {
    const limit = Number(this.attaching?.dataset.attaching);
    if (!limit) return;
    const kept = [...this.list.closest("form").querySelectorAll('[name="kept"]:checked')];
    const sizes = [...kept.map((box) => Number(box.dataset.bytes)), ...this.files.map((file) => file.size)];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const { none, attached, linked } = this.attaching.dataset;
    this.attaching.textContent = sizes.length === 0 ? none : total <= limit ? attached : linked;
  }

  paste(event) {
    const pictures = [...event.clipboardData.files];
    if (pictures.length === 0) return;
    event.preventDefault();
    for (const picture of pictures) {
      const ending = picture.name.split(".").pop() || "png";
      const name = `pasted-${this.files.length + 1}-${Date.now() % 1e6}.${ending}`;
      this.add([new File([picture], name, { type: picture.type })]);
      this.body.setRangeText(`![${name}](${name})`, this.body.selectionStart, this.body.selectionEnd, "end");
    }
    this.body.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

for (const form of document.querySelectorAll("[data-composer]")) new Files(form);

for (const control of document.querySelectorAll("[data-sends]")) {
  control.addEventListener("change", async () => {
    await saveDrafts();
    control.form.requestSubmit();
  });
}
