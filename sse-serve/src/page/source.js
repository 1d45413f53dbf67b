// A reconnecting event source (HTML Living Standard §9.2.2 to §9.2.4).
//
// The browser's own EventSource needs a listener for each event type, so it
// hides events of types not known beforehand, and it tells neither status,
// comments nor the position it resumes from. This one reads the same stream.

import { Parser, TooLong } from "./parser.js";
import { essence, problemOf } from "./problem.js";

/** Milliseconds: until the server sets another, the least and the most it may set. */
const RETRY_DEFAULT = 3_000;
const RETRY_MIN = 100;
const RETRY_MAX = 3_600_000;

/** Failures in a row double the delay up to this many milliseconds. */
const DELAY_MAX = 60_000;

/** The most that is added to a delay at random, as a share of it. */
const JITTER = 0.25;

/**
 * One subscription over as many connections as it takes.
 *
 * `on.event(event)`, `on.comment(text)`, `on.bytes(length)` tell what arrives;
 * `on.state(state)` each change of `state.name`:
 * - `connecting`: a request is under way;
 * - `open`: the response is an event stream;
 * - `waiting`: `state.reason` ended the connection, the next is due in `state.delay` ms;
 * - `failed`: `state.reason` is final, as it is for an EventSource; `state.status`
 *   where a response said so;
 * - `closed`: `close` was called.
 */
export class Source {
  retry = RETRY_DEFAULT;
  lastEventId;
  /** Connections that failed in a row. */
  failures = 0;
  #url;
  #headers;
  #on;
  #parser;
  #abort = new AbortController();

  /** `headers()` gives those of each request anew; what it throws is final. */
  constructor(url, lastEventId, on, headers = () => ({})) {
    this.#url = url;
    this.#headers = headers;
    this.lastEventId = lastEventId;
    this.#on = on;
    this.#run().catch((error) => this.#fail(`a fault of this page: ${error.message}`));
  }

  close() {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#parser?.close();
    this.#on.state({ name: "closed" });
  }

  async #run() {
    const { signal } = this.#abort;
    for (;;) {
      this.#on.state({ name: "connecting" });
      const end = await this.#connect(signal);
      if (signal.aborted) return;
      if (end.final) {
        this.#fail(end.reason, end.status);
        return;
      }
      const delay = this.#delay();
      this.#on.state({ name: "waiting", reason: end.reason, delay });
      await pause(delay, signal);
      if (signal.aborted) return;
    }
  }

  #fail(reason, status) {
    this.#abort.abort();
    this.#on.state({ name: "failed", reason, status });
  }

  async #connect(signal) {
    let response;
    let headers;
    try {
      headers = { ...this.#headers(), Accept: "text/event-stream" };
    } catch (error) {
      return { final: true, reason: error.message };
    }
    try {
      if (this.lastEventId !== "") headers["Last-Event-ID"] = asBytes(this.lastEventId);
      response = await fetch(this.#url, { headers, cache: "no-store", signal });
    } catch {
      this.failures += 1;
      return { reason: "no connection" };
    }
    if (response.status === 204) return { final: true, reason: "204: the stream has ended" };
    if (response.status !== 200) {
      return { final: true, reason: await problemOf(response), status: response.status };
    }
    if (essence(response) !== "text/event-stream") {
      return { final: true, reason: `not an event stream but ${essence(response) || "untyped"}` };
    }
    this.failures = 0;
    this.#on.state({ name: "open" });
    return this.#read(response.body.getReader());
  }

  async #read(reader) {
    const parser = new Parser(this.lastEventId, {
      event: (event) => this.#on.event(event),
      comment: (text) => this.#on.comment(text),
      retry: (retry) => (this.retry = Math.min(Math.max(retry, RETRY_MIN), RETRY_MAX)),
    });
    this.#parser = parser;
    for (;;) {
      let chunk;
      try {
        chunk = await reader.read();
      } catch {
        return { reason: "the connection was lost" };
      }
      if (chunk.done) return { reason: "the stream ended" };
      this.#on.bytes(chunk.value.length);
      try {
        parser.push(chunk.value);
      } catch (error) {
        if (!(error instanceof TooLong)) throw error;
        reader.cancel().catch(() => {});
        return { final: true, reason: error.message };
      } finally {
        this.lastEventId = parser.lastEventId;
      }
    }
  }

  #delay() {
    const doubled = this.retry * 2 ** Math.max(this.failures - 1, 0);
    const delay = Math.min(doubled, Math.max(DELAY_MAX, this.retry));
    return delay * (1 + JITTER * Math.random());
  }
}

/** UTF-8 as the byte string that a header value is to `fetch`. */
function asBytes(text) {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function pause(delay, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, delay);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    }, { once: true });
  });
}
