use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::FutureExt;

use super::*;

/// How often a task was woken.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Step = Pin<Box<dyn Future<Output = (Option<Bytes>, Subscription)>>>;

/// A task that reads a subscription, run by hand.
struct Reader {
    step: Step,
    wakes: Arc<Count>,
}

impl Reader {
    /// It has read all there is, and waits.
    fn open(hub: &Hub, topics: &[&str]) -> Self {
        let mut reader = Self::start(hub, topics, Start::Head);
        reader.read();
        reader
    }

    fn start(hub: &Hub, topics: &[&str], start: Start) -> Self {
        let filter = Filter {
            topics: topics.iter().map(|text| TopicPattern::new(text)).collect(),
            ..Filter::default()
        };
        let request = Subscribe {
            filter,
            start,
            gap: None,
            peer: None,
            expires: None,
            replaces: None,
        };
        Self {
            step: step(hub.subscribe(request).unwrap()),
            wakes: Arc::default(),
        }
    }

    /// What is due; then it waits.
    fn read(&mut self) -> String {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let mut context = Context::from_waker(&waker);
        let mut text = String::new();
        while let Poll::Ready((Some(bytes), subscription)) = self.step.as_mut().poll(&mut context) {
            text.push_str(std::str::from_utf8(&bytes).unwrap());
            self.step = step(subscription);
        }
        text
    }
}

fn step(mut subscription: Subscription) -> Step {
    Box::pin(async { (subscription.next().await, subscription) })
}

fn publish(hub: &Hub, topics: &[&str]) {
    let events: Vec<_> = topics
        .iter()
        .map(|topic| Publication::new(*topic).with_topic(topic).unwrap())
        .collect();
    hub.publish(&events).now_or_never().unwrap().unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

#[test]
fn a_publish_costs_the_same_among_ten_thousand_topics() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let hub = Hub::new(HubConfig::default());
    let mut readers: Vec<Reader> = (0..10_000)
        .map(|n| Reader::open(&hub, &[&format!("topic.{n}")]))
        .collect();
    let reads = hub.reads();
    for _ in 0..3 {
        publish(&hub, &["topic.77"]);
    }
    publish(&hub, &["topic.78", "nobody's"]);
    assert_eq!(hub.wakes(), 2);
    let woken: Vec<usize> = (0..readers.len())
        .filter(|&n| readers[n].wakes.0.load(Ordering::Relaxed) > 0)
        .collect();
    assert_eq!(woken, [77, 78]);
    assert_eq!(readers[77].read().matches("data: topic.77\n").count(), 3);
    assert_eq!(readers[78].read().matches("data: ").count(), 1);
    assert_eq!(hub.reads() - reads, 4);
}

#[test]
fn those_whom_it_concerns_are_woken_by_each_way_to_admit_it() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let hub = Hub::new(HubConfig::default());
    let mut readers: Vec<Reader> = [
        &["a.b"][..],
        &["a.*"],
        &["*"],
        &["a.b", "a.*"],
        &["a"],
        &["a.b.*"],
    ]
    .map(|topics| Reader::open(&hub, topics))
    .into();
    publish(&hub, &["a.b"]);
    assert_eq!(hub.wakes(), 4);
    let delivered: Vec<usize> = readers
        .iter_mut()
        .map(|reader| reader.read().matches("data: a.b\n").count())
        .collect();
    assert_eq!(delivered, [1, 1, 1, 1, 0, 0]);
}

#[test]
fn a_replay_looks_at_what_it_delivers() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let hub = Hub::new(HubConfig::default());
    let busy = ["busy"; 1000];
    publish(&hub, &["rare.a"]);
    publish(&hub, &busy);
    publish(&hub, &["rare.b"]);
    publish(&hub, &busy);
    for (topics, expected) in [
        (&["rare.a"][..], 1),
        (&["rare.*"], 2),
        (&["rare.a", "rare.b"], 2),
    ] {
        let reads = hub.reads();
        let mut reader = Reader::start(&hub, topics, Start::Earliest);
        assert_eq!(reader.read().matches("data: rare").count(), expected);
        assert_eq!(hub.reads() - reads, expected as u64, "{topics:?}");
    }
}

#[test]
fn an_idle_subscription_is_not_told_of_losses_that_are_not_its_own() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let hub = Hub::new(HubConfig {
        retention: Retention {
            events: 2,
            ..Retention::default()
        },
        ..HubConfig::default()
    });
    let mut reader = Reader::open(&hub, &["rare"]);
    // More topics than there are marks: the others share one.
    for n in 0..10_100 {
        publish(&hub, &[&format!("busy.{n}")]);
    }
    publish(&hub, &["rare"]);
    let text = reader.read();
    assert!(!text.contains("event: gap"), "{text}");
    assert!(text.ends_with("data: rare\n\n"), "{text}");
}
