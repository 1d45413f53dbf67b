//! What the model says: a text cut into tokens, thoughts, a tool call.

use serde_json::Value;

const TEXT: &str = "Server-Sent Events are a one-way stream of text from a server to its clients, over plain HTTP. \
Each event is a block of lines: `event:` names its type, `data:` holds its payload, and `id:` lets a client come back \
to where it was.\n\nThree things make them pleasant to operate:\n\n1. **They reconnect.** After a break the client waits \
for the reconnection time, then asks again with `Last-Event-ID`.\n2. **They pass proxies.** It is one long response; \
nothing needs to be upgraded.\n3. **They can be read.** `curl -N` shows what is on the wire – déjà vu for anyone who has \
debugged HTTP. 🎉\n\nWhat they do not promise is delivery: a server that forgets its history cannot replay it, and a \
client that is not told so cannot know. A good server says what is missing.\n\n";

const THOUGHTS: &str = "The question is about streaming. I should say what the format is, then why people choose it, and \
be honest about what it does not give. Three points will do; an example on the wire helps. ";

/// One answer.
pub(crate) struct Answer {
    /// Pieces of text.
    pub(crate) tokens: Vec<&'static str>,
    /// Pieces of thought, empty if it does not think.
    pub(crate) thoughts: Vec<&'static str>,
    /// Name of the tool it calls, and pieces of the arguments.
    pub(crate) tool: Option<(String, Vec<String>)>,
    /// For the words of further choices.
    pub(crate) seed: u64,
}

impl Answer {
    pub(crate) fn new(tokens: u32, thinking: bool, request: &Value, seed: u64) -> Self {
        let tool = &request["tools"][0];
        let name = tool["function"]["name"].as_str().or(tool["name"].as_str());
        Self {
            tokens: cut(TEXT).cycle().take(tokens as usize).collect(),
            thoughts: if thinking {
                cut(THOUGHTS).collect()
            } else {
                Vec::new()
            },
            tool: name.map(|name| (name.to_owned(), arguments())),
            seed,
        }
    }
}

/// Pieces of up to six bytes, a space at the beginning of those that begin a word.
fn cut(text: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    text.split_inclusive(' ').flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let mut length = rest.len().min(6);
            while !rest.is_char_boundary(length) {
                length += 1;
            }
            let (piece, after) = rest.split_at(length);
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    })
}

fn arguments() -> Vec<String> {
    let text = r#"{"query":"last event id","limit":3,"languages":["en","de"]}"#;
    let pieces = text.as_bytes().chunks(7);
    pieces
        .map(|piece| String::from_utf8_lossy(piece).into_owned())
        .collect()
}
