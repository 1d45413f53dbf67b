//! Every row of `conformance.md` has a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("conformance.md");

/// Where tests of the spawned binary stand; those in a browser have places of
/// their own.
const PLACES: [&str; 5] = [
    "tests/server",
    "tests/server/auth",
    "tests/protocols",
    "tests/page",
    "../demos/tests/end_to_end",
];

#[test]
fn every_row_of_the_table_has_a_test() {
    let rows: BTreeMap<&str, &str> = TABLE.lines().filter_map(row).collect();
    let all: BTreeSet<String> = (1..=44).map(|n| format!("V{n:02}")).collect();
    assert!(rows.keys().copied().eq(all.iter()), "{rows:?}");

    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in PLACES.iter().flat_map(|place| sources(place)) {
        for (row, test) in marks(&fs::read_to_string(&file).unwrap()) {
            assert!(all.contains(&row), "{test} marks {row}, which is no row");
            let module = file.file_stem().unwrap().to_string_lossy();
            tests
                .entry(row)
                .or_default()
                .push(format!("{module}::{test}"));
        }
    }
    for (row, then) in rows {
        let found = tests.get(row).map(|tests| tests.join(", "));
        println!("{row}  {then}: {}", found.as_deref().unwrap_or("NO TEST"));
        assert!(found.is_some(), "{row} has no test");
    }
}

/// `| V01 | given | then |`
fn row(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.trim_matches('|').split('|').map(str::trim);
    let (row, _, then) = (cells.next()?, cells.next()?, cells.next()?);
    row.starts_with('V').then_some((row, then))
}

/// The rows marked above each test, with its name.
fn marks(source: &str) -> Vec<(String, String)> {
    let mut marks = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(rows) = line.strip_prefix("/// V") else {
            continue;
        };
        let mut is_test = false;
        let name = lines.by_ref().find_map(|line| {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ")?.split_once('(')
        });
        let (name, _) = name.unwrap();
        assert!(is_test, "{name} is marked and is no test");
        let rows = rows.split(", V").map(|row| format!("V{row}"));
        marks.extend(rows.map(|row| (row, name.to_owned())));
    }
    marks
}

/// In a package without the other crates, theirs are not looked at.
fn sources(place: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut sources: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    sources.sort();
    sources
}
