//! The screens of lints and of the audit.

use crossterm::event::KeyCode;
use http::StatusCode;
use sse_core::Cause;
use sse_tui::app::{App, Setup};
use sse_tui::message::{Away, Change, End, Ending, Message};
use sse_tui::store::RowKind;

use crate::screens::{Fixture, good_head};

const SIZE: (u16, u16) = (120, 36);

fn key(character: char) -> KeyCode {
    KeyCode::Char(character)
}

/// A server that does much wrong.
pub(crate) fn sloppy() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.connecting(0.0, 1, "", false);
    let mut head = good_head();
    head.remove("cache-control");
    head.insert("server", "nginx/1.25.3".parse().unwrap());
    fixture.change(Change::Open {
        at: fixture.at(0.2),
        leg: 1,
        how: "HTTP/1.1 200".to_owned(),
        head: Some(head),
    });
    for number in 1..=12 {
        let data = format!("Data: {number}\nevent: tick\ndata: {{\"n\":{number}}}\n\n");
        fixture.feed(0.5 * f64::from(number), &data);
    }
    fixture.feed(7.0, "event: \u{1b}[2J日本 \ndata: x\n\n");
    fixture.feed(69.5, "retry: 10\n\ndata: after the silence\n\n");
    fixture.clock(72.0);
    fixture
}

/// A hub that went away four times.
pub(crate) fn reconnecting() -> Fixture {
    let url = "http://127.0.0.1:8080/events?topic=*";
    let mut fixture = Fixture::new();
    fixture.app = App::new(Setup::new(vec![url.to_owned()], fixture.start));
    let connected = |id: u32| {
        format!("id: k3x9a1bc-{id}\nevent: connected\ndata: {{\"cursor\":\"k3x9a1bc-{id}\"}}\n\n")
    };
    let ticks = |ids: std::ops::RangeInclusive<u32>| {
        let tick = |id| format!("id: k3x9a1bc-{id}\nevent: tick\ndata: {id}\n\n");
        ids.map(tick).collect::<String>()
    };
    fixture.open(0.0, 1, "");
    fixture.feed(0.1, &(connected(0) + &ticks(1..=5)));
    fixture.lose(6.0, 1, "connection reset", 2.0);
    fixture.lose(8.0, 2, "connection refused", 2.0);
    fixture.open(10.5, 2, "k3x9a1bc-5");
    fixture.feed_leg(0, 10.6, 2, &(connected(5) + &ticks(6..=9)));
    fixture.lose(20.0, 2, "the server ended the stream", 2.0);
    fixture.open(22.0, 3, "k3x9a1bc-9");
    fixture.feed_leg(0, 22.1, 3, &(connected(12) + &ticks(13..=14)));
    fixture.lose(30.0, 3, "connection reset", 2.0);
    fixture.open(32.0, 4, "k3x9a1bc-14");
    fixture.feed_leg(0, 32.1, 4, &(connected(14) + &ticks(1..=15)));
    fixture.lose(40.0, 4, "connection reset", 2.0);
    fixture.open(42.0, 5, "k3x9a1bc-15");
    fixture.feed_leg(0, 42.1, 5, &connected(15));
    fixture.lose(50.0, 5, "connection reset", 9.0);
    fixture.clock(54.0);
    fixture
}

#[test]
fn lints() {
    let mut fixture = sloppy();
    fixture.press(&[key('!')]);
    fixture.snapshots("lints");
}

#[test]
fn audit() {
    let mut fixture = reconnecting();
    fixture.press(&[key('a'), KeyCode::Up, KeyCode::Up]);
    fixture.snapshots("audit");
}

#[test]
fn a_good_stream_shows_no_lints() {
    let mut fixture = Fixture::busy();
    assert!(!fixture.text(SIZE).contains("lint"));
    fixture.press(&[key('!')]);
    assert!(fixture.text(SIZE).contains("nothing to remark so far"));
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.text(SIZE).contains("no lint so far"));
    fixture.press(&[key('a')]);
    assert!(fixture.text(SIZE).contains("no reconnect so far"));
    fixture.press(&[KeyCode::Enter, KeyCode::Esc]);
    assert!(fixture.text(SIZE).contains("events 49"));
}

#[test]
fn the_number_of_lints_stands_on_every_other_screen() {
    let mut fixture = sloppy();
    let lints = fixture.app.screens.lints.rows().len();
    for size in [(200, 50), (80, 24)] {
        let screen = fixture.text(size);
        assert!(screen.contains(&format!("! {lints} lints")), "{screen}");
    }
    let small = fixture.text((40, 10));
    assert!(small.contains(&format!("! {lints}  ")), "{small}");
}

#[test]
fn a_lint_leads_to_the_event_that_shows_it() {
    let mut fixture = sloppy();
    fixture.draw(SIZE);
    fixture.press(&[key('!')]);
    fixture.draw(SIZE);
    // The first is the worst: a field that is ignored.
    fixture.press(&[KeyCode::Enter]);
    let selected = fixture.app.selected().unwrap();
    assert_eq!((selected.event_type, selected.data), ("tick", "{\"n\":12}"));
    fixture.press(&[key('!'), key('[')]);
    assert_eq!(fixture.app.selected().unwrap().data, "{\"n\":1}");
    assert!(!fixture.app.view.following());
    // The silence, whose row is the last before it.
    fixture.press(&[key('!')]);
    let rows = fixture.app.screens.lints.rows();
    let silence = rows
        .iter()
        .position(|(_, lint)| lint.kind.name() == "no-heartbeat")
        .unwrap();
    for _ in 0..silence {
        fixture.press(&[KeyCode::Down]);
    }
    fixture.press(&[KeyCode::Enter]);
    assert_eq!(fixture.app.selected().unwrap().data, "x");
}

#[test]
fn a_lint_whose_event_was_evicted_says_so() {
    let mut fixture = Fixture::with(&[], None, 64 << 10);
    fixture.open(0.0, 1, "");
    fixture.feed(0.1, "Data: x\ndata: first\n\n");
    for _ in 0..100 {
        fixture.feed(1.0, &format!("data: {}\n\n", "x".repeat(1000)));
    }
    fixture.press(&[key('!'), KeyCode::Enter]);
    assert!(fixture.text(SIZE).contains("no longer kept"));
}

#[test]
fn silence_is_a_lint_while_it_lasts() {
    let mut fixture = Fixture::busy();
    (41..=140).for_each(|second| fixture.clock(f64::from(second)));
    fixture.press(&[key('!')]);
    let screen = fixture.text(SIZE);
    assert!(screen.contains("nothing came for 99 s"), "{screen}");
}

#[test]
fn silence_while_the_program_was_suspended_is_no_lint() {
    let mut fixture = Fixture::busy();
    fixture.app.update(Message::Away(Away {
        since: fixture.at(40.0),
        until: fixture.at(4_000.0),
        suspended: false,
    }));
    fixture.feed(4_000.1, ":keepalive\n\n");
    fixture.clock(4_001.0);
    assert_eq!(fixture.app.screens.lints.summary(), None);
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("── nothing ran here for 1h06m · the machine was asleep"),
        "{screen}"
    );
}

#[test]
fn an_audited_reconnect_leads_to_its_divider() {
    let mut fixture = reconnecting();
    fixture.draw(SIZE);
    fixture.press(&[key('a')]);
    // The last is not back yet.
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.text(SIZE).contains("there is no connection yet"));
    fixture.press(&[KeyCode::Up, KeyCode::Enter]);
    let selected = fixture.app.selected().unwrap();
    assert_eq!((selected.kind, selected.leg), (RowKind::Opened, 5));
}

#[test]
fn each_reconnect_has_its_outcome() {
    let mut fixture = reconnecting();
    fixture.press(&[key('a')]);
    let screen = fixture.text((200, 50));
    let outcomes = [
        ("    2   4.5s resumed", "nothing lost"),
        ("    3   2.0s live only", "3 missing, maybe lost"),
        ("    4   2.0s full replay", "11 sent again"),
        ("    5   2.0s nothing to judge", "nothing lost"),
        ("    5   4.0s not back yet", "connection reset"),
    ];
    for (outcome, words) in outcomes {
        let line = screen.lines().find(|line| line.contains(outcome));
        let line = line.unwrap_or_else(|| panic!("{outcome}: {screen}"));
        assert!(line.contains(words), "{words}: {line}");
    }
}

#[test]
fn a_server_that_says_it_began_anew_did_not_resume() {
    let mut fixture = Fixture::busy();
    fixture.lose(41.0, 1, "connection reset", 1.0);
    fixture.open(42.0, 2, "k3x9a1bc-40");
    let gap = "id: m1-7\nevent: gap\ndata: {\"reason\":\"store_reset\",\"missed\":null}\n\n";
    fixture.feed_leg(0, 42.1, 2, gap);
    fixture.press(&[key('a')]);
    let screen = fixture.text(SIZE);
    assert!(screen.contains("1.0s new history"), "{screen}");
}

#[test]
fn esc_goes_back_to_where_a_row_was_shown_from() {
    for (screen, title) in [('a', "audit · 5 reconnects"), ('!', "╭ lints")] {
        let mut fixture = if screen == 'a' {
            reconnecting()
        } else {
            sloppy()
        };
        let shows = |fixture: &mut Fixture| fixture.text((200, 50)).contains(title);
        fixture.press(&[key(screen), KeyCode::Up, KeyCode::Enter]);
        let list = fixture.text((200, 50));
        assert!(!list.contains(title) && list.contains("Esc back"), "{list}");
        // A detail in between is closed first.
        fixture.press(&[KeyCode::Enter, KeyCode::Esc]);
        assert!(!shows(&mut fixture));
        fixture.press(&[KeyCode::Esc]);
        assert!(shows(&mut fixture), "{title}");
        fixture.press(&[KeyCode::Esc, KeyCode::Esc]);
        assert!(!shows(&mut fixture), "it was closed");
        // Who goes on from the list does not come back.
        fixture.press(&[key(screen), KeyCode::Up, KeyCode::Enter, key('G')]);
        fixture.press(&[KeyCode::Esc]);
        assert!(!shows(&mut fixture));
    }
}

#[test]
fn before_there_is_anything_they_say_what_will_stand_there() {
    for (screen, words) in [
        ('a', "which Last-Event-ID was sent"),
        ('!', "evidence, the source of the rule"),
    ] {
        let mut fixture = Fixture::busy();
        fixture.press(&[key(screen)]);
        for size in [(200, 50), (100, 30), (80, 24)] {
            let text = fixture.text(size);
            assert!(text.contains(words), "{text}");
        }
    }
}

#[test]
fn a_refused_reconnect_is_rejected_and_204_is_the_end() {
    for (cause, words) in [
        (Cause::Status(StatusCode::NOT_FOUND), "rejected"),
        (Cause::NoContent, "told to stop"),
    ] {
        let mut fixture = Fixture::busy();
        fixture.lose(41.0, 1, "connection reset", 1.0);
        fixture.connecting(42.0, 2, "k3x9a1bc-40", false);
        let at = fixture.at(42.1);
        let ending = Ending::Failed(cause.to_string());
        let unfinished = None;
        let end = End { cause, unfinished };
        fixture.change(Change::Closed { at, ending, end });
        fixture.press(&[key('a')]);
        let screen = fixture.text(SIZE);
        assert!(
            screen.contains(words) && screen.contains("k3x9a1bc-40"),
            "{screen}"
        );
        fixture.press(&[KeyCode::Enter]);
        assert_eq!(fixture.app.selected().unwrap().kind, RowKind::Closed);
    }
}

#[test]
fn reconnects_beyond_a_thousand_are_counted() {
    let mut fixture = Fixture::busy();
    for leg in 2..=1_100 {
        let at = 41.0 + f64::from(leg as u32);
        fixture.lose(at, leg - 1, "connection reset", 0.1);
        fixture.open(at + 0.2, leg, "k3x9a1bc-40");
    }
    fixture.press(&[key('a')]);
    let screen = fixture.text(SIZE);
    assert!(screen.contains("audit · 1,000 reconnects"), "{screen}");
    assert!(screen.contains("99 older evicted"), "{screen}");
    fixture.press(&[KeyCode::Home, KeyCode::PageDown, KeyCode::End]);
}

#[test]
fn no_size_is_too_small_for_them() {
    for screen in ['!', 'a'] {
        for mut fixture in [sloppy(), reconnecting(), Fixture::busy()] {
            fixture.press(&[key(screen), KeyCode::Up]);
            for columns in (0..=92).step_by(7).chain([1, 2, 59, 89, 149, 150, 300]) {
                for rows in (0..=14).chain([24, 100]) {
                    fixture.draw((columns, rows));
                }
            }
        }
    }
}
