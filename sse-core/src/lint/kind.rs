//! What can be wrong with a stream, where that is said, and what mends it.

use std::fmt;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Note,
    /// It works here, and will not work somewhere else or some day.
    Warning,
    /// Something is lost or ignored, or the stream cannot be read.
    Error,
}

impl Severity {
    /// One word: `note`, `warning`, `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The words of a kind.
struct Facts {
    name: &'static str,
    title: &'static str,
    mend: &'static str,
    source: &'static str,
}

const fn facts(
    name: &'static str,
    title: &'static str,
    mend: &'static str,
    source: &'static str,
) -> Facts {
    Facts {
        name,
        title,
        mend,
        source,
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $title:literal, $mend:literal, $source:literal;)*) => {
        /// What is wrong. Sections of HTML are those of the
        /// [Living Standard](https://html.spec.whatwg.org/multipage/server-sent-events.html).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum LintKind {
            $($(#[$doc])* $kind,)*
        }

        impl LintKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$kind => facts($name, $title, $mend, $source),)*
                }
            }
        }
    };
}

kinds! {
    /// No `Content-Type`, or another than `text/event-stream`.
    ContentType, "content-type", "not an event stream",
        "answer with Content-Type: text/event-stream",
        "HTML §9.2.2";
    /// A charset other than UTF-8, or a parameter that means nothing.
    ContentTypeParameter, "content-type-parameter", "Content-Type has a parameter without effect",
        "send text/event-stream alone, and UTF-8 whatever it says",
        "HTML §9.2.5; IANA text/event-stream";
    /// Nothing forbids a cache to store or reuse the response.
    Cacheable, "cacheable", "caches may store the stream",
        "send Cache-Control: no-store",
        "RFC 9111 §5.2.2.5";
    /// The response has an `Age`: it comes out of a cache.
    FromCache, "from-cache", "answered by a cache",
        "send Cache-Control: no-store, and let the CDN bypass its cache for this path",
        "RFC 9111 §5.1";
    /// The response says how long it is.
    ContentLength, "content-length", "Content-Length on a stream",
        "leave Content-Length out: a live stream has no length known beforehand",
        "RFC 9112 §6.2";
    /// A content coding.
    Compressed, "compressed", "the stream is compressed",
        "switch compression off for text/event-stream, or flush it after each event",
        "RFC 9110 §8.4";
    /// nginx answers, and nothing shows that it does not buffer.
    NginxBuffering, "nginx-buffering", "behind nginx, which buffers by default",
        "send X-Accel-Buffering: no from the application, or set proxy_buffering off",
        "nginx ngx_http_proxy_module, proxy_buffering";
    /// The head came only with the first event.
    LateHead, "late-head", "the head came only with the first bytes",
        "flush the head as soon as the stream is accepted, with a comment if need be",
        "HTML §9.2.3, announce the connection";
    /// Events seem to wait in a buffer on the way.
    Buffering, "buffering", "events seem to wait in a buffer",
        "flush after each event; switch off buffering and compression in proxies",
        "HTML §9.2.7";
    /// Silence as long as proxies tolerate, or longer.
    NoHeartbeat, "no-heartbeat", "no heartbeat",
        "send a comment line every 15 seconds or so",
        "HTML §9.2.7";
    /// No event has an id.
    NoIds, "no-ids", "no event has an id",
        "send an id with each event, and go on after Last-Event-ID",
        "HTML §9.2.6, id";
    /// An id comes again within a connection.
    IdRepeated, "id-repeated", "ids repeat within a connection",
        "give each event an id of its own: a reconnect after it misses one, or gets one twice",
        "HTML §9.2.6, id";
    /// Numbers in ids go down within a connection.
    IdBackwards, "id-backwards", "ids go backwards within a connection",
        "deliver in the order of ids, or use ids that have none",
        "HTML §9.2.6, id";
    /// An id begins or ends with white space.
    IdSpaces, "id-spaces", "an id has white space around it",
        "send ids without it: in the Last-Event-ID header it is lost",
        "RFC 9110 §5.5";
    /// An id is too long for a header that all servers take.
    IdLong, "id-long", "an id is very long",
        "keep ids under 1 KiB: servers refuse long headers, and with them the reconnect",
        "RFC 9110 §5.4";
    /// An id holds what no header can carry.
    IdUnsendable, "id-unsendable", "an id cannot be sent back",
        "send ids without control characters",
        "RFC 9110 §5.5";
    /// An id is not ASCII.
    IdNotAscii, "id-not-ascii", "an id is not ASCII",
        "send ASCII ids: not every server decodes header values as UTF-8",
        "RFC 9110 §5.5";
    /// An id holds a NUL, and is ignored.
    IdNul, "id-nul", "an id with a NUL is ignored",
        "send ids without NUL",
        "HTML §9.2.6, id";
    /// An empty id makes the client forget where it is.
    IdReset, "id-reset", "an empty id resets the last event ID",
        "leave the id line out where an event has none",
        "HTML §9.2.6, id";
    /// No `retry` field.
    NoRetry, "no-retry", "no reconnection time",
        "send retry: 2000 once at the start: clients wait from 1 to 5 seconds by default",
        "HTML §9.2.6, retry";
    /// Clients come back almost at once.
    RetryShort, "retry-short", "a very short reconnection time",
        "send a second or more: after a restart all clients come at once",
        "HTML §9.2.6, retry";
    /// Clients stay away for long.
    RetryLong, "retry-long", "a very long reconnection time",
        "send some seconds; above 2147483647 ms timers overflow, and some clients reconnect at once",
        "HTML §9.2.6, retry";
    /// A `retry` that is not digits alone is ignored.
    RetryInvalid, "retry-invalid", "a retry field is ignored",
        "send whole milliseconds, ASCII digits alone",
        "HTML §9.2.6, retry";
    /// A field that the standard does not know.
    UnknownField, "unknown-field", "an unknown field is ignored",
        "names are data, event, id and retry, in lower case; each line of data needs its own data:",
        "HTML §9.2.6";
    /// A byte order mark that is not the first thing in the response.
    Bom, "bom", "a byte order mark within the stream",
        "send none: here it is part of a field name, and the line is ignored",
        "HTML §9.2.6";
    /// Bytes that are not UTF-8.
    InvalidUtf8, "invalid-utf8", "not UTF-8",
        "encode as UTF-8; what is not becomes U+FFFD",
        "HTML §9.2.5; Encoding Standard, UTF-8 decode";
    /// A carriage return alone ends lines.
    BareCr, "bare-cr", "lines end with CR alone",
        "end lines with LF: some clients hold such a line back, or lose it",
        "HTML §9.2.5";
    /// Line ends of several kinds.
    MixedLineEnds, "mixed-line-ends", "LF and CRLF are mixed",
        "end all lines with LF; a proxy or a template may be adding some",
        "HTML §9.2.5";
    /// A block names a type, has no data, and dispatches nothing.
    NoData, "no-data", "an event without data is not dispatched",
        "send at least an empty data: line",
        "HTML §9.2.6, dispatch";
    /// A type ends with white space.
    TypeSpaces, "type-spaces", "an event type has white space around it",
        "send the type as listeners name it",
        "HTML §9.2.6, event";
    /// Comments come, events do not.
    CommentsOnly, "comments-only", "comments, and no event",
        "look whether the subscription's topic or filter matches anything",
        "HTML §9.2.7";
    /// The stream ended within an event.
    Unterminated, "unterminated", "the last event has no end",
        "end each event with a blank line, the last one too",
        "HTML §9.2.6, end of the stream";
    /// Responses end almost at once, again and again.
    EndsAtOnce, "ends-at-once", "the stream ends at once, again and again",
        "keep the response open; answer 204 where nothing more will come",
        "HTML §9.2.1";
    /// An answer of a language model lacks what ends it.
    NoEndMarker, "no-end-marker", "an answer without its end marker",
        "treat it as cut short, and ask again",
        "OpenAI and Anthropic streaming references";
}

impl LintKind {
    /// A short name that stays the same over versions: `no-heartbeat`.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// A few words, at most 46 columns.
    pub const fn title(self) -> &'static str {
        self.facts().title
    }

    /// What mends it, for whoever runs the server.
    pub const fn mend(self) -> &'static str {
        self.facts().mend
    }

    /// Where the rule is said.
    pub const fn source(self) -> &'static str {
        self.facts().source
    }

    /// The kind of this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for LintKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
