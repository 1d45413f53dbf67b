//! Choosing, finding, marking and copying events.

use crossterm::event::KeyCode;
use ratatui::style::Color;
use sse_core::client::Request;
use sse_tui::app::{App, Setup};
use sse_tui::message::Message;

use crate::screens::{Fixture, HOSTILE, SIZES};

const SIZE: (u16, u16) = (120, 36);

#[test]
fn a_filter_being_typed() {
    let mut fixture = Fixture::busy();
    fixture.write("&type:tick .price>104");
    fixture.snapshots("filter");
}

#[test]
fn a_filter_that_cannot_be_understood() {
    let mut fixture = Fixture::busy();
    fixture.write("&type:tick .price>104 gap:soon");
    fixture.snapshots("filter_problem");
}

#[test]
fn types_muted_and_chosen() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.press(&[
        KeyCode::Tab,
        KeyCode::Down,
        KeyCode::Char('m'),
        KeyCode::Down,
    ]);
    fixture.snapshots("muted");
}

#[test]
fn bytes_on_the_wire() {
    let mut fixture = Fixture::busy();
    fixture.feed(
        41.0,
        ":c\n\nid: 7\r\nevent: note\r\nretry: 500\r\ndata: two\r\ndata: lines\u{1b}[2J\r\n\r\n",
    );
    fixture.draw(SIZE);
    fixture.press(&[KeyCode::Enter, KeyCode::Char('w')]);
    fixture.snapshots("wire");
}

#[test]
fn streams_side_by_side() {
    let mut fixture = Fixture::new();
    let sources = ["http://one/events", "http://two/events"].map(str::to_owned);
    fixture.app = App::new(Setup::new(sources.into(), fixture.start));
    for source in 0..2 {
        for second in 1..=5_u32 {
            let at = f64::from(second) + 0.01 * f64::from(source);
            let data = format!("{{\"server\":{source},\"seq\":{second}}}");
            let wire = format!("event: tick\ndata: {data}\n\n");
            fixture.feed_to(source as usize, at, &wire);
        }
    }
    fixture.clock(6.0);
    fixture.write("v");
    fixture.snapshots("side_by_side");
}

#[test]
fn a_filter_lists_what_matches_and_counts_it_while_it_is_typed() {
    let mut fixture = Fixture::busy();
    fixture.write("&status");
    let screen = fixture.text(SIZE);
    assert!(screen.contains("8 of 49 · status"), "{screen}");
    assert!(
        screen.contains("uptime_s") && !screen.contains("\"seq\""),
        "{screen}"
    );
    fixture.feed(41.0, "event: status\ndata: new\n\ndata: other\n\n");
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("9 of 51 · status") && screen.contains(" new"),
        "{screen}"
    );
    assert!(!screen.contains(" other"), "{screen}");
    fixture.press(&[KeyCode::Esc]);
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("events 51") && screen.contains(" other"),
        "{screen}"
    );
    fixture.write("&tick");
    fixture.press(&[KeyCode::Enter, KeyCode::Char('u')]);
    assert!(fixture.text(SIZE).contains("events 51"));
}

#[test]
fn a_filter_in_error_is_not_taken_and_says_why() {
    let mut fixture = Fixture::busy();
    fixture.write("&(tick");
    let screen = fixture.draw(SIZE);
    let text = screen.backend().to_string();
    assert!(text.contains("there is no ) for this ("), "{text}");
    let buffer = screen.backend().buffer();
    let red = |cell: &ratatui::buffer::Cell| cell.fg == Color::Indexed(210);
    let last = &buffer.content()[buffer.content().len() - 240..];
    let words: String = last
        .iter()
        .filter(|cell| red(cell))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert!(words.contains("there is no ) for this ("), "{words}");
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.app.prompt.is_some());
    fixture.write(")");
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.text(SIZE).contains("40 of 49 · (tick)"));
}

#[test]
fn the_selected_event_stays_selected_when_others_leave_the_list() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write("/\"seq\":23");
    fixture.press(&[KeyCode::Enter]);
    fixture.draw(SIZE);
    let selected = fixture.app.selected_row();
    fixture.write("&.price=102.5");
    fixture.press(&[KeyCode::Enter]);
    fixture.draw(SIZE);
    assert_eq!(fixture.app.selected_row(), selected);
    fixture.write("u");
    fixture.draw(SIZE);
    assert_eq!(fixture.app.selected_row(), selected);
    assert!(!fixture.app.view.following());
}

#[test]
fn find_goes_to_matches_and_around_the_end() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write("/\"seq\":3");
    fixture.press(&[KeyCode::Enter]);
    let seq = |fixture: &Fixture| fixture.app.selected().unwrap().data.to_owned();
    assert!(seq(&fixture).contains("\"seq\":39"), "{}", seq(&fixture));
    fixture.write("n");
    assert!(seq(&fixture).contains("\"seq\":38"), "{}", seq(&fixture));
    fixture.write("NN");
    assert!(seq(&fixture).contains("\"seq\":3,"), "{}", seq(&fixture));
    let screen = fixture.draw(SIZE);
    assert!(
        screen
            .backend()
            .to_string()
            .contains("went on at the other end")
    );
    let hits = screen.backend().buffer().content().iter();
    let hits: String = hits
        .filter(|cell| cell.bg == Color::Indexed(221))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert_eq!(hits, "\"seq\":3");
    fixture.write("/nowhere to be found");
    fixture.press(&[KeyCode::Enter]);
    assert!(fixture.text(SIZE).contains("nowhere: nowhere to be found"));
}

#[test]
fn muted_types_leave_the_list_and_solo_leaves_only_one() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write("m");
    let screen = fixture.text(SIZE);
    assert!(screen.contains("41 of 49 · without status"), "{screen}");
    assert!(
        screen.contains("○ status") && screen.contains("● tick"),
        "{screen}"
    );
    fixture.write("us");
    let screen = fixture.text(SIZE);
    assert!(screen.contains("only "), "{screen}");
    fixture.write("&35");
    fixture.press(&[KeyCode::Enter]);
    let screen = fixture.text(SIZE);
    assert!(screen.contains(" · 35 · only "), "{screen}");
}

#[test]
fn rows_around_a_match_are_listed_on_request() {
    let mut fixture = Fixture::busy();
    fixture.write("&\"\\\"seq\\\":20,\"");
    fixture.press(&[KeyCode::Enter]);
    fixture.draw(SIZE);
    assert!(!fixture.text(SIZE).contains("\"seq\":19"));
    fixture.write("++");
    let screen = fixture.text(SIZE);
    assert!(screen.contains("2 rows around each match"), "{screen}");
    for seq in [19, 20, 21] {
        assert!(
            screen.contains(&format!("\"seq\":{seq},")),
            "{seq}: {screen}"
        );
    }
    assert!(
        screen.contains("1 of 49") && !screen.contains("\"seq\":22,"),
        "{screen}"
    );
}

#[test]
fn bookmarks_and_gaps_are_gone_to() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write("kkb");
    let marked = fixture.app.selected_row().unwrap();
    assert!(fixture.text(SIZE).contains("◆"));
    fixture.lose(41.0, 1, "reset", 1.0);
    fixture.open(42.0, 2, "k3x9a1bc-40");
    fixture.feed(43.0, "data: after\n\n");
    fixture.write("g");
    assert_eq!(fixture.app.selected_row(), Some(0));
    fixture.write("'");
    assert_eq!(fixture.app.selected_row(), Some(marked));
    fixture.write(">");
    assert!(
        fixture
            .app
            .selected()
            .unwrap()
            .data
            .contains("connection lost")
    );
    fixture.write(">");
    assert!(
        fixture
            .app
            .selected()
            .unwrap()
            .data
            .contains("connected after")
    );
    fixture.write(">");
    assert!(fixture.text(SIZE).contains("no gap or outage after this"));
    fixture.write("<");
    assert!(
        fixture
            .app
            .selected()
            .unwrap()
            .data
            .contains("connection lost")
    );
}

#[test]
fn a_value_of_the_detail_can_be_copied_and_filtered_on() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.press(&[KeyCode::Up, KeyCode::Enter]);
    fixture.draw(SIZE);
    fixture.write("jj");
    assert!(fixture.text(SIZE).contains(".symbol"));
    fixture.write("y");
    assert_eq!(fixture.app.take_clipboard().unwrap(), "DEMO");
    assert_eq!(fixture.app.take_clipboard(), None);
    fixture.write("jf");
    let screen = fixture.text(SIZE);
    assert!(!screen.contains(" new "), "nothing is new: {screen}");
    assert!(screen.contains("6 of 49 · .price=105.50"), "{screen}");
    fixture.press(&[KeyCode::Esc]);
    fixture.write("y");
    let data = fixture.app.take_clipboard().unwrap();
    assert!(data.starts_with("{\"seq\":40,"), "{data}");
}

#[test]
fn a_request_can_be_copied_as_curl_and_too_much_cannot_be_copied() {
    let mut fixture = Fixture::new();
    let url = "http://h/events".parse().unwrap();
    fixture.app = App::new(Setup {
        requests: vec![Some(Request::get(url))],
        ..Setup::new(vec!["http://h/events".to_owned()], fixture.start)
    });
    fixture.feed(1.0, "id: 7\ndata: x\n\n");
    fixture.draw(SIZE);
    fixture.write("Y");
    assert_eq!(
        fixture.app.take_clipboard().unwrap(),
        "curl -N -H 'Accept: text/event-stream' -H 'Last-Event-ID: 7' 'http://h/events'"
    );
    fixture.feed(2.0, &format!("data: {}\n\n", "x".repeat(80_000)));
    fixture.draw(SIZE);
    fixture.write("y");
    assert_eq!(fixture.app.take_clipboard(), None);
    assert!(
        fixture
            .text(SIZE)
            .contains("not copied: the data has 78.1 KiB")
    );
}

#[test]
fn a_pause_holds_while_the_filter_changes() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write(" ");
    fixture.feed(41.0, "event: tick\ndata: unseen\n\n");
    fixture.write("&type:tick");
    fixture.press(&[KeyCode::Enter]);
    let screen = fixture.text(SIZE);
    assert!(
        screen.contains("PAUSED") && screen.contains("41 of 50"),
        "{screen}"
    );
    assert!(!screen.contains("unseen"), "{screen}");
    fixture.write(" ");
    assert!(fixture.text(SIZE).contains("unseen"));
}

#[test]
fn what_is_typed_or_chosen_reaches_the_terminal_no_more_raw_than_the_stream() {
    let mut fixture = Fixture::busy();
    fixture.feed(41.0, HOSTILE);
    fixture.draw(SIZE);
    fixture.press(&[KeyCode::Enter]);
    fixture.write("f");
    fixture.write("w");
    fixture.write("/\u{202e}");
    for _ in 0..2 {
        for size in SIZES {
            let screen = fixture.draw(size);
            for cell in screen.backend().buffer().content() {
                let bad =
                    |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{200B}');
                assert!(
                    !cell.symbol().contains(bad),
                    "{:?} at {size:?}",
                    cell.symbol()
                );
            }
        }
        fixture.press(&[KeyCode::Enter]);
    }
}

#[test]
fn the_title_names_no_more_than_there_is_room_for() {
    let mut fixture = Fixture::busy();
    fixture.write("&");
    fixture.write(&"日本".repeat(100));
    for columns in [1, 5, 20, 40, 61, 90, 120] {
        for rows in [1, 5, 13, 40] {
            fixture.draw((columns, rows));
        }
    }
    fixture.press(&[KeyCode::Home, KeyCode::Right, KeyCode::Enter]);
    for columns in [1, 5, 20, 40, 61, 90, 120] {
        fixture.draw((columns, 20));
    }
}

#[test]
fn a_search_begins_at_the_newest_event_while_the_list_follows() {
    let mut fixture = Fixture::busy();
    fixture.draw(SIZE);
    fixture.write("k");
    fixture.press(&[KeyCode::Home, KeyCode::Char('G')]);
    fixture.write("/e");
    let newest = fixture.app.store.range().end - 1;
    assert_eq!(fixture.app.selected_row(), Some(newest));
    fixture.press(&[KeyCode::Esc]);
    assert!(fixture.app.view.following());
}

#[test]
fn what_is_pasted_is_one_line_of_text_and_never_keys() {
    let mut fixture = Fixture::busy();
    let paste = |text: &str| Message::Paste(text.to_owned());
    fixture.app.update(paste("q\nx"));
    let screen = fixture.text((120, 36));
    assert!(fixture.app.exit().is_none(), "q was not pressed");
    assert!(
        screen.contains("nothing takes pasted text here"),
        "{screen}"
    );
    fixture.press(&[KeyCode::Char('&')]);
    fixture.app.update(paste("type:\u{1b}[31mtick\u{7}\n"));
    fixture.app.update(paste("\t.price>100\r\n"));
    fixture.settle();
    let prompt = fixture.app.prompt.as_ref().unwrap();
    assert_eq!(prompt.text(), "type:[31mtick .price>100");
    fixture.app.update(paste(&"x".repeat(100_000)));
    assert_eq!(fixture.app.prompt.as_ref().unwrap().text().len(), 4096);
}

#[test]
fn what_is_found_in_type_or_id_is_marked_there() {
    for (word, expected) in [("tic", "tic"), ("a1bc-3", "a1bc-3")] {
        let mut fixture = Fixture::busy();
        fixture.press(&[KeyCode::Char('/')]);
        fixture.write(word);
        fixture.press(&[KeyCode::Enter]);
        let hit = fixture.theme.hit.bg;
        let marked = |fixture: &mut Fixture| -> String {
            let screen = fixture.draw((160, 36));
            let cells = screen.backend().buffer().content().iter();
            let marked = cells.filter(|cell| Some(cell.bg) == hit);
            marked.map(ratatui::buffer::Cell::symbol).collect()
        };
        let text = marked(&mut fixture);
        assert!(text.contains(expected), "{word}: {text}");
    }
}

#[test]
fn streams_of_one_server_are_named_by_what_tells_them_apart() {
    let names = [
        "http://127.0.0.1:8080/events?topic=a",
        "http://127.0.0.1:8081/events?topic=a",
    ];
    let mut fixture = Fixture::new();
    let sources = names.map(str::to_owned).to_vec();
    fixture.app = App::new(Setup::new(sources, fixture.start));
    assert_eq!(fixture.app.short_name(0), "8080/events?topic=a");
    assert_eq!(fixture.app.short_name(1), "8081/events?topic=a");
    fixture.app = App::new(Setup::new(vec![names[0].to_owned(); 2], fixture.start));
    assert_eq!(fixture.app.short_name(1), names[0]);
    fixture.app = App::new(Setup::new(
        vec![names[0].to_owned(), "stdin".to_owned()],
        fixture.start,
    ));
    assert_eq!(fixture.app.short_name(0), names[0]);
}
