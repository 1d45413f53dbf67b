//! What a server says besides refusing.

use std::time::Duration;

use tokio::time::timeout;

/// As much as an error of an API needs.
const MOST: usize = 2 << 10;
/// A body that does not end may not delay the news of the refusal for long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The beginning of a body, if it is text for people or programs and no page.
pub(super) async fn read(mut response: reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    let reading = async {
        while body.len() < MOST
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(MOST - body.len())]);
        }
    };
    // What came in time is worth having.
    let _ = timeout(PATIENCE, reading).await;
    let text = String::from_utf8_lossy(&body);
    let text = text.trim();
    let binary = |c: char| c.is_control() && !c.is_whitespace();
    let worth_it = !text.is_empty() && !text.starts_with('<') && !text.contains(binary);
    worth_it.then(|| text.to_owned())
}
