// A fault stands at its field until it is mended: then its sentence goes, there and
// in the list above the form.
const outOf = (form, id) => form.querySelector(`#${id}-fault`);

// mendable watches the fields for it. Files and the address have checks of their
// own, which call clear and show.
export function mendable(form) {
  const fields = "input:not([type=hidden]):not([type=file]):not([data-check]), textarea, select";
  for (const el of form.querySelectorAll(fields)) {
    const look = () => { if (el.hasAttribute("aria-invalid") && sound(el)) clear(form, el.id); };
    el.addEventListener("input", look);
    el.addEventListener("change", look);
  }
}

// sound tells whether a field holds what the server asks of it.
function sound(el) {
  const length = [...el.value.trim()].length;
  const { least = el.required ? 1 : 0, most = Infinity, count = most } = el.dataset;
  return length >= Number(least) && length <= Number(count);
}

// clear takes a field's fault away.
export function clear(form, id) {
  const el = form.querySelector(`#${id}`);
  outOf(form, id)?.remove();
  if (!el) return;
  el.removeAttribute("aria-invalid");
  describe(el, (ids) => ids.filter((other) => other !== `${id}-fault`));
  const summary = form.querySelector("#summary");
  for (const link of summary?.querySelectorAll(`a[href="#${id}"]`) ?? []) link.closest("li").remove();
  if (!summary || summary.querySelector("li")) return;
  document.title = document.title.replace(summary.dataset.prefix, "").trim();
  summary.remove();
}

// show puts a sentence at a field, and behind it what else is to stand there.
export function show(form, id, sentence, ...more) {
  clear(form, id);
  const el = form.querySelector(`#${id}`);
  const out = Object.assign(document.createElement("span"), { id: `${id}-fault` });
  out.setAttribute("role", "alert");
  out.append(Object.assign(document.createElement("span"), { className: "fault", textContent: sentence }), ...more);
  el.closest(".field").append(out);
  el.setAttribute("aria-invalid", "true");
  describe(el, (ids) => [...ids, out.id]);
}

function describe(el, change) {
  const ids = change((el.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  if (ids.length) el.setAttribute("aria-describedby", ids.join(" "));
  else el.removeAttribute("aria-describedby");
}
