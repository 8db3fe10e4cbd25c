// Sends the form in the background, to show how far it has come. The answer is
// the same page the browser would have got: the received page, or the form again
// with its faults.
import { solve } from "./proof.js";

// The answers after which the same files may be sent again as they are: cut off,
// too slow, too many posts, nothing can be saved.
const later = [400, 408, 429, 503];

// page.replace shows an answer in place of the form, page.accepted is called when
// the post was taken.
export async function send(form, files, page) {
  const button = form.querySelector("[data-submit]");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const area = form.querySelector("[data-sending]");
  const status = form.querySelector("[data-status]");
  const bar = area.querySelector("progress");
  area.hidden = false;
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const again = (why) => {
    button.removeAttribute("aria-disabled");
    bar.hidden = true;
    say(why);
    files.reset();
  };

  if (await files.unreadable()) return again("");
  const work = form.querySelector("input[name=work]");
  if (work && !work.value) {
    bar.removeAttribute("value");
    say(status.dataset.tWorking);
    work.value = await solve(work.dataset.challenge, work.dataset.worker);
  }

  const body = new FormData(form);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.hidden = false;
    bar.value = 100 * event.loaded / event.total;
    files.progress(event.loaded - (event.total - files.total())); // texts go first
    say(event.loaded < event.total ? status.dataset.tSending : status.dataset.tSaving);
  });
  request.addEventListener("load", () => {
    const moved = new URL(request.responseURL).pathname !== new URL(form.action).pathname || request.responseURL.includes("added=");
    if (request.status === 200 && moved) {
      page.accepted();
      location.assign(request.responseURL);
    } else if (!page.replace(request.responseText, later.includes(request.status) ? files.chosen() : [])) {
      // Not our page: a proxy before us may take less than we do.
      again(request.status === 413 ? status.dataset.tLarge : status.dataset.tFailed);
    }
  });
  for (const lost of ["error", "abort", "timeout"]) request.addEventListener(lost, () => again(status.dataset.tFailed));
  say(status.dataset.tSending);
  request.send(body);
}
