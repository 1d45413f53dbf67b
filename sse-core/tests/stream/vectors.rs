//! Streams as data: what each dispatches, whatever its chunks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::drive;
use crate::model::{self, Caps, Outcome, Seen};

#[derive(Deserialize)]
struct Vector {
    name: String,
    input: String,
    chunking: Chunking,
    expected: Vec<Dispatched>,
    expected_retry: Option<u64>,
    final_last_event_id: String,
    rule: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Chunking {
    Word(String),
    Offsets(Vec<usize>),
}

#[derive(Deserialize, Debug, PartialEq)]
struct Dispatched {
    event: String,
    data: String,
    id: String,
}

#[test]
fn public_vectors_hold_at_every_split() {
    assert!(check(include_str!("../vectors/public.json")) >= 32);
}

#[test]
fn own_vectors_hold_at_every_split() {
    assert!(check(include_str!("../vectors/own.json")) >= 191);
}

fn check(json: &str) -> usize {
    let vectors: Vec<Vector> = serde_json::from_str(json).expect("vectors");
    for vector in &vectors {
        let input = STANDARD.decode(&vector.input).expect("base64");
        vector.assert(&model::read(&input, Caps::NONE), "the model");
        vector.assert(&drive::read(&vector.chunks(&input), Caps::NONE), "as given");
        vector.assert(&drive::read(&[&input], Caps::NONE), "whole");
        let bytes = drive::cut(&input, &[1]);
        vector.assert(&drive::read(&bytes, Caps::NONE), "byte by byte");
        for split in 0..=input.len() {
            let (a, b) = input.split_at(split);
            vector.assert(
                &drive::read(&[a, b], Caps::NONE),
                &format!("split at {split}"),
            );
        }
    }
    vectors.len()
}

impl Vector {
    fn chunks<'a>(&self, input: &'a [u8]) -> Vec<&'a [u8]> {
        match &self.chunking {
            Chunking::Word(word) if word == "all" => vec![input],
            Chunking::Word(word) if word == "bytewise" => drive::cut(input, &[1]),
            Chunking::Word(word) => panic!("{}: chunking {word}", self.name),
            Chunking::Offsets(offsets) => {
                let edges: Vec<_> = [0]
                    .iter()
                    .chain(offsets)
                    .copied()
                    .chain([input.len()])
                    .collect();
                edges
                    .windows(2)
                    .map(|edge| &input[edge[0]..edge[1]])
                    .collect()
            }
        }
    }

    fn assert(&self, outcome: &Outcome, how: &str) {
        let mut events = Vec::new();
        let mut retry = None;
        for seen in &outcome.seen {
            match seen {
                Seen::Event {
                    event_type,
                    data,
                    last_event_id,
                    ..
                } => events.push(Dispatched {
                    event: event_type.clone(),
                    data: data.clone(),
                    id: last_event_id.clone(),
                }),
                Seen::Retry(time) => retry = Some(*time),
                _ => {}
            }
        }
        let context = format!("{}, {how} ({})", self.name, self.rule);
        assert_eq!(events, self.expected, "{context}");
        let retry = retry.map(|time| u64::try_from(time.as_millis()).expect("a u64"));
        assert_eq!(retry, self.expected_retry, "{context}");
        assert_eq!(outcome.last_event_id, self.final_last_event_id, "{context}");
        assert_eq!(outcome.error, None, "{context}");
    }
}
