// One row of the log.

import { create } from "./dom.js";
import { time } from "./format.js";
import { preview, printable } from "./json.js";

/** Characters of an event's data, and of other fields, that a row holds. */
const PREVIEW_MAX = 400;
const FIELD_MAX = 120;

export function row({ at, mark, text, event, lane }) {
  const received = create("time", "dim", time(at));
  if (mark) {
    const divider = create("span", "divider");
    divider.append(create("bdi", "", text));
    return [received, divider];
  }
  const data = create("bdi", "data");
  data.append(preview(event.data, PREVIEW_MAX));
  return [
    received,
    create("bdi", `type lane-${lane}`, printable(event.type.slice(0, FIELD_MAX))),
    create("bdi", "id dim", printable(event.id.slice(0, FIELD_MAX))),
    data,
  ];
}
