// A list of any length of which only the visible rows are elements.

/** Rows drawn beyond each edge. */
const OVERSCAN = 8;

/**
 * `draw(entry)` makes the children of a row; `changed(byPointer)` is called when
 * the selection or the following of the newest row changed.
 *
 * A row has the key `entry.seq`. `element` is a `listbox` that scrolls; its
 * rows are as high as its CSS variable `--row` says.
 */
export class List {
  following = true;
  selected = null;
  #element;
  #space = document.createElement("div");
  #draw;
  #changed;
  #rows;
  #elements = new Map();
  #scrolledTo = 0;
  #dropped = 0;

  constructor(element, draw, changed) {
    this.#element = element;
    this.#draw = draw;
    this.#changed = changed;
    this.#space.className = "space";
    this.#space.role = "presentation";
    element.append(this.#space);
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.render(this.#rows)).observe(element);
  }

  /** Draws these rows: a `Queue` of entries. */
  render(rows) {
    if (!rows) return;
    this.#keepPlace(rows);
    this.#rows = rows;
    const height = this.#rowHeight();
    this.#space.style.height = `${rows.length * height}px`;
    if (this.following) this.#scrollTo(rows.length * height - this.#element.clientHeight);
    const first = Math.max(0, Math.floor(this.#element.scrollTop / height) - OVERSCAN);
    const last = Math.min(rows.length, Math.ceil((this.#element.scrollTop + this.#element.clientHeight) / height) + OVERSCAN);
    const stale = new Set(this.#elements.keys());
    for (let index = first; index < last; index++) {
      const entry = rows.at(index);
      stale.delete(entry.seq);
      this.#place(this.#elementOf(entry), index, height);
    }
    for (const seq of stale) {
      this.#elements.get(seq).remove();
      this.#elements.delete(seq);
    }
    this.#mark();
  }

  /** Draws a changed entry anew. */
  redraw(entry) {
    this.#elements.get(entry.seq)?.replaceChildren(...this.#draw(entry));
  }

  follow() {
    this.following = true;
    this.render(this.#rows);
    this.#changed();
  }

  select(entry, byPointer = false) {
    this.selected = entry;
    if (entry) {
      this.following = false;
      this.#reveal(entry);
    }
    this.render(this.#rows);
    this.#changed(byPointer);
  }

  /** What was at the top stays there when older rows have gone. */
  #keepPlace(rows) {
    const gone = rows === this.#rows ? rows.dropped - this.#dropped : 0;
    this.#dropped = rows.dropped;
    if (gone > 0 && !this.following) this.#scrollTo(this.#element.scrollTop - gone * this.#rowHeight());
  }

  #rowHeight() {
    return Number.parseFloat(getComputedStyle(this.#element).getPropertyValue("--row")) || 24;
  }

  #elementOf(entry) {
    let row = this.#elements.get(entry.seq);
    if (row) return row;
    row = document.createElement("div");
    row.id = `row-${entry.seq}`;
    row.role = "option";
    row.className = entry.mark ? `row mark-row ${entry.mark}` : "row";
    row.dataset.seq = entry.seq;
    row.append(...this.#draw(entry));
    this.#elements.set(entry.seq, row);
    this.#space.append(row);
    return row;
  }

  #place(row, index, height) {
    row.style.transform = `translateY(${index * height}px)`;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", this.#rows.length);
  }

  #mark() {
    const seq = this.selected?.seq;
    for (const [key, row] of this.#elements) row.setAttribute("aria-selected", key === seq);
    if (this.#elements.has(seq)) this.#element.setAttribute("aria-activedescendant", `row-${seq}`);
    else this.#element.removeAttribute("aria-activedescendant");
  }

  #scrollTo(top) {
    this.#element.scrollTop = top;
    this.#scrolledTo = this.#element.scrollTop;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#element;
    if (Math.abs(scrollTop - this.#scrolledTo) > 1) {
      const atEnd = scrollTop + clientHeight >= scrollHeight - this.#rowHeight() / 2;
      this.#scrolledTo = scrollTop;
      if (atEnd !== this.following) {
        this.following = atEnd;
        this.#changed();
      }
    }
    this.render(this.#rows);
  }

  #clicked(event) {
    const seq = Number(event.target.closest?.(".row")?.dataset.seq);
    const index = this.#indexOf(seq);
    if (index >= 0) this.select(this.#rows.at(index), true);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#rows?.length) return;
    const page = Math.max(1, Math.floor(this.#element.clientHeight / this.#rowHeight()) - 1);
    const last = this.#rows.length - 1;
    const current = this.selected ? this.#indexOf(this.selected.seq) : -1;
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page };
    let index;
    if (event.key in steps) index = current < 0 ? last : current + steps[event.key];
    else if (event.key === "Home") index = 0;
    else if (event.key === "End") {
      event.preventDefault();
      this.selected = null;
      this.follow();
      return;
    } else if (event.key === "Escape") {
      this.select(null);
      return;
    } else return;
    event.preventDefault();
    this.select(this.#rows.at(Math.min(Math.max(index, 0), last)));
  }

  #reveal(entry) {
    const height = this.#rowHeight();
    const top = this.#indexOf(entry.seq) * height;
    const { scrollTop, clientHeight } = this.#element;
    if (top < scrollTop) this.#scrollTo(top);
    else if (top + height > scrollTop + clientHeight) this.#scrollTo(top + height - clientHeight);
  }

  /** By bisection: keys rise. */
  #indexOf(seq) {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#rows.at(middle).seq;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
