// rank is how well letters (in small) fit a name: 3 at its begin, 2 at that of a word, 1
// anywhere, 0 in order with others between, -1 not at all.
export function rank(name, letters) {
  const text = name.toLowerCase();
  if (letters === "") return 0;
  const at = text.indexOf(letters);
  if (at === 0) return 3;
  if (at > 0) return text[at - 1] === " " ? 2 : 1;
  let from = 0;
  for (const letter of letters) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return -1;
  }
  return 0;
}
