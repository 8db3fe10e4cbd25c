// Leads to the message that has just been added, and tells of it once: the page
// loaded again, or come back to, says no more that it is new.
const added = document.querySelector("[data-added]");
if (added) {
  added.scrollIntoView();
  added.focus({ preventScroll: true });
  const here = new URL(location.href);
  here.searchParams.delete("added");
  history.replaceState(history.state, "", here);
}
