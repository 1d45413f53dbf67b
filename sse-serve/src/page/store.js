// What was received: a bounded history, and counts that go on.

/** The most entries kept, and the most characters of them. */
const ENTRIES_MAX = 5_000;
const LENGTH_MAX = 16 << 20;

/** The most event types counted apart; the rest are counted as one. */
const TYPES_MAX = 200;
const OTHER_TYPES = "(other types)";

/** Seconds that a rate looks back on. */
const RATE_WINDOW = 10;

/**
 * Entries are `{ seq, at, mark, text, event, lane }`: an event, or a mark
 * (`good`, `warn` or `bad`) with its text and maybe the event it stands for.
 */
export class Store {
  entries = new Queue();
  types = new Map();
  total = new Pace();
  bytes = new Pace();
  /** The entry added last. */
  newest;
  /** Entries no longer kept. */
  evicted = 0;
  #seq = 0;
  #length = 0;

  addEvent(event, now, mark, text) {
    const type = this.#type(event.type);
    type.pace.add(1, now);
    type.last = now;
    this.total.add(1, now);
    this.#add({ at: now, event, mark, text, lane: type.lane, type: type.name });
  }

  /** A line of the page's own; the entry may be changed later. */
  addMark(mark, text, now) {
    return this.#add({ at: now, mark, text });
  }

  clear() {
    this.entries = new Queue();
    this.#length = 0;
  }

  #add(entry) {
    entry.seq = ++this.#seq;
    this.newest = entry;
    this.entries.push(entry);
    this.#length += length(entry);
    while (this.entries.length > ENTRIES_MAX || (this.#length > LENGTH_MAX && this.entries.length > 1)) {
      this.#length -= length(this.entries.shift());
      this.evicted += 1;
    }
    return entry;
  }

  #type(name) {
    const known = this.types.get(name) ?? (this.types.size >= TYPES_MAX && this.types.get(OTHER_TYPES));
    if (known) return known;
    const key = this.types.size < TYPES_MAX - 1 ? name : OTHER_TYPES;
    const type = { name: key, lane: this.types.size % 10, pace: new Pace(), last: 0 };
    this.types.set(key, type);
    return type;
  }
}

function length({ event }) {
  return event ? event.data.length + event.type.length + event.id.length : 0;
}

/** First in, first out, with an index. */
export class Queue {
  /** How many were taken out. */
  dropped = 0;
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  at(index) {
    return this.#items[this.#head + index];
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    this.dropped += 1;
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** A count, and how much of it fell into each of the last 60 seconds. */
export class Pace {
  count = 0;
  #seconds = new Array(60).fill(0);
  #first;
  #last;

  add(amount, now) {
    this.#advance(now);
    this.count += amount;
    this.#seconds[this.#last % 60] += amount;
  }

  perSecond(now) {
    if (this.#first === undefined) return 0;
    this.#advance(now);
    const span = Math.min(Math.max(this.#last - this.#first, 1), RATE_WINDOW);
    // The second under way is not over: it would pull the rate down.
    const whole = this.#last > this.#first ? 1 : 0;
    let sum = 0;
    for (let back = whole; back < span + whole; back++) sum += this.#seconds[(this.#last - back + 60) % 60];
    return sum / span;
  }

  /** The last `count` seconds, oldest first. */
  recent(count, now) {
    this.#advance(now);
    return Array.from({ length: count }, (_, index) => this.#seconds[(this.#last - count + 1 + index + 60) % 60]);
  }

  #advance(now) {
    const second = Math.floor(now / 1_000);
    this.#first ??= second;
    this.#last ??= second;
    for (let steps = Math.min(second - this.#last, 60); steps > 0; steps--) {
      this.#seconds[(second - steps + 1) % 60] = 0;
    }
    this.#last = Math.max(this.#last, second);
  }
}
