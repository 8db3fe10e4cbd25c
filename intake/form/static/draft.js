// A draft of what is typed is kept in this browser until the post is accepted,
// so that a closed tab or a dead battery loses nothing. It never leaves the
// machine, holds no files, and is forgotten after a week.
const kept = 7 * 24 * 3600 * 1000;
const name = (key) => "draft:" + key;
const fields = (form) => [...form.querySelectorAll("input:not([type=hidden]):not([type=file]):not([type=checkbox]), textarea, select")]
  .filter((el) => el.name && el.name !== "website");

// keepDraft returns what forgets the draft, for when the post has been accepted:
// from then on nothing more is kept of this form.
export function keepDraft(form, refused) {
  const key = form.dataset.draft;
  // A refused post comes back with everything in it; only a fresh form is filled.
  if (!refused) restore(form, key);
  let timer = 0;
  let accepted = false;
  const keep = () => { if (timer && !accepted && form.isConnected) save(form, key); };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 300);
  });
  addEventListener("pagehide", keep);
  return () => { accepted = true; forget(key); };
}

function forget(key) {
  try { localStorage.removeItem(name(key)); } catch { /* no storage, no draft */ }
}

function save(form, key) {
  const values = {};
  for (const el of fields(form)) if (el.value) values[el.name] = el.value;
  try {
    if (values.description || values.title) localStorage.setItem(name(key), JSON.stringify({ at: Date.now(), values }));
    else localStorage.removeItem(name(key));
  } catch { /* storage full or forbidden: the form works as without it */ }
}

function restore(form, key) {
  let draft = null;
  try { draft = JSON.parse(localStorage.getItem(name(key))); } catch { return; }
  if (!draft || Date.now() - draft.at > kept) return forget(key);
  const empty = fields(form).filter((el) => draft.values[el.name] && (!el.value || el.tagName === "SELECT"));
  if (form.querySelector("textarea").value || !empty.length) return;
  for (const el of empty) el.value = draft.values[el.name];
  const note = form.querySelector("[data-restored]");
  note.hidden = false;
  note.querySelector("[data-discard]").addEventListener("click", () => {
    forget(key);
    for (const el of empty) el.value = "";
    note.hidden = true;
    form.querySelector("textarea").dispatchEvent(new Event("input", { bubbles: true }));
  });
}
