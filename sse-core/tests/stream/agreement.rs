//! The parser says what the model says, on any stream in any chunks.

use proptest::prelude::*;

use crate::drive;
use crate::model::{self, Caps};
use crate::streams::{EDGES, large_sizes, large_stream, sizes, stream};

fn agree(input: &[u8], sizes: &[usize], caps: Caps) {
    let parsed = drive::read(&drive::cut(input, sizes), caps);
    drive::assert_same(input, &model::read(input, caps), &parsed);
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn on_short_streams(input in stream(), sizes in sizes()) {
        agree(&input, &sizes, Caps::NONE);
    }

    #[test]
    fn on_short_streams_with_limits(
        input in stream(),
        sizes in sizes(),
        line in prop_oneof![0_usize..12, 0_usize..250],
        field in 0_usize..30,
        event in prop_oneof![0_usize..12, 0_usize..300],
    ) {
        agree(&input, &sizes, Caps { line, field, event });
    }

    #[test]
    fn on_noise(input in prop::collection::vec(any::<u8>(), 0..300), sizes in sizes()) {
        agree(&input, &sizes, Caps::NONE);
    }

    /// Noise of the few bytes that steer a parser.
    #[test]
    fn on_structural_noise(
        input in prop::collection::vec(
            prop::sample::select(b"\r\n: \0di\xEF\xBB\xBF\xC3".to_vec()), 0..200),
        sizes in sizes(),
        line in 0_usize..20,
    ) {
        agree(&input, &sizes, Caps { line, ..Caps::NONE });
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn over_responses_in_a_row(
        responses in prop::collection::vec((stream(), sizes()), 1..4),
    ) {
        let mut parser = drive::parser(Caps::NONE);
        let mut last_event_id = String::new();
        for (input, sizes) in &responses {
            // A client that reconnects is one that starts with this id.
            let model = model::resume(input, Caps::NONE, &last_event_id);
            let parsed = drive::read_with(&mut parser, &drive::cut(input, sizes));
            drive::assert_same(input, &model, &parsed);
            last_event_id = model.last_event_id;
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn on_large_streams(input in large_stream(), sizes in large_sizes()) {
        agree(&input, &sizes, Caps::NONE);
    }

    #[test]
    fn on_large_streams_with_limits(
        input in large_stream(),
        sizes in large_sizes(),
        line in prop_oneof![50_usize..400, 1000_usize..200_000],
        event in 100_usize..200_000,
    ) {
        agree(&input, &sizes, Caps { line, field: 300, event });
    }
}

/// Lines of every length at every offset in a block of 64 bytes.
#[test]
fn on_lines_around_the_edges_of_blocks() {
    for line_end in ["\n", "\r", "\r\n"] {
        for length in 0..200 {
            let text = "x".repeat(length);
            let events = format!("data: {text}{line_end}{line_end}").repeat(3);
            for offset in (0..64).step_by(3) {
                let input = format!(
                    ":{}{line_end}{events}id: {text}{line_end}",
                    "c".repeat(offset)
                );
                agree(input.as_bytes(), &[usize::MAX], Caps::NONE);
            }
            let chunk = length + 7;
            agree(events.as_bytes(), &[chunk], Caps::NONE);
        }
    }
}

/// One odd byte or pair at the edge of a block, a region or a window.
#[test]
fn on_odd_bytes_at_the_edges_of_windows() {
    let odd: [&[u8]; 9] = [
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\r",
        b"\n\r",
        b"\xff",
        b"\xc3",
        b"\0",
        b"\xe2\x82\xac",
    ];
    let event = b"id: 12345\ndata: an ordinary event of some sixty bytes, as most are\n\n";
    let long = [b"data: ".to_vec(), vec![b'y'; 140 << 10], b"\n\n".to_vec()].concat();
    for base in [event.repeat(2100), long] {
        for odd in odd {
            for edge in EDGES {
                for offset in edge - 2..=edge + 1 {
                    let mut input = base.clone();
                    input.splice(offset..offset + odd.len(), odd.iter().copied());
                    agree(&input, &[usize::MAX], Caps::NONE);
                }
            }
        }
    }
}

/// Each bad byte costs its own line, not what lies around it.
#[test]
fn on_bad_bytes_all_over_a_large_chunk() {
    for distance in [1, 7, 64, 1000, 50_000] {
        let mut input = b"data: some text\nid: 7\n\n".repeat(12_000);
        for offset in (5..input.len()).step_by(distance).take(3000) {
            if !matches!(input[offset], b'\n') {
                input[offset] = 0xE2;
            }
        }
        agree(&input, &[usize::MAX], Caps::NONE);
        agree(&input, &[16 << 10], Caps::NONE);
    }
}
