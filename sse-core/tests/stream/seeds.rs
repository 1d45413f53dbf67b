//! The bodies of the fuzz targets, on their seeds and on a little noise.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fuzz_bodies::{capture, encode_round_trip, lint, parse, source};

/// A target with the name of its directory of seeds.
type Target = (&'static str, fn(&[u8]) -> arbitrary::Result<()>);

const TARGETS: [Target; 6] = [
    ("parse", parse::run),
    ("parse_large", parse::run_large),
    ("encode_round_trip", encode_round_trip::run),
    ("source", source::run),
    ("capture", capture::run),
    ("lint", lint::run),
];

#[test]
fn the_targets_hold_on_their_seeds() {
    for (name, run) in TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/seeds")
            .join(name);
        let mut files = 0;
        for seed in std::fs::read_dir(&seeds).expect("a directory of seeds") {
            let bytes = std::fs::read(seed.expect("a seed").path()).expect("a seed");
            assert_eq!(
                run(&bytes),
                Ok(()),
                "a seed that ends too early tests little"
            );
            files += 1;
        }
        assert!(files > 0, "{name} has seeds");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_targets_hold_on_noise(bytes in vec(any::<u8>(), 0..500)) {
        for (_, run) in TARGETS.iter().filter(|(name, _)| *name != "parse_large") {
            // An error says that the bytes ended before the case did.
            let _ = run(&bytes);
        }
    }
}
