//! The reconnecting client: [`EventSource`](crate::EventSource) on reqwest and
//! tokio. Cargo feature `client`.
//!
//! ```no_run
//! use sse_core::Item;
//! use sse_core::client::{EventStream, Options, Request, Update};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let request = Request::get("http://127.0.0.1:8080/events".parse()?);
//! let mut stream = EventStream::connect(request, Options::default())?;
//! while let Some(update) = stream.next().await {
//!     match update {
//!         Update::Batch(batch) => {
//!             for item in batch.items() {
//!                 if let Item::Event(event) = item {
//!                     println!("{}: {}", event.event_type, event.data);
//!                 }
//!             }
//!         }
//!         Update::Disconnected { cause, retry_in, .. } => {
//!             eprintln!("{cause}; connecting again in {retry_in:?}");
//!         }
//!         Update::Closed { cause, .. } => eprintln!("{cause}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! reqwest is built without a TLS provider: the program installs one, for
//! instance with `rustls::crypto::ring::default_provider().install_default()`.

mod batch;
mod cookies;
mod error;
mod local;
mod refusal;
#[cfg(feature = "capture")]
mod replay;
mod request;
mod stream;
mod transport;
mod update;

pub use batch::{Batch, BatchItems, ReceivedAt};
pub use error::ConnectError;
pub use local::{LocalStream, read_stream};
#[cfg(feature = "capture")]
pub use replay::Replay;
pub use request::{Auth, Request};
pub use stream::{EventStream, Options};
pub use transport::{HttpVersion, Proxy, Transport, TransportOptions};
pub use update::Update;
