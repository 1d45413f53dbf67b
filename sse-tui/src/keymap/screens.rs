//! The keys of the screens besides the main one, of recording and of replay.

use crossterm::event::KeyCode as K;

use super::{Action as A, Binding, Context as C, Key};

/// In the order in which help and footer list them.
pub(super) fn bindings() -> Vec<Binding> {
    let key = Key::plain;
    let char = Key::char;
    let bind = |context, keys: &[Key], action, help, hint| Binding {
        context,
        keys: keys.to_vec(),
        action,
        help,
        hint,
    };
    vec![
        bind(
            C::Everywhere,
            &[char('t')],
            A::Text,
            "text of the stream",
            "text",
        ),
        bind(
            C::Everywhere,
            &[char('D')],
            A::Charts,
            "live panels",
            "panels",
        ),
        bind(
            C::Charts,
            &[key(K::Up), char('k')],
            A::Up,
            "panel or field above",
            "panel",
        ),
        bind(
            C::Charts,
            &[key(K::Down), char('j')],
            A::Down,
            "panel or field below",
            "",
        ),
        bind(
            C::Charts,
            &[key(K::Left), char('h')],
            A::Left,
            "panel to the left",
            "",
        ),
        bind(
            C::Charts,
            &[key(K::Right), char('l')],
            A::Right,
            "panel to the right",
            "",
        ),
        bind(C::Charts, &[char('f')], A::NextField, "next field", "field"),
        bind(
            C::Charts,
            &[char('F')],
            A::PreviousField,
            "field before",
            "",
        ),
        bind(
            C::Charts,
            &[key(K::Enter)],
            A::Open,
            "one panel, or all",
            "zoom",
        ),
        bind(
            C::Charts,
            &[key(K::Esc), char('D')],
            A::Close,
            "close",
            "close",
        ),
        bind(
            C::Everywhere,
            &[char('R')],
            A::Record,
            "record to a file, or end",
            "record",
        ),
        bind(
            C::Text,
            &[key(K::Up), char('k')],
            A::Up,
            "line up",
            "scroll",
        ),
        bind(
            C::Text,
            &[key(K::Down), char('j')],
            A::Down,
            "line down",
            "",
        ),
        bind(
            C::Text,
            &[key(K::Left), char('h')],
            A::Left,
            "character back",
            "",
        ),
        bind(
            C::Text,
            &[key(K::Right), char('l')],
            A::Right,
            "character on",
            "",
        ),
        bind(
            C::Text,
            &[key(K::PageUp), Key::ctrl('b')],
            A::PageUp,
            "page up",
            "",
        ),
        bind(
            C::Text,
            &[key(K::PageDown), Key::ctrl('f')],
            A::PageDown,
            "page down",
            "",
        ),
        bind(
            C::Text,
            &[key(K::Home), char('g')],
            A::First,
            "beginning",
            "",
        ),
        bind(
            C::Text,
            &[char('G'), key(K::End)],
            A::Last,
            "end; follow",
            "follow",
        ),
        bind(
            C::Text,
            &[key(K::Enter)],
            A::Open,
            "event at the cursor",
            "event",
        ),
        bind(
            C::Text,
            &[char('f')],
            A::Fold,
            "fold or unfold the part",
            "fold",
        ),
        bind(C::Text, &[char('n')], A::NextStall, "next stall", "stall"),
        bind(C::Text, &[char('N')], A::PreviousStall, "stall before", ""),
        bind(C::Text, &[char(']')], A::Next, "next connection", ""),
        bind(C::Text, &[char('[')], A::Previous, "connection before", ""),
        bind(
            C::Text,
            &[key(K::Esc), char('t')],
            A::Close,
            "close",
            "close",
        ),
        bind(
            C::Replay,
            &[char(' ')],
            A::PlayPause,
            "stand still or play on",
            "play",
        ),
        bind(C::Replay, &[char('.')], A::PlayStep, "one record", "step"),
        bind(C::Replay, &[char('}')], A::PlayFaster, "faster", ""),
        bind(C::Replay, &[char('{')], A::PlaySlower, "slower", "speed"),
        bind(C::Replay, &[char(')')], A::PlayAhead, "10 s on", ""),
        bind(C::Replay, &[char('(')], A::PlayBack, "10 s back", "seek"),
    ]
}
