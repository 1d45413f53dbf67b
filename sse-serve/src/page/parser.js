// The event stream format, from bytes to events (HTML Living Standard §9.2.6).

/** The longest line, and the most data of one event, in UTF-16 code units. */
const LENGTH_MAX = 16 << 20;

/** The longest event id, in UTF-16 code units. */
const ID_MAX = 64 << 10;

/** What is over a limit ends the stream for good: half an event is no event. */
export class TooLong extends Error {}

/**
 * Parses one response; the next one needs a new parser, which takes over the
 * last event ID.
 *
 * `sink.event({ type, data, id })`, `sink.retry(milliseconds)` and
 * `sink.comment(text)` are called in the order of the stream.
 */
export class Parser {
  lastEventId;
  #sink;
  #closed = false;
  // Replaces invalid bytes by U+FFFD and strips one leading BOM, as the standard asks.
  #decoder = new TextDecoder();
  #line = "";
  #afterCarriageReturn = false;
  #type = "";
  #data = [];
  #dataLength = 0;
  #id;

  constructor(lastEventId, sink) {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
    this.#sink = sink;
  }

  push(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    const ends = /[\r\n]/g;
    let start = this.#afterCarriageReturn && text[0] === "\n" ? 1 : 0;
    this.#afterCarriageReturn = false;
    while (!this.#closed) {
      ends.lastIndex = start;
      const end = ends.exec(text)?.index;
      if (end === undefined) break;
      const line = this.#line + text.slice(start, end);
      this.#line = "";
      start = end + 1;
      if (text[end] === "\r") {
        if (text[start] === "\n") start += 1;
        else this.#afterCarriageReturn = start === text.length;
      }
      this.#take(line);
    }
    if (this.#closed) return;
    this.#line += text.slice(start);
    limit("a line", this.#line.length, LENGTH_MAX);
  }

  /** Nothing is dispatched any more, not even what was pushed already. */
  close() {
    this.#closed = true;
  }

  #take(line) {
    limit("a line", line.length, LENGTH_MAX);
    if (line === "") {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.#sink.comment(line.slice(1));
      return;
    }
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    this.#field(name, value);
  }

  #field(name, value) {
    switch (name) {
      case "event":
        this.#type = value;
        break;
      case "data":
        this.#data.push(value);
        this.#dataLength += value.length + 1;
        limit("an event", this.#dataLength, LENGTH_MAX);
        break;
      case "id":
        limit("an event id", value.length, ID_MAX);
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.#sink.retry(Number(value));
        break;
    }
  }

  #dispatch() {
    this.lastEventId = this.#id;
    const lines = this.#data;
    const type = this.#type || "message";
    this.#data = [];
    this.#dataLength = 0;
    this.#type = "";
    if (lines.length === 0) return;
    this.#sink.event({ type, data: lines.join("\n"), id: this.lastEventId });
  }
}

function limit(what, length, max) {
  if (length > max) throw new TooLong(`${what} is longer than ${max} characters`);
}
