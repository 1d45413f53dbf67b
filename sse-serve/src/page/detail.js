// The event chosen from the log, whole.

import { element, write } from "./dom.js";
import { size, time } from "./format.js";
import { pretty, printable } from "./json.js";

export class Detail {
  #shown = null;

  /** `replay(id)` is called to subscribe again from after an event. */
  constructor(replay) {
    element("replay").addEventListener("click", () => replay(this.#shown.event.id));
    const copy = element("copy");
    // Only a secure context has a clipboard.
    copy.hidden = !navigator.clipboard;
    copy.addEventListener("click", () => this.#copy(copy));
  }

  show(entry) {
    if (entry === this.#shown) return;
    this.#shown = entry;
    const event = entry?.event;
    element("chosen").hidden = !event;
    element("hint").hidden = Boolean(event);
    if (!event) {
      write("hint", entry ? entry.text : "Choose an event to read it whole.");
      return;
    }
    const { fragment, isJson, note } = pretty(event.data);
    write("chosen-type", printable(event.type));
    element("chosen-type").className = `lane-${entry.lane}`;
    write("chosen-id", event.id === "" ? "none" : printable(event.id));
    write("chosen-at", time(entry.at));
    write("chosen-size", `${size(new TextEncoder().encode(event.data).length)} ${isJson ? "JSON" : "text"}`);
    element("chosen-data").replaceChildren(fragment);
    element("chosen-note").hidden = note === "";
    write("chosen-note", note);
    element("replay").disabled = event.id === "";
    write("copy", "Copy data");
  }

  async #copy(button) {
    try {
      await navigator.clipboard.writeText(this.#shown.event.data);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser forbids it";
    }
  }
}
