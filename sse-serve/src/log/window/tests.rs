use super::*;
use crate::log::{
    ConnectionId, Envelope, Filter, Retention, Selection, TopicPattern, TopicRetention,
};

const TOPICS: [&str; 6] = ["a", "a.b", "a.b.c", "a.c", "b", "b.c"];
const PATTERNS: [&str; 9] = ["a", "a.b", "a.c", "b", "b.c", "a.*", "a.b.*", "b.*", "*"];

const C: &str = "cccccccccccccccc";
const D: &str = "dddddddddddddddd";

fn one_of<'a>(names: &[&'a str]) -> &'a str {
    names[fastrand::usize(..names.len())]
}

fn maybe(name: &str) -> Option<String> {
    fastrand::bool().then(|| name.to_owned())
}

fn record() -> Record {
    let session = (fastrand::u8(..4) == 0).then(|| one_of(&["s", "t"]).to_owned());
    let connection = (fastrand::u8(..8) == 0).then(|| one_of(&[C, D]).to_owned());
    let topic = if session.is_some() || connection.is_some() {
        maybe(one_of(&TOPICS))
    } else {
        Some(one_of(&TOPICS).to_owned())
    };
    let length = fastrand::usize(1..20);
    Record {
        envelope: Arc::new(Envelope {
            topic,
            event_type: one_of(&["x", "y"]).to_owned(),
            session,
            connection,
        }),
        block: Some(Bytes::from(vec![b'x'; length])),
        length,
        published: 0,
        expires: None,
        key: None,
    }
}

fn selection() -> Selection {
    let count = fastrand::usize(1..4);
    let filter = Filter {
        topics: (0..count)
            .map(|_| TopicPattern::new(one_of(&PATTERNS)))
            .collect(),
        event_types: maybe("x").into_iter().collect(),
        session: maybe("s"),
        targeted_only: fastrand::u8(..4) == 0,
    };
    Selection::new(filter)
}

fn window(resident: Option<usize>) -> Window {
    let overall = Retention {
        events: 150,
        bytes: 1500,
        age: None,
    };
    let own = |topics: &str, events| TopicRetention {
        topics: topics.to_owned(),
        events: Some(events),
        ..TopicRetention::default()
    };
    let topics = [own("a.b.*", 3), own("b", 20)];
    Window::new(Budgets::new(overall, &topics), resident)
}

/// Reads and losses against a plain list of all that was retained and evicted.
#[test]
fn it_agrees_with_a_list() {
    for seed in 0..60 {
        fastrand::seed(seed);
        let mut window = window(None);
        let mut retained: BTreeMap<u64, Record> = BTreeMap::new();
        let mut gone: Vec<(u64, Record)> = Vec::new();
        for seq in 1..=400 {
            let record = record();
            let mut evicted = Vec::new();
            retained.insert(seq, record.clone());
            window.push(seq, record, None, &mut evicted);
            for (seq, record) in evicted {
                assert!(retained.remove(&seq).is_some());
                window.marks_mut().mark(&record.envelope, seq);
                gone.push((seq, record));
            }
            if seq % 20 != 0 {
                continue;
            }
            assert_eq!(window.len(), retained.len());
            let bytes: usize = retained.values().map(|record| record.length).sum();
            assert_eq!(window.bytes(), bytes);
            let selection = selection();
            let connection = ConnectionId::parse(C).unwrap();
            let scope = Scope {
                selection: &selection,
                connection: Some(&connection),
            };
            let cursor = fastrand::u64(..=seq);
            let admits = |record: &Record| scope.admits(&record.envelope);
            let expected: Vec<u64> = retained
                .range(cursor + 1..)
                .filter(|(_, record)| admits(record))
                .map(|(seq, _)| *seq)
                .collect();
            let read: Vec<u64> = window
                .after(cursor, scope)
                .filter(|(_, record)| admits(record))
                .map(|(seq, _)| seq)
                .collect();
            assert_eq!(read, expected, "{seed} {selection:?}");
            let mut backward: Vec<u64> = window
                .backward(u64::MAX, scope)
                .filter(|(_, record)| admits(record))
                .map(|(seq, _)| seq)
                .collect();
            backward.reverse();
            assert!(backward.ends_with(&expected), "{seed} {selection:?}");
            let up_to: Vec<u64> = window
                .backward(cursor, scope)
                .filter(|(_, record)| admits(record))
                .map(|(seq, _)| seq)
                .collect();
            backward.truncate(backward.len() - expected.len());
            assert!(
                up_to.iter().eq(backward.iter().rev()),
                "{seed} {selection:?}"
            );
            let lost = |(seq, record): &&(u64, Record)| *seq > cursor && admits(record);
            let newest = gone.iter().filter(lost).map(|(seq, _)| *seq).max();
            let loss = window.loss_after(cursor, Evictions::default(), scope);
            assert_eq!(loss.map(|loss| loss.newest), newest, "{seed} {selection:?}");
            if loss.is_some_and(|loss| loss.counts_all) {
                let count = gone.iter().filter(lost).count() as u64;
                assert_eq!(window.evicted_after(cursor), count);
            }
        }
    }
}

#[test]
fn memory_holds_the_newest_blocks_and_what_is_nowhere_else() {
    fastrand::seed(7);
    let mut window = window(Some(200));
    let mut evicted = Vec::new();
    for seq in 1..=2000 {
        window.push(seq, record(), None, &mut evicted);
        let kept: usize = window
            .pools
            .iter()
            .flat_map(|pool| &pool.records)
            .filter(|(_, record)| can_go(record))
            .map(|(_, record)| record.length)
            .sum();
        assert_eq!(window.resident.bytes, kept);
        assert!(kept <= 200);
    }
    let records = window.pools.iter().flat_map(|pool| &pool.records);
    for (seq, record) in records {
        let is_live_only = record.envelope.connection.is_some();
        assert!(!is_live_only || record.block.is_some(), "{seq}");
        assert!(*seq <= 1995 || record.block.is_some(), "{seq}");
        assert!(
            *seq > 1900 || is_live_only || record.block.is_none(),
            "{seq}"
        );
    }
}
