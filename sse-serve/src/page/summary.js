// Counts, rates and the state of the connection.

import { bars, create, element, write } from "./dom.js";
import { ago, duration, number, rate, size } from "./format.js";
import { printable } from "./json.js";

const STATES = {
  connecting: ["warn", "◌ connecting"],
  open: ["good", "● open"],
  waiting: ["warn", "◌ reconnecting"],
  failed: ["bad", "✕ failed"],
  closed: ["dim", "○ disconnected"],
};

/** Milliseconds between two looks at the counts: numbers that fly are not read. */
const PERIOD = 200;

/** Seconds in the small picture of a type. */
const RECENT = 20;

export class Summary {
  #store;
  #view;
  #connection;
  #choose;
  #items = new Map();
  #counted = 0;

  /** `choose(type)` is called with the type to show alone, or null. */
  constructor(store, view, connection, choose) {
    this.#store = store;
    this.#view = view;
    this.#connection = connection;
    this.#choose = choose;
  }

  render(now) {
    this.#renderState(now);
    if (Math.abs(now - this.#counted) < PERIOD) return;
    this.#counted = now;
    this.#renderTotals(now);
    for (const type of this.#store.types.values()) this.#renderType(type, now);
    write("type-count", number(this.#store.types.size));
    write("shown", this.#view.type === null ? number(this.#store.total.count) : `only ${printable(this.#view.type)}`);
    const { entries, evicted } = this.#store;
    const gone = evicted > 0 ? `, ${number(evicted)} older evicted` : "";
    write("kept", `${number(entries.length)} ${entries.length === 1 ? "row" : "rows"} kept${gone}`);
  }

  #renderState(now) {
    const { state, since, source, lastByte, reconnects, gaps, url } = this.#connection;
    const [tone, text] = STATES[state.name];
    element("state").dataset.tone = tone;
    write("state", text);
    const left = since + (state.delay ?? 0) - now;
    write("since", state.name === "waiting" ? `in ${duration(left)}` : duration(now - since));
    write("url", printable(decodeURIComponent(new URL(url, document.baseURI).href)));
    write("last-id", printable(source?.lastEventId.slice(0, 300) || "none"));
    write("retry", source ? duration(source.retry) : "");
    write("last-byte", lastByte === null ? "none yet" : ago(now - lastByte));
    write("reconnects", number(reconnects));
    write("gaps", number(gaps));
    element("gaps").className = gaps > 0 ? "warn" : "";
  }

  #renderTotals(now) {
    const { total, bytes } = this.#store;
    write("rate", rate(total.perSecond(now)));
    write("byte-rate", number(Math.round(bytes.perSecond(now))));
    write("count", number(total.count));
    write("bytes", size(bytes.count));
    element("spark").firstElementChild.setAttribute("d", bars(total.recent(60, now), 10));
  }

  #renderType(type, now) {
    const item = this.#items.get(type.name) ?? this.#addItem(type);
    item.rate.textContent = `${rate(type.pace.perSecond(now))}/s`;
    item.count.textContent = number(type.pace.count);
    item.path.setAttribute("d", bars(type.pace.recent(RECENT, now), 6));
    item.button.setAttribute("aria-pressed", this.#view.type === type.name);
  }

  #addItem(type) {
    const button = create("button", `lane-${type.lane}`);
    button.type = "button";
    const name = create("bdi", "name", printable(type.name));
    const spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    spark.setAttribute("viewBox", `0 0 ${RECENT} 6`);
    spark.setAttribute("preserveAspectRatio", "none");
    spark.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    spark.append(path);
    const item = { button, path, rate: create("span", "rate"), count: create("span", "count dim") };
    button.append(name, item.rate, spark, item.count);
    button.addEventListener("click", () => this.#choose(this.#view.type === type.name ? null : type.name));
    const line = create("li", "");
    line.append(button);
    document.querySelector("#types ul").append(line);
    const option = create("option", "");
    option.value = type.name;
    element("known-types").append(option);
    this.#items.set(type.name, item);
    return item;
  }
}
