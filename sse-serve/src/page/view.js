// The rows of the log: what of the history passes the type chosen, held still
// while paused.

import { Queue } from "./store.js";

export class View {
  rows = new Queue();
  /** The only event type shown, or null for all; marks are always shown. */
  type = null;
  paused = false;
  /** Entries that came while paused. */
  held = 0;
  #store;

  constructor(store) {
    this.#store = store;
  }

  /** Takes a new entry of the store in, and lets go of what it evicted. */
  add(entry) {
    if (this.paused) this.held += 1;
    else if (this.#shows(entry)) this.rows.push(entry);
    const oldest = this.#store.entries.at(0)?.seq ?? Infinity;
    while (this.rows.length > 0 && this.rows.at(0).seq < oldest) this.rows.shift();
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) this.rebuild();
  }

  only(type) {
    this.type = type;
    this.rebuild();
  }

  rebuild() {
    const { entries } = this.#store;
    this.rows = new Queue();
    this.held = 0;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries.at(index);
      if (this.#shows(entry)) this.rows.push(entry);
    }
  }

  #shows(entry) {
    return this.type === null || entry.mark !== undefined || entry.type === this.type;
  }
}
