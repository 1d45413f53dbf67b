// The subscription that the form describes, and what becomes of it.

import { element } from "./dom.js";
import { duration, number } from "./format.js";
import { printable } from "./json.js";
import { Source } from "./source.js";
import { authorization } from "./token.js";

/** The server takes no request without a good credential. */
const UNAUTHORIZED = 401;

/** The comment that only keeps a connection alive. */
const KEEPALIVE = "keepalive";

/** Of a text from the stream, how much a mark repeats. */
const TEXT_MAX = 200;

/** Fields of the form, by the name they have in the page's own address. */
const FIELDS = { topic: "topics", event: "events", session: "session", from: "start", last: "last", after: "after" };

export class Connection {
  state = { name: "closed" };
  /** When the state was reached, and when anything last came: a heartbeat is something too. */
  since = Date.now();
  lastByte = null;
  reconnects = 0;
  gaps = 0;
  url = "";
  source = null;
  #store;
  #on;
  /** The mark of the outage under way. */
  #outage = null;
  #wasOpen = false;

  /**
   * `on.added(entry)` and `on.restated(entry)` tell of the store's entries,
   * `on.changed()` of the state.
   */
  constructor(store, on) {
    this.#store = store;
    this.#on = on;
    document.querySelector("#subscribe form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.open();
    });
    element("disconnect").addEventListener("click", () => this.source?.close());
    element("start").addEventListener("change", showStart);
    readAddress();
    showStart();
  }

  open() {
    this.source?.close();
    const { query, lastEventId } = request();
    const url = query === "" ? "events/stream" : `events/stream?${query}`;
    // With a token in place of one that was refused, it goes on where it was.
    const resumes = this.state.status === UNAUTHORIZED && url === this.url;
    const resumed = resumes ? this.source.lastEventId : "";
    this.url = url;
    this.#outage = null;
    this.#wasOpen = false;
    this.source = this.#subscribe(lastEventId || resumed);
    writeAddress();
  }

  replayAfter(id) {
    element("start").value = "after";
    element("after").value = id;
    showStart();
    this.open();
  }

  #subscribe(lastEventId) {
    return new Source(this.url, lastEventId, {
      event: (event) => this.#event(event),
      comment: (text) => this.#comment(text),
      bytes: (count) => this.#bytes(count),
      state: (state) => this.#changed(state),
    }, authorization);
  }

  #event(event) {
    const now = Date.now();
    if (event.type === "gap") {
      this.gaps += 1;
      this.#store.addEvent(event, now, "warn", gapText(event));
    } else if (event.type === "connected") {
      this.#store.addEvent(event, now, "good", `connected · from ${printable(event.id.slice(0, TEXT_MAX))}`);
    } else {
      this.#store.addEvent(event, now);
    }
    this.#on.added(this.#store.newest);
  }

  #bytes(count) {
    this.lastByte = Date.now();
    this.#store.bytes.add(count, this.lastByte);
  }

  #comment(text) {
    if (text !== KEEPALIVE && text !== "") this.#mark("warn", `the server says: ${printable(text.trim().slice(0, TEXT_MAX))}`);
  }

  #changed(state) {
    this.state = state;
    this.since = Date.now();
    element("disconnect").disabled = state.name === "closed" || state.name === "failed";
    element("connect").textContent = element("disconnect").disabled ? "Connect" : "Apply";
    if (state.name === "open") {
      if (this.#wasOpen) this.reconnects += 1;
      this.#wasOpen = true;
      this.#back();
    } else if (state.name === "waiting") {
      this.#waiting(state);
    } else if (state.name === "failed") {
      // The mend first: a narrow row ends before the reason does.
      const mend = state.status === UNAUTHORIZED ? "put a token into its field · " : "";
      this.#mark("bad", `failed · ${mend}${printable(state.reason)}`);
      if (state.status === UNAUTHORIZED) element("token").focus();
    } else if (state.name === "closed") {
      this.#mark("dim", "disconnected");
    }
    this.#on.changed();
  }

  /** One mark for an outage, however many attempts it takes. */
  #waiting({ reason, delay }) {
    const { failures } = this.source;
    if (!this.#outage) {
      this.#outage = this.#mark("bad", `${reason} · reconnecting in ${duration(delay)}`);
    } else {
      const tries = failures === 1 ? "1 attempt failed" : `${number(failures)} attempts failed`;
      this.#restate(`${tries}, the next in ${duration(delay)}`);
    }
  }

  #back() {
    if (this.#outage) this.#restate(`back after ${duration(Date.now() - this.#outage.at)}`);
    this.#outage = null;
  }

  #restate(course) {
    this.#outage.text = `${this.#outage.text.split(" · ")[0]} · ${course}`;
    this.#on.restated(this.#outage);
  }

  #mark(tone, text) {
    const entry = this.#store.addMark(tone, text, Date.now());
    this.#on.added(entry);
    return entry;
  }
}

function gapText({ data, id }) {
  let gap = {};
  try {
    gap = JSON.parse(data) ?? {};
  } catch {
    // Not the hub's: its data can still be read.
  }
  const missed = Number.isSafeInteger(gap.missed) ? `${number(gap.missed)} missed` : "events were missed";
  const reason = typeof gap.reason === "string" ? ` (${gap.reason.slice(0, TEXT_MAX)})` : "";
  return printable(`gap · ${missed}${reason} · continues after ${id.slice(0, TEXT_MAX)}`);
}

/** What the form asks for: a query, and a last event ID for the header. */
function request() {
  const query = new URLSearchParams();
  for (const topic of names("topics")) query.append("topic", topic);
  for (const type of names("events")) query.append("event", type);
  if (element("session").value !== "") query.set("session", element("session").value);
  const start = element("start").value;
  if (start === "last") query.set("last", element("last").value);
  if (start === "earliest") query.set("last_event_id", "earliest");
  return { query: query.toString(), lastEventId: start === "after" ? element("after").value : "" };
}

function names(id) {
  return element(id).value.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** Shows the field that the chosen start needs, and only then requires it. */
function showStart() {
  for (const id of ["last", "after"]) {
    element(id).hidden = element("start").value !== id;
    element(id).disabled = element(id).hidden;
  }
}

/** The fragment keeps the form over a reload, and is not sent to the server. */
function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  for (const [name, id] of Object.entries(FIELDS)) {
    if (!fields.has(name)) continue;
    const before = element(id).value;
    element(id).value = fields.get(name);
    if (element(id).value === "" && id !== "topics") element(id).value = before;
  }
}

function writeAddress() {
  const fields = new URLSearchParams();
  for (const [name, id] of Object.entries(FIELDS)) {
    const { value, defaultValue, disabled } = element(id);
    const isDefault = id === "start" ? value === "last" : value === defaultValue;
    if (!disabled && !isDefault) fields.set(name, value);
  }
  const fragment = fields.toString();
  history.replaceState(null, "", fragment === "" ? location.pathname + location.search : `#${fragment}`);
}
