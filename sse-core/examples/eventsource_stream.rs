//! The example of `eventsource-stream`'s README as a program that prints one JSON object for each
//! event, to be judged: `sse-bench conform client -- target/debug/examples/eventsource_stream`.

use std::error::Error;

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = std::env::args()
        .nth(1)
        .ok_or("give the URL of an event stream")?;
    let mut stream = reqwest::Client::new()
        .get(url)
        .send()
        .await?
        .bytes_stream()
        .eventsource();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => println!(
                "{}",
                json!({ "event": event.event, "data": event.data, "id": event.id })
            ),
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(())
}
