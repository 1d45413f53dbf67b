//! Server-Sent Events: an encoder and an incremental parser that follow the
//! [HTML Living Standard §9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html).
//!
//! ```
//! use sse_core::{Event, Item, Parser};
//! # fn main() -> Result<(), sse_core::LimitExceeded> {
//! let mut wire = Vec::new();
//! Event::new("hello").encode(&mut wire);
//!
//! let mut parser = Parser::new();
//! let mut items = parser.feed(&wire);
//! while let Some(item) = items.next()? {
//!     if let Item::Event(event) = item {
//!         assert_eq!(event.data, "hello");
//!     }
//! }
//! # Ok(()) }
//! ```

mod backoff;
#[cfg(feature = "capture")]
pub mod capture;
#[cfg(feature = "client")]
pub mod client;
mod encode;
mod error;
mod event;
mod field;
pub mod ledger;
mod limits;
mod line;
pub mod lint;
mod parse;
mod source;

pub use backoff::Backoff;
pub use error::{InvalidField, Limit, LimitExceeded};
pub use event::{Event, EventId, EventRef, EventType};
pub use limits::Limits;
pub use parse::{Ignored, Item, Items, Parser, Unfinished};
pub use source::{
    Cause, Connect, EventSource, LAST_EVENT_ID, NetworkError, NetworkErrorKind, ReadyState,
    SourceItems, SourceOptions, Transition,
};
