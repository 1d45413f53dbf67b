//! The live panels.

use crossterm::event::KeyCode;
use ratatui::style::Color;
use sse_tui::theme::{Theme, ThemeName};

use crate::screens::{Fixture, SIZES};

/// A minute of prices that rise and fall, a gauge, and text.
pub(crate) fn market() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.open(0.0, 1, "");
    fixture.feed(
        0.1,
        "event: connected\ndata: {\"connection\":\"q7\",\"retry\":2000}\n\n",
    );
    for second in 0..60_u32 {
        let price = 100.0 + 10.0 * (f64::from(second) / 9.0).sin();
        let tick = format!(
            "event: tick\ndata: {{\"seq\":{second},\"symbol\":\"DEMO\",\"price\":{price:.2},\"size\":\"{}\"}}\n\n",
            second % 5
        );
        fixture.feed(f64::from(second), &tick);
        if second % 5 == 0 {
            let status = format!(
                "event: status\ndata: {{\"uptime_s\":{second},\"connections\":{},\"memory\":{{\"rss\":{}}}}}\n\n",
                1 + second / 20,
                14_684_160 + 4096 * second
            );
            fixture.feed(f64::from(second) + 0.2, &status);
        }
        if second % 20 == 7 {
            fixture.feed(
                f64::from(second) + 0.4,
                "event: log\ndata: worker 3 restarted\ndata: reason: out of memory\n\n",
            );
        }
    }
    fixture.clock(59.9);
    fixture
}

#[test]
fn panels() {
    let mut fixture = market();
    fixture.press(&[KeyCode::Char('D')]);
    fixture.snapshots("charts");
}

#[test]
fn one_panel_and_its_fields() {
    let mut fixture = market();
    fixture.press(&[KeyCode::Char('D'), KeyCode::Right, KeyCode::Enter]);
    fixture.snapshots("chart_zoomed");
    fixture.press(&[KeyCode::Down]);
    let screen = fixture.text((120, 36));
    assert!(screen.contains("▌memory.rss"), "{screen}");
    fixture.press(&[KeyCode::Esc]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("╭ tick") && screen.contains("memory.rss 14,"),
        "{screen}"
    );
    fixture.press(&[KeyCode::Esc]);
    assert!(fixture.text((120, 36)).contains("╭ events "));
}

#[test]
fn another_field_is_a_key_away() {
    let mut fixture = market();
    fixture.press(&[KeyCode::Char('D')]);
    assert!(fixture.text((120, 36)).contains(" price 102.69 "));
    fixture.press(&[KeyCode::Char('f')]);
    assert!(fixture.text((120, 36)).contains(" size 4 "));
    fixture.press(&[KeyCode::Char('F'), KeyCode::Char('F')]);
    assert!(fixture.text((120, 36)).contains(" seq 59 "));
}

#[test]
fn a_pause_holds_the_panels() {
    let mut fixture = market();
    fixture.press(&[KeyCode::Char('D'), KeyCode::Char(' ')]);
    let before = fixture.text((120, 36));
    fixture.feed(61.0, "event: tick\ndata: {\"price\":777}\n\n");
    fixture.clock(61.5);
    let paused = fixture.text((120, 36));
    assert!(
        before.contains("102.6") && paused.contains("102.6"),
        "{paused}"
    );
    assert!(!paused.contains("777"), "{paused}");
    fixture.press(&[KeyCode::Char(' ')]);
    assert!(fixture.text((120, 36)).contains("777"));
}

#[test]
fn panels_beyond_the_screen_are_said_and_reached() {
    let mut fixture = Fixture::new();
    fixture.open(0.0, 1, "");
    for number in 0..70 {
        fixture.feed(1.0, &format!("event: type-{number}\ndata: {number}\n\n"));
    }
    fixture.clock(2.0);
    fixture.press(&[KeyCode::Char('D')]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("of 64 · 6 types without a panel"),
        "{screen}"
    );
    assert!(!screen.contains("type-63"), "{screen}");
    for _ in 0..40 {
        fixture.press(&[KeyCode::Down]);
        fixture.draw((120, 36));
    }
    let screen = fixture.text((120, 36));
    assert!(screen.contains("type-63"), "{screen}");
}

const HOSTILE: &str = "event: \u{1b}[7m日本\ndata: {\"\u{9b}2J\u{202E}key\":1e308,\"日本語\":-1e308,\"x\":1e-300}\n\n\
    event: text\ndata: \u{1b}]0;t\u{7}日本語🎉\ndata: \u{202E}b\n\n";

#[test]
fn nothing_hostile_reaches_the_screen_and_no_size_is_too_small() {
    for keys in [
        &[][..],
        &[KeyCode::Enter],
        &[KeyCode::Char('f'), KeyCode::Enter],
    ] {
        let mut fixture = market();
        fixture.feed(60.0, HOSTILE);
        fixture.feed(61.0, HOSTILE);
        fixture.clock(62.0);
        fixture.press(&[KeyCode::Char('D')]);
        fixture.press(keys);
        let sizes = (0..=92)
            .step_by(7)
            .flat_map(|w| (0..=24).step_by(3).map(move |h| (w, h)));
        for size in sizes.chain(SIZES).chain([(1, 1), (300, 100)]) {
            let screen = fixture.draw(size);
            for cell in screen.backend().buffer().content() {
                let bad = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}');
                assert!(
                    !cell.symbol().contains(bad),
                    "{:?} at {size:?}",
                    cell.symbol()
                );
            }
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    let mut fixture = market();
    fixture.theme = Theme::new(ThemeName::Plain);
    fixture.press(&[KeyCode::Char('D')]);
    for cell in fixture.draw((120, 36)).backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}
