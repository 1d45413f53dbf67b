// Short names for what every part of the page does.

export function element(id) {
  return document.getElementById(id);
}

/** An element with this text, which is never read as markup. */
export function create(name, className, text) {
  const created = document.createElement(name);
  created.className = className;
  if (text !== undefined) created.textContent = text;
  return created;
}

/** Sets a text if it differs: an unchanged one must not end a selection. */
export function write(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

/** The path of bars as high as these numbers, in a box as wide as there are of them. */
export function bars(numbers, height) {
  const max = Math.max(...numbers, 1);
  return numbers
    .map((number, index) => {
      const top = number > 0 ? Math.max((number / max) * height, 1) : 0.4;
      return `M${index} ${height}v-${top.toFixed(2)}h.85v${top.toFixed(2)}z`;
    })
    .join("");
}
