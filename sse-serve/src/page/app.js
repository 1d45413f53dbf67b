// The page: from a form to a stream, from a stream to the screen.

import { Connection } from "./connection.js";
import { Detail } from "./detail.js";
import { element } from "./dom.js";
import { List } from "./list.js";
import { row } from "./row.js";
import { setUpSending } from "./send.js";
import { Store } from "./store.js";
import { Summary } from "./summary.js";
import { View } from "./view.js";

const store = new Store();
const view = new View(store);
const list = new List(element("log"), row, chosen);
const connection = new Connection(store, {
  added(entry) {
    view.add(entry);
    draw();
  },
  restated(entry) {
    list.redraw(entry);
  },
  changed: draw,
});
const detail = new Detail((id) => connection.replayAfter(id));
const summary = new Summary(store, view, connection, (type) => {
  view.only(type);
  draw();
});

/** Where the chosen event stands below the log, brings it into sight. */
const isNarrow = matchMedia("(max-width: 1150px)");
let isDue = false;

/** Draws before the next frame, however much happens until then. */
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    list.render(view.rows);
    detail.show(list.selected);
    summary.render(Date.now());
    element("empty").hidden = view.rows.length > 0;
    const follow = element("follow");
    follow.hidden = list.following && !view.paused;
    follow.textContent = view.held > 0 ? `↓ ${view.held} new` : "↓ newest";
  });
}

function chosen(byPointer) {
  draw();
  if (!byPointer || !isNarrow.matches) return;
  requestAnimationFrame(() => element("detail").scrollIntoView({ block: "nearest" }));
}

function pause(paused) {
  view.pause(paused);
  const button = element("pause");
  button.textContent = paused ? "PAUSED" : "LIVE";
  button.setAttribute("aria-pressed", paused);
  draw();
}

function follow() {
  if (view.paused) pause(false);
  list.selected = null;
  list.follow();
}

element("pause").addEventListener("click", () => pause(!view.paused));
element("follow").addEventListener("click", () => {
  follow();
  element("log").focus();
});
element("log").addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  pause(!view.paused);
});
element("clear").addEventListener("click", () => {
  store.clear();
  view.rebuild();
  list.select(null);
  follow();
});
element("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // Storage may be forbidden: the choice lasts as long as the page.
  }
});

setUpSending();
// Ages and rates change though nothing arrives.
setInterval(draw, 500);
connection.open();
