// What was done, told at the bottom of the window for a while, with a way back.
const region = document.getElementById("toasts");
const stays = 10_000; // ms, unless the pointer or the focus is on it

// toast shows words and, where undo is given, a button that calls it.
export function toast(words, undo) {
  const box = document.createElement("div");
  box.className = "toast";
  const text = document.createElement("span");
  text.append(words);
  box.append(text);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.dataset.act = "undo";
    button.append("Undo");
    button.addEventListener("click", () => { box.remove(); undo(); });
    box.append(button);
  }
  region.append(box);
  fade(box);
  return box;
}

// A way back that the server closes goes when it does.
function fade(box) {
  const until = Number(box.dataset.until);
  if (until) { setTimeout(() => box.remove(), Math.max(0, until - Date.now())); return; }
  const again = () => setTimeout(() => {
    if (box.matches(":hover, :focus-within")) again();
    else box.remove();
  }, stays);
  again();
}

for (const box of region.querySelectorAll(".toast")) fade(box); // those that the server wrote
