//! What stands on the screen, at the sizes people have.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use sse_core::client::{Update, read_stream};
use sse_core::{Cause, Limits, NetworkError, NetworkErrorKind};
use sse_tui::app::{App, Setup};
use sse_tui::message::{Change, End, Ending, Message};
use sse_tui::theme::{Theme, ThemeName};
use sse_tui::ui;

pub(crate) const SIZES: [(u16, u16); 4] = [(200, 50), (120, 36), (80, 24), (40, 10)];

/// The headers that a stream should have.
pub(crate) fn good_head() -> HeaderMap {
    let value = HeaderValue::from_static;
    HeaderMap::from_iter([
        (CONTENT_TYPE, value("text/event-stream")),
        (CACHE_CONTROL, value("no-store")),
    ])
}

/// The end that fits most causes of a test.
pub(crate) fn reset() -> End {
    let error = NetworkError::new(NetworkErrorKind::Reset, "");
    End {
        cause: Cause::Network(error),
        unfinished: None,
    }
}

pub(crate) struct Fixture {
    pub(crate) app: App,
    pub(crate) start: Timestamp,
    pub(crate) theme: Theme,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(&[], None, 64 << 20)
    }

    pub(crate) fn with(event_types: &[&str], events: Option<u64>, buffer: usize) -> Self {
        let start = "2026-03-14T15:09:26.535Z".parse().unwrap();
        Self {
            app: App::new(Setup {
                event_types: event_types.iter().map(ToString::to_string).collect(),
                events,
                buffer,
                ..Setup::new(vec!["http://127.0.0.1:8080/events".to_owned()], start)
            }),
            start,
            theme: Theme::new(ThemeName::Dark),
        }
    }

    /// A stream that has been open for 40 s, with a tick each second and a
    /// status every five.
    pub(crate) fn busy() -> Self {
        let mut fixture = Self::new();
        fixture.open(0.0, 1, "");
        fixture.feed(0.1, "retry: 2000\n\nid: k3x9a1bc-0\nevent: connected\ndata: {\"connection\":\"q7\",\"cursor\":\"k3x9a1bc-0\",\"retry\":2000}\n\n");
        for second in 1..=40_u32 {
            let at = f64::from(second);
            fixture.feed(at, &format!("id: k3x9a1bc-{second}\nevent: tick\ndata: {{\"seq\":{second},\"symbol\":\"DEMO\",\"price\":{}.50,\"up\":true,\"note\":null}}\n\n", 100 + second % 7));
            if second % 5 == 0 {
                fixture.feed(at + 0.2, "event: status\ndata: {\"uptime_s\":35.002,\"connections\":1,\"memory\":{\"rss\":14684160}}\n\n");
            }
            if second % 15 == 0 {
                fixture.feed(at + 0.3, ":keepalive\n\n");
            }
        }
        fixture.clock(40.9);
        fixture
    }

    pub(crate) fn at(&self, seconds: f64) -> Timestamp {
        self.start + SignedDuration::from_secs_f64(seconds)
    }

    pub(crate) fn clock(&mut self, seconds: f64) {
        let now = self.at(seconds);
        self.app.update(Message::Clock(now));
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.app.update(Message::Stream { source: 0, change });
    }

    pub(crate) fn open(&mut self, seconds: f64, leg: u64, last_event_id: &str) {
        let at = self.at(seconds);
        self.connecting(seconds - 0.0021, leg, last_event_id, false);
        let how = "HTTP/1.1 200".to_owned();
        let head = Some(good_head());
        self.change(Change::Open { at, leg, how, head });
    }

    pub(crate) fn connecting(
        &mut self,
        seconds: f64,
        leg: u64,
        last_event_id: &str,
        unsendable: bool,
    ) {
        self.change(Change::Connecting {
            at: self.at(seconds),
            leg,
            last_event_id: last_event_id.to_owned(),
            unsendable,
        });
    }

    pub(crate) fn lose(&mut self, seconds: f64, leg: u64, cause: &str, retry_in: f64) {
        let (at, retry_at) = (self.at(seconds), self.at(seconds + retry_in));
        let cause = cause.to_owned();
        self.change(Change::Lost {
            at,
            leg,
            cause,
            retry_at,
            end: reset(),
        });
    }

    pub(crate) fn feed(&mut self, seconds: f64, wire: &str) {
        self.feed_to(0, seconds, wire);
    }

    pub(crate) fn feed_to(&mut self, source: usize, seconds: f64, wire: &str) {
        self.feed_leg(source, seconds, 1, wire);
    }

    pub(crate) fn feed_leg(&mut self, source: usize, seconds: f64, leg: u64, wire: &str) {
        let at = self.at(seconds);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut stream = read_stream(wire.as_bytes(), Limits::default());
        while let Some(update) = runtime.block_on(stream.next()) {
            if let Update::Batch(mut batch) = update {
                batch.leg = leg;
                let change = Change::Batch { at, batch };
                self.app.update(Message::Stream { source, change });
            }
        }
    }

    pub(crate) fn press(&mut self, codes: &[KeyCode]) {
        for code in codes {
            let key = KeyEvent::new(*code, KeyModifiers::NONE);
            self.app.update(Message::Key(key));
        }
        self.settle();
    }

    pub(crate) fn write(&mut self, text: &str) {
        for character in text.chars() {
            self.press(&[KeyCode::Char(character)]);
        }
    }

    /// What the program does while nothing happens.
    pub(crate) fn settle(&mut self) {
        while self.app.has_work() {
            self.app.work();
        }
    }

    pub(crate) fn draw(&mut self, (columns, rows): (u16, u16)) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal
            .draw(|frame| ui::draw(frame, &mut self.app, &self.theme))
            .unwrap();
        // Text is put together in slices of time.
        while self.app.screens.behind() {
            self.app.work();
            terminal
                .draw(|frame| ui::draw(frame, &mut self.app, &self.theme))
                .unwrap();
        }
        terminal
    }

    pub(crate) fn text(&mut self, size: (u16, u16)) -> String {
        self.draw(size).backend().to_string()
    }

    pub(crate) fn snapshots(&mut self, name: &str) {
        for (columns, rows) in SIZES {
            let screen = self.draw((columns, rows));
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen.backend());
            self.assert_ascii((columns, rows));
        }
    }

    /// In ASCII there is nothing else on the screen, and nothing of what the
    /// program draws is unknown.
    pub(crate) fn assert_ascii(&mut self, size: (u16, u16)) {
        let theme = self.theme.clone();
        let screen = self.draw(size);
        self.theme = theme.clone().with_ascii(true);
        let in_ascii = self.draw(size);
        self.theme = theme;
        let cells = screen.backend().buffer().content();
        let in_ascii = in_ascii.backend().buffer().content();
        for (cell, ascii) in cells.iter().zip(in_ascii) {
            let (cell, ascii) = (cell.symbol(), ascii.symbol());
            assert!(
                ascii.is_ascii() && ascii.len() == 1,
                "{cell:?} is {ascii:?}"
            );
            let foreign = |c: char| c > '\u{2E7F}' || ('\u{2400}'..='\u{2421}').contains(&c);
            let unknown = ascii == "?" && !cell.is_ascii();
            assert!(!unknown || cell.contains(foreign), "{cell:?} is unknown");
        }
    }
}

#[test]
fn how_to_get_help_and_to_leave_is_said_on_every_screen() {
    for screen in [None, Some('D'), Some('t'), Some('a'), Some('!')] {
        let mut fixture = Fixture::busy();
        fixture.press(&screen.map(KeyCode::Char).into_iter().collect::<Vec<_>>());
        for columns in [60, 80, 120, 200] {
            let text = fixture.text((columns, 24));
            let footer = text.lines().last().unwrap();
            let closes = screen.is_none() || footer.contains("Esc close");
            assert!(
                footer.contains("? help  q quit") && closes,
                "{screen:?} {columns}: {footer}"
            );
        }
    }
}

#[test]
fn a_stream_that_ended_can_be_reconnected_the_footer_says() {
    let mut fixture = Fixture::busy();
    assert!(!fixture.text((120, 36)).contains("r reconnect"));
    fixture.lose(41.0, 1, "connection reset", 60.0);
    fixture.clock(41.5);
    assert!(!fixture.text((120, 36)).contains("r reconnect"));
    let at = fixture.at(42.0);
    let ending = Ending::Complete("closed".to_owned());
    let end = reset();
    fixture.change(Change::Closed { at, ending, end });
    let screen = fixture.text((120, 36));
    assert!(screen.contains("r reconnect"), "{screen}");
}

#[test]
fn types_that_differ_at_their_end_are_told_apart() {
    let mut fixture = Fixture::new();
    fixture.open(0.0, 1, "");
    for name in [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ] {
        fixture.feed(1.0, &format!("event: {name}\ndata: 1\n\n"));
    }
    for (size, shown) in [
        ((200, 50), ["content_block_start", "content_block_stop"]),
        ((80, 24), ["content_block_start", "content_block_stop"]),
        ((66, 20), ["conte…tart", "conte…stop"]),
    ] {
        let text = fixture.text(size);
        for name in shown {
            assert!(text.matches(name).count() >= 1, "{name}: {text}");
        }
    }
}

#[test]
fn main_screen() {
    Fixture::busy().snapshots("main");
}

#[test]
fn before_the_first_event() {
    let mut fixture = Fixture::new();
    fixture.connecting(0.0, 1, "", false);
    fixture.snapshots("empty");
}

#[test]
fn detail_of_an_event() {
    let mut fixture = Fixture::busy();
    fixture.draw((120, 36));
    fixture.press(&[KeyCode::Up, KeyCode::Up, KeyCode::Enter]);
    fixture.snapshots("detail");
}

#[test]
fn help() {
    let mut fixture = Fixture::busy();
    fixture.press(&[KeyCode::Char('?')]);
    fixture.snapshots("help");
}

#[test]
fn between_two_connections() {
    let mut fixture = Fixture::busy();
    fixture.lose(41.0, 1, "connection reset by peer", 3.0);
    fixture.clock(41.6);
    fixture.snapshots("waiting");
}

#[test]
fn reconnected_with_a_declared_gap_while_paused() {
    let mut fixture = Fixture::busy();
    fixture.draw((120, 36));
    fixture.press(&[KeyCode::Char(' ')]);
    fixture.lose(41.0, 1, "connection reset by peer", 3.0);
    fixture.lose(44.0, 2, "connection refused", 3.0);
    fixture.open(47.5, 2, "k3x9a1bc-40");
    fixture.feed(47.6, "id: m1-7\nevent: gap\ndata: {\"reason\":\"store_reset\",\"requested\":\"k3x9a1bc-40\",\"oldest\":\"m1-8\",\"newest\":\"m1-9\",\"missed\":null}\n\n");
    fixture.feed(47.7, "id: m1-8\ndata: plain text\n\n");
    fixture.clock(48.0);
    let frozen = fixture.text((120, 36));
    assert!(
        frozen.contains("PAUSED") && frozen.contains("+4 new"),
        "{frozen}"
    );
    assert!(!frozen.contains("plain text"), "{frozen}");
    fixture.press(&[KeyCode::Char(' ')]);
    fixture.snapshots("reconnected");
}

#[test]
fn an_outage_is_one_divider_however_many_attempts_it_took() {
    let mut fixture = Fixture::busy();
    for attempt in 0..50 {
        let at = 41.0 + f64::from(attempt);
        fixture.lose(at, 2, "connection refused", 1.0);
        fixture.connecting(at + 1.0, 2, "k3x9a1bc-40", false);
    }
    fixture.open(93.4, 2, "k3x9a1bc-40");
    let screen = fixture.text((200, 50));
    assert_eq!(screen.matches("connection lost").count(), 1, "{screen}");
    assert!(
        screen.contains(
            "connected after 52s · resumed after k3x9a1bc-40 · HTTP/1.1 200 · attempt 51"
        ),
        "{screen}"
    );
}

#[test]
fn scrolling_stops_following_and_g_resumes() {
    let mut fixture = Fixture::busy();
    fixture.draw((80, 24));
    fixture.press(&[KeyCode::Up]);
    fixture.feed(41.0, "data: first\n\ndata: second\n\n");
    let screen = fixture.text((80, 24));
    assert!(
        screen.contains("+2 new") && !screen.contains("second"),
        "{screen}"
    );
    fixture.press(&[KeyCode::Char('G')]);
    let screen = fixture.text((80, 24));
    assert!(
        screen.contains("second") && !screen.contains("new"),
        "{screen}"
    );
}

#[test]
fn an_open_detail_stays_on_its_event_until_the_reader_moves_on() {
    let mut fixture = Fixture::busy();
    fixture.feed(41.0, "data: one\n\n");
    fixture.draw((80, 24));
    fixture.press(&[KeyCode::Enter]);
    fixture.feed(42.0, "data: two\n\n");
    assert!(
        fixture.text((80, 24)).contains("\n\" one"),
        "{}",
        fixture.text((80, 24))
    );
    fixture.press(&[KeyCode::Char(']')]);
    assert!(
        fixture.text((80, 24)).contains("\n\" two"),
        "{}",
        fixture.text((80, 24))
    );
    fixture.press(&[KeyCode::Esc]);
    assert!(!fixture.text((80, 24)).contains("received"));
}

#[test]
fn evicted_events_are_counted_on_the_screen_and_said_in_the_detail() {
    let mut fixture = Fixture::with(&[], None, 64 << 10);
    fixture.open(0.0, 1, "");
    fixture.feed(0.5, "data: the first\n\n");
    fixture.draw((120, 36));
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.text((120, 36)).contains("the first"));
    fixture.press(&[KeyCode::Char(' ')]);
    for _ in 0..100 {
        fixture.feed(1.0, &format!("data: {}\n\n", "x".repeat(1000)));
    }
    let screen = fixture.text((120, 36));
    assert!(screen.contains("evicted"), "{screen}");
    assert!(screen.contains("no longer kept"), "{screen}");
}

#[test]
fn types_not_asked_for_are_counted_and_not_listed() {
    let mut fixture = Fixture::with(&["tick"], None, 1 << 20);
    fixture.open(0.0, 1, "");
    fixture.feed(
        0.5,
        "event: tick\ndata: wanted\n\nevent: noise\ndata: unwanted\n\n",
    );
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("wanted") && !screen.contains("unwanted"),
        "{screen}"
    );
    assert!(
        screen.contains("noise") && screen.contains("1 hidden by --event"),
        "{screen}"
    );
}

#[test]
fn as_many_events_as_asked_for_end_the_program() {
    let mut fixture = Fixture::with(&["tick"], Some(2), 1 << 20);
    fixture.feed(0.5, "event: tick\ndata: 1\n\ndata: other\n\n");
    assert_eq!(fixture.app.exit(), None);
    fixture.feed(0.6, "event: tick\ndata: 2\n\nevent: tick\ndata: 3\n\n");
    assert_eq!(fixture.app.exit(), Some(&Ok(())));
}

#[test]
fn a_refused_stream_ends_the_program_only_if_there_is_nothing_to_look_at() {
    let refused = |fixture: &mut Fixture| {
        let at = fixture.at(50.0);
        let ending = Ending::Failed("the server answered 404 Not Found, not 200".to_owned());
        let cause = Cause::Status(StatusCode::NOT_FOUND);
        let unfinished = None;
        let end = End { cause, unfinished };
        fixture.change(Change::Closed { at, ending, end });
    };
    let mut empty = Fixture::new();
    refused(&mut empty);
    let failure = empty.app.exit().unwrap().as_ref().unwrap_err();
    assert_eq!(
        failure,
        "http://127.0.0.1:8080/events: the server answered 404 Not Found, not 200"
    );

    let mut busy = Fixture::busy();
    refused(&mut busy);
    assert_eq!(busy.app.exit(), None);
    let screen = busy.text((80, 24));
    assert!(
        screen.contains("failed") && screen.contains("404"),
        "{screen}"
    );
    busy.press(&[KeyCode::Char('q')]);
    assert_eq!(busy.app.exit(), Some(&Ok(())));
}

#[test]
fn q_in_the_help_closes_it_and_elsewhere_quits() {
    let mut fixture = Fixture::busy();
    fixture.press(&[KeyCode::Char('?'), KeyCode::Char('q')]);
    assert_eq!(fixture.app.exit(), None);
    fixture.press(&[KeyCode::Enter, KeyCode::Char('q')]);
    assert_eq!(fixture.app.exit(), Some(&Ok(())));
}

pub(crate) const HOSTILE: &str = "event: \u{1b}[7m日本\nid: \u{202E}1\ndata: \u{1b}[31mred\u{1b}]0;t\u{7}\ndata: \ta\u{85}\u{202E}b 日本語🎉👩‍👩‍👧✈️\n\n\
    id: \u{9b}2\ndata: {\"k\":\"\u{9b}2J\u{200B}\",\"w\":\"日本語日本語日本語日本語日本語日本語\",\"e\":\"🎉🇩🇪👍🏽\"}\n\n";

#[test]
fn nothing_from_the_network_reaches_the_terminal_raw() {
    let mut fixture = Fixture::busy();
    fixture.lose(41.0, 1, "evil\u{1b}[2J cause", 3.0);
    fixture.open(42.0, 2, "\u{1b}c id");
    fixture.feed(43.0, HOSTILE);
    let screen = fixture.text((120, 36));
    for shown in [
        "evil␛[2J cause",
        "␛c id",
        "␛[7m日本",
        "␛[31mred␛]0;t␇",
        "⟨U+009B⟩2",
        "⟨U+009B⟩2J⟨ZWSP⟩",
    ] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    fixture.press(&[KeyCode::Enter]);
    for size in SIZES {
        let screen = fixture.draw(size);
        for cell in screen.backend().buffer().content() {
            let bad = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{200B}');
            assert!(
                !cell.symbol().contains(bad),
                "{:?} at {size:?}",
                cell.symbol()
            );
        }
    }
}

#[test]
fn no_size_is_too_small() {
    for keys in [
        &[][..],
        &[KeyCode::Enter],
        &[KeyCode::Char('?')],
        &[KeyCode::Home, KeyCode::Tab],
    ] {
        let mut fixture = Fixture::busy();
        fixture.feed(41.0, HOSTILE);
        fixture.press(keys);
        for columns in (0..=92).step_by(3).chain([1, 2, 59, 89, 300]) {
            for rows in (0..=14).chain([100]) {
                fixture.draw((columns, rows));
            }
        }
    }
}

#[test]
fn wide_characters_keep_the_borders_in_line() {
    let mut fixture = Fixture::busy();
    fixture.feed(41.0, HOSTILE);
    for columns in 90..130 {
        let screen = fixture.draw((columns, 30));
        let buffer = screen.backend().buffer();
        for row in 3..28 {
            let edge = buffer[(columns - 1, row)].symbol();
            assert!("│╮╯".contains(edge), "{edge:?} at {columns}, {row}");
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    let mut fixture = Fixture::busy();
    fixture.theme = Theme::new(ThemeName::Plain);
    fixture.press(&[KeyCode::Up, KeyCode::Enter]);
    for cell in fixture.draw((120, 36)).backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn each_type_has_a_colour_of_its_own_and_json_is_coloured() {
    let mut fixture = Fixture::busy();
    let screen = fixture.draw((120, 36));
    let buffer = screen.backend().buffer();
    let colour_of = |word: &str| {
        let text: Vec<_> = buffer
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        let letters: Vec<_> = word.chars().map(String::from).collect();
        let start = text
            .windows(letters.len())
            .position(|window| window == letters)
            .unwrap();
        buffer.content()[start].fg
    };
    let colours = ["tick", "status", "\"seq\"", "DEMO", "1.0/s"].map(colour_of);
    for (index, colour) in colours.iter().enumerate() {
        assert!(!colours[..index].contains(colour), "{colours:?}");
    }
}

#[test]
fn a_block_with_only_an_id_moves_the_last_event_id() {
    let mut fixture = Fixture::busy();
    fixture.feed(41.0, "id: moved-on\n\n");
    let screen = fixture.text((120, 36));
    assert!(screen.contains("cursor    moved-on"), "{screen}");
}

#[test]
fn several_streams_are_told_apart() {
    let mut fixture = Fixture::new();
    let sources = ["http://one/events", "http://two/events"].map(str::to_owned);
    fixture.app = App::new(Setup::new(sources.into(), fixture.start));
    fixture.open(0.0, 1, "");
    fixture.feed(1.0, "event: tick\ndata: from the first\n\n");
    let (at, leg) = (fixture.at(2.0), 1);
    let change = Change::Open {
        at,
        leg,
        how: "HTTP/2 200".to_owned(),
        head: Some(good_head()),
    };
    fixture.app.update(Message::Stream { source: 1, change });
    let (cause, retry_at) = ("connection reset by peer".to_owned(), fixture.at(6.0));
    let change = Change::Lost {
        at: fixture.at(3.0),
        leg,
        cause,
        retry_at,
        end: reset(),
    };
    fixture.app.update(Message::Stream { source: 1, change });
    fixture.clock(4.5);
    fixture.snapshots("two_streams");
}

#[test]
fn a_gap_too_large_to_be_one_is_an_event_like_any_other() {
    let mut fixture = Fixture::new();
    fixture.open(0.0, 1, "");
    fixture.feed(
        1.0,
        "event: gap\ndata: {\"reason\":\"expired\",\"missed\":2}\n\n",
    );
    let reason = "r".repeat(8 << 10);
    fixture.feed(
        2.0,
        &format!("event: gap\ndata: {{\"reason\":\"{reason}\"}}\n\n"),
    );
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("── gap · expired · 2 events missed"),
        "{screen}"
    );
    assert!(screen.contains("gap   {\"reason\":\"rrr"), "{screen}");
}

#[test]
fn a_clock_set_back_does_not_stop_the_figures() {
    let mut fixture = Fixture::busy();
    for second in -3600..-3580 {
        fixture.feed(f64::from(second), "event: tick\ndata: {}\n\n");
    }
    fixture.clock(-3580.0);
    let screen = fixture.text((120, 36));
    assert!(screen.contains(" 1.0 events/s"), "{screen}");
    fixture.lose(-3580.0, 1, "connection reset", 3.0);
    let screen = fixture.text((120, 36));
    assert!(screen.contains("retry in 3.0s"), "{screen}");
}

#[test]
fn more_types_than_are_counted_one_by_one_are_said_to_be_more() {
    let mut fixture = Fixture::new();
    fixture.open(0.0, 1, "");
    let event = |number: u32| format!("event: type-{number}\ndata: x\n\n");
    let types = |count: u32| (0..count).map(event).collect::<Vec<_>>().concat();
    fixture.feed(1.0, &types(255));
    let screen = fixture.text((120, 36));
    assert!(screen.contains("types 255 ─"), "{screen}");
    fixture.feed(2.0, &types(1_000));
    let screen = fixture.text((120, 36));
    assert!(screen.contains("types over 255 ─"), "{screen}");
}
