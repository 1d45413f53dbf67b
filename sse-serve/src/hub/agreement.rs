//! Random histories against a plain list of all that was ever published: what a
//! subscription admits is delivered once or covered by a gap, and no gap is told
//! where nothing was lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use sse_core::{Item, Parser};

use super::audience::Audience;
use super::cursor::{Cursor, Due};
use super::portion::Portions;
use super::*;
use crate::log::{Envelope, Options, SqliteLog, WakeQueue};

const TOPICS: [&str; 5] = ["default", "busy", "rare.a", "rare.b", "brief"];
const TYPES: [&str; 2] = ["message", "x"];
const SESSIONS: [&str; 2] = ["s", "t"];

/// Two of these do not fit into one write.
const LARGE: usize = 20_000;

const CLIENTS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Publish {
        topic: usize,
        event_type: usize,
        session: Option<usize>,
        /// A client whose connection it is for, if that is open.
        client: Option<usize>,
        large: bool,
        time_to_live: Option<u64>,
    },
    Open {
        client: usize,
        filter: usize,
        start: First,
        gap: GapPolicy,
    },
    /// So many writes; all that is due at the end.
    Read {
        client: usize,
        writes: usize,
    },
    Advance(u64),
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum First {
    Head,
    Earliest,
    Last(usize),
    Resume,
}

fn steps(lasting: bool) -> impl Strategy<Value = Vec<Step>> {
    let brief = u32::from(!lasting);
    let seldom = if lasting { f64::MIN_POSITIVE } else { 0.1 };
    let publish = (
        0..TOPICS.len(),
        0..TYPES.len(),
        proptest::option::weighted(0.2, 0..SESSIONS.len()),
        proptest::option::weighted(seldom, 0..CLIENTS),
        proptest::bool::weighted(0.3),
        proptest::option::weighted(seldom, 1_u64..100),
    )
        .prop_map(
            |(topic, event_type, session, client, large, time_to_live)| Step::Publish {
                topic,
                event_type,
                session,
                client,
                large,
                time_to_live,
            },
        );
    let start = prop_oneof![
        1 => Just(First::Head),
        1 => Just(First::Earliest),
        1 => (0_usize..6).prop_map(First::Last),
        5 => Just(First::Resume),
    ];
    let gap = prop_oneof![4 => Just(GapPolicy::Oldest), 1 => Just(GapPolicy::Latest)];
    let open =
        (0..CLIENTS, 0..filters().len(), start, gap).prop_map(|(client, filter, start, gap)| {
            Step::Open {
                client,
                filter,
                start,
                gap,
            }
        });
    let read = (0..CLIENTS, 1_usize..4).prop_map(|(client, writes)| Step::Read { client, writes });
    let step = prop_oneof![
        12 => publish,
        2 => open,
        4 => read,
        brief => (1_u64..60).prop_map(Step::Advance),
        (1 - brief) => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..120)
}

fn filters() -> Vec<Filter> {
    let of = |topics: &[&str], types: &[&str], session: Option<&str>, targeted_only| Filter {
        topics: topics.iter().map(|text| TopicPattern::new(text)).collect(),
        event_types: types.iter().map(ToString::to_string).collect(),
        session: session.map(Into::into),
        targeted_only,
    };
    vec![
        of(&["*"], &[], None, false),
        of(&["*"], &[], Some("s"), false),
        of(&["default"], &[], None, false),
        of(&["rare.*"], &[], None, false),
        of(&["rare.a", "busy"], &[], Some("t"), false),
        of(&["rare.*", "brief"], &["x"], None, false),
        of(&["*"], &[], Some("s"), true),
    ]
}

/// Budgets as [`retention`] sets them: of which topics, events, age.
const POOLS: [(&str, usize, Option<u64>); 3] =
    [("rare.", 3, None), ("brief", 5, Some(50)), ("", 6, None)];

fn retention() -> HubConfig {
    let own = |topics: &str, events, age: Option<u64>| TopicRetention {
        topics: topics.into(),
        events: Some(events),
        bytes: None,
        age: age.map(Duration::from_millis),
    };
    HubConfig {
        retention: Retention {
            events: 6,
            ..Retention::default()
        },
        topics: vec![own("rare.*", 3, None), own("brief", 5, Some(50))],
        heartbeat: Duration::from_secs(3600),
        ..HubConfig::default()
    }
}

/// One of all that was ever published.
#[derive(Debug)]
struct Published {
    envelope: Envelope,
    at: u64,
    expires: Option<u64>,
    is_retained: bool,
    /// It went before its time was over: somebody may be owed it.
    is_lost: bool,
}

#[derive(Debug, Default)]
struct Model {
    /// The first has the number 1.
    events: Vec<Published>,
    now: u64,
}

impl Model {
    fn evict(&mut self) {
        for (n, (prefix, most, age)) in POOLS.into_iter().enumerate() {
            let of = |topic: &str| {
                let own = POOLS.iter().position(|pool| topic.starts_with(pool.0));
                own == Some(n) || (topic.is_empty() && prefix.is_empty())
            };
            let pool = |event: &Published| {
                event.is_retained && of(event.envelope.topic.as_deref().unwrap_or_default())
            };
            let count = self.events.iter().filter(|event| pool(event)).count();
            let mut excess = count.saturating_sub(most);
            for event in &mut self.events {
                if !pool(event) {
                    continue;
                }
                let is_old = age.is_some_and(|age| event.at + age < self.now);
                if excess == 0 && !is_old {
                    break;
                }
                excess = excess.saturating_sub(1);
                event.is_retained = false;
                event.is_lost = event.expires.is_none_or(|expires| expires > self.now);
            }
        }
    }

    fn after(&self, cursor: u64) -> impl Iterator<Item = (u64, &Published)> {
        (1..).zip(&self.events).skip(cursor as usize)
    }

    fn is_expired(&self, event: &Published) -> bool {
        event.expires.is_some_and(|expires| expires <= self.now)
    }

    fn head(&self) -> u64 {
        self.events.len() as u64
    }

    fn floor(&self) -> u64 {
        let mut retained = self.after(0).filter(|(_, event)| event.is_retained);
        retained.next().map_or(self.head(), |(seq, _)| seq - 1)
    }
}

#[derive(Default)]
struct Client {
    filter: Filter,
    cursor: Option<Cursor>,
    connection: String,
    last_event_id: String,
    parser: Parser,
    /// Everything up to here is settled.
    at: u64,
    /// Told of, or never asked for.
    excused: HashSet<u64>,
    /// What a gap before `connected` stands for.
    gone_at_open: Vec<u64>,
    is_latest: bool,
    connected: bool,
}

impl Client {
    fn admits(&self, event: &Published) -> bool {
        self.filter.admits(&event.envelope, Some(&self.connection))
    }

    /// What a gap now would stand for: what is gone after its position and was
    /// not told of, and what is skipped; nothing if nothing is gone.
    fn gone(&self, model: &Model) -> Vec<u64> {
        let news = || {
            let admitted = model.after(self.at).filter(|(_, event)| self.admits(event));
            admitted.filter(|(seq, _)| !self.excused.contains(seq))
        };
        if !news().any(|(_, event)| event.is_lost) {
            return Vec::new();
        }
        let is_skipped =
            |event: &Published| self.is_latest && event.is_retained && !model.is_expired(event);
        news()
            .filter(|(_, event)| event.is_lost || is_skipped(event))
            .map(|(seq, _)| seq)
            .collect()
    }

    fn settle(&mut self, model: &Model, upto: u64) {
        for (seq, event) in model.after(self.at) {
            if seq <= upto {
                assert!(
                    !self.admits(event) || self.excused.contains(&seq) || model.is_expired(event),
                    "{seq} was passed in silence: {event:?}"
                );
            }
        }
        assert!(upto >= self.at, "back to {upto} from {}", self.at);
        self.at = upto;
    }

    /// With the audiences, it is served together with others of its filter.
    fn open(
        &mut self,
        hub: &Hub,
        model: &Model,
        audiences: Option<&mut Audiences>,
        start: First,
        gap: GapPolicy,
    ) {
        self.parser = Parser::new();
        self.connected = false;
        self.excused.clear();
        self.is_latest = gap == GapPolicy::Latest;
        let start = match start {
            First::Resume if !self.last_event_id.is_empty() => {
                let id = self.last_event_id.clone();
                self.at = seq_of(hub, &id);
                Start::After(id.into_bytes())
            }
            First::Head | First::Resume => {
                self.at = model.head();
                Start::Head
            }
            First::Earliest => {
                self.at = model.floor();
                Start::Earliest
            }
            First::Last(count) => {
                self.connection = "not yet known".into();
                let mut last: Vec<u64> = model
                    .after(0)
                    .filter(|(_, event)| event.is_retained && !model.is_expired(event))
                    .filter(|(_, event)| self.admits(event))
                    .map(|(seq, _)| seq)
                    .collect();
                let first = last.split_off(last.len().saturating_sub(count));
                self.at = first.first().map_or(model.head(), |seq| seq - 1);
                Start::Last(count)
            }
        };
        if !matches!(start, Start::After(_)) {
            let gone = model.after(self.at).filter(|(_, event)| event.is_lost);
            self.excused.extend(gone.map(|(seq, _)| seq));
        }
        let request = Subscribe {
            filter: self.filter.clone(),
            start,
            gap: Some(gap),
            peer: None,
            expires: None,
            replaces: None,
        };
        let cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
        match audiences {
            None => cursor.follow(),
            Some(audiences) => audiences
                .entry(Audience::key(&cursor))
                .or_insert_with(|| Audience::open(&cursor, Arc::new(Deaf), 0))
                .join(&cursor),
        }
        self.connection = cursor.connection.id().to_owned();
        self.cursor = Some(cursor);
        self.gone_at_open = self.gone(model);
    }

    /// At most so many writes; whether there is no more.
    fn read(
        &mut self,
        hub: &Hub,
        model: &Model,
        mut portions: Option<&mut Portions>,
        writes: usize,
    ) -> bool {
        for _ in 0..writes {
            let Some(cursor) = &mut self.cursor else {
                return true;
            };
            match cursor.due(Instant::now(), portions.as_deref_mut()) {
                Due::Write(delivery) => self.take(hub, model, &delivery.into_bytes()),
                Due::Blocks(seqs) => {
                    let blocks = cursor.fetch(seqs);
                    cursor.supply(blocks.blocking_recv().unwrap().unwrap());
                }
                Due::Nothing => {
                    self.settle(model, model.head());
                    return true;
                }
                Due::End => panic!("the stream ended"),
            }
        }
        false
    }

    fn take(&mut self, hub: &Hub, model: &Model, bytes: &[u8]) {
        let mut parser = std::mem::take(&mut self.parser);
        let mut items = parser.feed(bytes);
        while let Some(item) = items.next().unwrap() {
            let Item::Event(event) = item else { continue };
            let seq = seq_of(hub, event.last_event_id);
            match event.event_type {
                "connected" => {
                    assert_eq!(seq, self.at);
                    assert!(self.gone_at_open.is_empty(), "a gap was not told of");
                    self.connected = true;
                }
                "gap" => self.take_gap(model, seq, event.data),
                _ => {
                    assert!(self.connected);
                    assert!(seq > self.at, "{seq} again");
                    self.settle(model, seq - 1);
                    self.at = seq;
                    let event = &model.events[seq as usize - 1];
                    assert!(self.admits(event) && event.is_retained, "{seq} {event:?}");
                    assert!(!model.is_expired(event), "{seq} {event:?}");
                }
            }
            self.last_event_id = event.last_event_id.to_owned();
        }
        drop(items);
        self.parser = parser;
    }

    fn take_gap(&mut self, model: &Model, seq: u64, data: &str) {
        let gone = if self.connected {
            self.gone(model)
        } else {
            std::mem::take(&mut self.gone_at_open)
        };
        assert!(
            !gone.is_empty(),
            "nothing is gone after {}: {data}",
            self.at
        );
        let missed = gone.len();
        self.excused.extend(gone);
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["reason"] == "expired", !self.connected);
        if let Some(told) = data["missed"].as_u64() {
            assert_eq!(told as usize, missed, "{data}");
        }
        self.settle(model, seq);
    }
}

/// One serves many, as it is asked to and not as it is woken.
type Audiences = HashMap<usize, Audience>;

#[derive(Debug)]
struct Deaf;

impl WakeQueue for Deaf {
    fn push(&self, _: usize) {}
}

/// Tells every audience what came, before any of its cursors is asked.
fn call(
    hub: &Hub,
    model: &Model,
    audiences: &Audiences,
    portions: &mut Portions,
    clients: &mut [Client],
    can_write: bool,
) {
    let now = Instant::now();
    for (key, audience) in audiences {
        let Some(call) = audience.call(now, portions) else {
            continue;
        };
        for client in clients.iter_mut().skip(1) {
            let Some(cursor) = &mut client.cursor else {
                continue;
            };
            if Audience::key(cursor) == *key
                && let Some(delivery) = cursor.hear(&call, can_write, now)
            {
                client.take(hub, model, &delivery.into_bytes());
            }
        }
    }
}

fn seq_of(hub: &Hub, id: &str) -> u64 {
    let (epoch, seq) = id.split_once('-').unwrap();
    assert_eq!(epoch, hub.shared.history().epoch().as_str());
    seq.parse().unwrap()
}

fn run(steps: Vec<Step>, open_hub: impl Fn() -> Hub) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut hub = open_hub();
    let mut model = Model {
        now: hub.shared.history().clock().now(),
        ..Model::default()
    };
    hub.shared.history().clock().stop_at(model.now);
    // Shared by all but the first.
    let mut portions = Portions::default();
    let mut audiences = Audiences::new();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::default()).collect();
    for step in steps {
        match step {
            Step::Publish {
                topic,
                event_type,
                session,
                client,
                large,
                time_to_live,
            } => {
                let length = if large { LARGE } else { 1 };
                let mut event = Publication::new("x".repeat(length))
                    .with_type(TYPES[event_type])
                    .unwrap();
                // A targeted one may go without.
                if session.is_none() || topic > 0 {
                    event = event.with_topic(TOPICS[topic]).unwrap();
                }
                if let Some(session) = session {
                    event = event.with_session(SESSIONS[session]).unwrap();
                }
                if let Some(client) = client.map(|client| &clients[client])
                    && client.cursor.is_some()
                {
                    event = event.with_connection(&client.connection).unwrap();
                }
                if let Some(time_to_live) = time_to_live {
                    event = event.with_time_to_live(Duration::from_millis(time_to_live));
                }
                let envelope = event.draft().envelope;
                let ids = runtime.block_on(hub.publish(&[event])).unwrap();
                assert_eq!(seq_of(&hub, &ids[0]), model.head() + 1);
                model.events.push(Published {
                    envelope,
                    at: model.now,
                    expires: time_to_live.map(|millis| model.now + millis),
                    is_retained: true,
                    is_lost: false,
                });
                model.evict();
            }
            Step::Open {
                client,
                filter,
                start,
                gap,
            } => {
                let is_alone = client == 0;
                clients[client].cursor = None;
                let cursors = || {
                    clients
                        .iter()
                        .skip(1)
                        .filter_map(|client| client.cursor.as_ref())
                };
                audiences.retain(|key, _| cursors().any(|cursor| Audience::key(cursor) == *key));
                let client = &mut clients[client];
                // The last event ID belongs to one subscription.
                if !matches!(start, First::Resume) || client.last_event_id.is_empty() {
                    client.filter = filters().swap_remove(filter);
                }
                let together = Some(&mut audiences).filter(|_| !is_alone);
                client.open(&hub, &model, together, start, gap);
            }
            Step::Read { client, writes } => {
                let can_write = writes < 3;
                call(
                    &hub,
                    &model,
                    &audiences,
                    &mut portions,
                    &mut clients,
                    can_write,
                );
                let portions = Some(&mut portions).filter(|_| client > 0);
                clients[client].read(&hub, &model, portions, writes);
            }
            Step::Advance(millis) => {
                model.now += millis;
                hub.shared.history().clock().stop_at(model.now);
                hub.shared.log.age();
                model.evict();
            }
            Step::Restart => {
                for client in &mut clients {
                    client.cursor = None;
                }
                audiences.clear();
                portions.clear();
                drop(hub);
                hub = open_hub();
            }
        }
        let window = hub.shared.history().window();
        let all = crate::log::Selection::new(filters().swap_remove(0));
        let all = crate::log::Scope {
            selection: &all,
            connection: None,
        };
        let retained = window.after(0, all).map(|(seq, _)| seq);
        let expected = model.after(0).filter(|(_, event)| event.is_retained);
        assert!(retained.eq(expected.map(|(seq, _)| seq)));
    }
    call(&hub, &model, &audiences, &mut portions, &mut clients, true);
    for client in &mut clients {
        while !client.read(&hub, &model, None, 1) {}
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn everything_is_delivered_once_or_covered_by_a_gap(steps in steps(false)) {
        run(steps, || Hub::new(retention()));
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn so_it_is_with_a_file_that_memory_holds_little_of_and_over_restarts(steps in steps(true)) {
        let directory = tempfile::TempDir::new().unwrap();
        let options = Options {
            path: directory.path().join("events.db"),
            durability: crate::log::Durability::Normal,
            memory: 30_000,
        };
        run(steps, || {
            let mut config = retention();
            for topic in &mut config.topics {
                topic.age = None;
            }
            let log = SqliteLog::open(&options, config.retention, &config.topics).unwrap();
            Hub::over(Box::new(log), config)
        });
    }
}
