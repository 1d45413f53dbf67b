// Data as people read it: JSON indented and coloured, token by token, so that
// no digit of a long number is lost to a conversion.

const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([{}[\],:])/gs;

/** Bounds of what is drawn. */
const TOKENS_MAX = 5_000;
const LENGTH_MAX = 200_000;
const INDENT_MAX = 40;

/** A fragment for a `pre`; `note` says what was left out. */
export function pretty(data) {
  const isJson = parses(data);
  const cut = data.length > LENGTH_MAX ? data.slice(0, LENGTH_MAX) : data;
  const fragment = document.createDocumentFragment();
  let rest = data.length - cut.length;
  if (isJson) rest = data.length - indent(cut, fragment);
  else fragment.append(cut);
  return { fragment, isJson, note: rest > 0 ? `${rest} more characters are not shown` : "" };
}

/** The coloured tokens of the start of some data, on one line. */
export function preview(data, max) {
  const fragment = document.createDocumentFragment();
  const text = printable(data.slice(0, max));
  const isJson = /^\s*[[{]/.test(text);
  let end = 0;
  for (const match of isJson ? text.matchAll(TOKEN) : []) {
    fragment.append(text.slice(end, match.index), token(match, text));
    end = match.index + match[0].length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

/** Control characters as their pictures (U+2400 and on). */
export function printable(text) {
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) =>
    character === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + character.charCodeAt(0)));
}

function parses(data) {
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

/** Appends the indented tokens, and returns how much of the text they were. */
function indent(text, fragment) {
  let depth = 0;
  let count = 0;
  let end = 0;
  let previous = "";
  const newline = () => fragment.append(`\n${"  ".repeat(Math.min(depth, INDENT_MAX))}`);
  for (const match of text.matchAll(TOKEN)) {
    if (++count > TOKENS_MAX) return end;
    const [value] = match;
    const opens = value === "{" || value === "[";
    const closes = value === "}" || value === "]";
    if (closes) depth -= 1;
    if (previous === "," || (isOpening(previous) && !closes) || (closes && !isOpening(previous))) newline();
    fragment.append(token(match, text));
    if (value === ":") fragment.append(" ");
    if (opens) depth += 1;
    previous = value;
    end = match.index + value.length;
  }
  return text.slice(end).trim() === "" ? text.length : end;
}

function isOpening(value) {
  return value === "{" || value === "[";
}

function token(match, text) {
  const [value, string, number, word] = match;
  const span = document.createElement("span");
  const isKey = string !== undefined && /^\s*:/.test(text.slice(match.index + value.length, match.index + value.length + 8));
  span.className = isKey ? "key" : string !== undefined ? "string" : number !== undefined ? "number" : word ? "word" : "mark";
  span.textContent = value;
  return span;
}
