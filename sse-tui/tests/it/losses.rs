//! What becomes of events between connections and on the way.

use crossterm::event::KeyCode;
use jiff::Timestamp;
use sse_tui::app::{App, Setup};

use crate::screens::Fixture;

const SIZE: (u16, u16) = (160, 36);

fn fixture(url: &str, sequence: Option<&str>) -> Fixture {
    let mut fixture = Fixture::new();
    let start: Timestamp = fixture.start;
    fixture.app = App::new(Setup {
        sequence: sequence.map(|regex| regex.parse().unwrap()),
        ..Setup::new(vec![url.to_owned()], start)
    });
    fixture.open(0.0, 1, "");
    fixture
}

fn events(numbers: impl IntoIterator<Item = u32>) -> String {
    let event = |number| format!("id: k3x9a1bc-{number}\ndata: {number}\n\n");
    numbers.into_iter().map(event).collect()
}

const CONNECTED: &str = "id: k3x9a1bc-1\nevent: connected\ndata: {\"connection\":\"q7\",\"cursor\":\"k3x9a1bc-1\",\"retry\":2000}\n\n";

#[test]
fn holes_in_the_numbers_of_an_unfiltered_stream_of_a_hub_are_missing_and_may_be_lost() {
    let mut fixture = fixture("http://h/events?topic=*", None);
    fixture.feed(1.0, &(CONNECTED.to_owned() + &events([2, 3, 6])));
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains(
            "── 2 events missing · k3x9a1bc-4 to k3x9a1bc-5 · lost, expired or addressed to others ─"
        ),
        "{screen}"
    );
    assert!(
        screen.contains("0 dropped   0 lost   2 missing"),
        "{screen}"
    );
    assert!(screen.contains("none declared · 2 missing"), "{screen}");
    fixture.write("g");
    fixture.press(&[KeyCode::Char('>')]);
    assert!(
        fixture
            .app
            .selected()
            .unwrap()
            .data
            .contains("2 events missing")
    );
}

#[test]
fn holes_mean_nothing_where_other_subscribers_may_have_what_is_in_them() {
    for url in [
        "http://h/events",
        "http://h/events?topic=*&event=tick",
        "http://h/events?topic=*&session=a",
        "http://h/events?topic=orders.*",
        "stdin",
    ] {
        let mut fixture = fixture(url, None);
        fixture.feed(1.0, &(CONNECTED.to_owned() + &events([2, 3, 6])));
        let screen = fixture.text(SIZE);
        assert!(
            !screen.contains("missing") && screen.contains("0 lost"),
            "{url}: {screen}"
        );
    }
    // Nor where no hub greets.
    let mut fixture = fixture("http://h/events?topic=*", None);
    fixture.feed(1.0, &events([2, 3, 6]));
    assert!(fixture.text(SIZE).contains("0 lost"));
}

#[test]
fn holes_are_a_loss_where_the_user_says_so() {
    let mut fixture = fixture("http://h/events", Some("n(\\d+)"));
    fixture.feed(
        1.0,
        "id: n1-x\ndata: 1\n\nid: n2-x\ndata: 2\n\nid: n4-x\ndata: 4\n\n",
    );
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("── 1 event missing · 3 · lost ─"),
        "{screen}"
    );
    assert!(screen.contains("1 lost"), "{screen}");
}

/// Lost after event 3, opened again, then this.
fn reconnected(url: &str, then: &str) -> String {
    let mut fixture = fixture(url, None);
    fixture.feed(1.0, &(CONNECTED.to_owned() + &events([2, 3])));
    fixture.lose(2.0, 1, "connection reset by peer", 1.0);
    fixture.open(3.5, 2, "k3x9a1bc-3");
    fixture.feed(3.6, then);
    fixture.text(SIZE)
}

#[test]
fn a_reconnect_says_what_it_lost() {
    let all = "http://h/events?topic=*";
    let some = "http://h/events";
    let again = CONNECTED.replace("bc-1", "bc-3");
    for (url, then, words) in [
        (all, again.clone() + &events([4]), "nothing lost"),
        (some, events([4]), "nothing lost"),
        (some, events([6]), "2 numbers skipped, loss unknown"),
        (some, again.clone() + &events([6]), "no gap declared"),
        (all, again.clone() + &events([6]), "2 missing, maybe lost"),
        (some, events([2, 3, 4]), "overlap, 2 sent again"),
        (
            all,
            again.clone() + &events([3, 4]),
            "overlap, 1 sent again",
        ),
        (
            some,
            "id: k3x9a1bc-9\nevent: gap\ndata: {\"reason\":\"expired\",\"missed\":6}\n\n"
                .to_owned(),
            "6 lost, says the server",
        ),
        (
            all,
            again + "id: zzzzzzzz-1\ndata: new\n\n",
            "the server began a new history",
        ),
    ] {
        let screen = reconnected(url, &then);
        let divider = format!("── connected after 1.5s · {words}");
        assert!(screen.contains(&divider), "{divider}: {screen}");
        assert!(screen.contains("resumed after k3x9a1bc-3"), "{screen}");
    }
}

#[test]
fn a_loss_of_unknown_size_is_not_shown_as_none() {
    let gap = "id: k3x9a1bc-9\nevent: gap\ndata: {\"reason\":\"store_reset\",\"missed\":null}\n\n";
    let screen = reconnected("http://h/events", gap);
    assert!(screen.contains("0+ lost"), "{screen}");
    assert!(screen.contains("some, the server says"), "{screen}");
    assert!(screen.contains("some lost, says the server"), "{screen}");
    let screen = reconnected(
        "http://h/events?topic=*",
        &(CONNECTED.replace("bc-1", "bc-3") + "id: zzzzzzzz-1\ndata: new\n\n"),
    );
    assert!(screen.contains("0+ lost"), "{screen}");
}

#[test]
fn a_stream_without_ids_says_that_loss_is_unknown() {
    let mut fixture = fixture("http://h/events", None);
    fixture.feed(1.0, "data: x\n\n");
    fixture.lose(2.0, 1, "connection reset by peer", 1.0);
    fixture.open(3.5, 2, "");
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("connected after 1.5s · no id to resume after: loss unknown"),
        "{screen}"
    );
}

#[test]
fn a_last_event_id_that_cannot_be_sent_is_said() {
    let mut fixture = fixture("http://h/events", None);
    fixture.feed(1.0, "id: a\u{1}b\ndata: x\n\n");
    fixture.lose(2.0, 1, "connection reset by peer", 1.0);
    fixture.connecting(3.0, 2, "", true);
    let screen = fixture.text(SIZE);
    assert!(screen.contains("cannot be sent: a␁b"), "{screen}");
    fixture.app.update(sse_tui::message::Message::Stream {
        source: 0,
        change: sse_tui::message::Change::Open {
            at: fixture.at(3.5),
            leg: 2,
            how: "HTTP/1.1 200".to_owned(),
            head: None,
        },
    });
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("last event ID holds control characters, not sent"),
        "{screen}"
    );
}

#[test]
fn kept_evicted_and_dropped_are_counted_apart() {
    let mut fixture = Fixture::with(&[], None, 64 << 10);
    fixture.open(0.0, 1, "");
    for _ in 0..100 {
        fixture.feed(1.0, &format!("data: {}\n\n", "x".repeat(1000)));
    }
    let screen = fixture.text(SIZE);
    let kept = fixture.app.store.kept();
    let evicted = fixture.app.store.evicted();
    assert!(evicted > 0 && kept > 0 && kept + evicted == 100);
    let counters = format!("{kept} kept   {evicted} evicted   0 dropped   0 lost");
    assert!(screen.contains(&counters), "{counters}: {screen}");
}
