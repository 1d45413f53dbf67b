//! The keys of the screens besides the main one, of recording and of replay.

use super::{Action as A, Context as C, Line};

/// Context, keys, action, help, hint.
#[rustfmt::skip]
pub(super) const KEYS: &[Line] = &[
    (C::Everywhere, "t", A::Text, "text of the stream", "text"),
    (C::Everywhere, "D", A::Charts, "live panels", "panels"),
    (C::Everywhere, "R", A::Record, "record to a file, or end", "record"),
    (C::Text, "↑ k", A::Up, "line up", "move"),
    (C::Text, "↓ j", A::Down, "line down", ""),
    (C::Text, "← h", A::Left, "character back", ""),
    (C::Text, "→ l", A::Right, "character on", ""),
    (C::Text, "PgUp Ctrl-B", A::PageUp, "page up", ""),
    (C::Text, "PgDn Ctrl-F", A::PageDown, "page down", ""),
    (C::Text, "Home g", A::First, "beginning", ""),
    (C::Text, "G End", A::Last, "end; follow", "follow"),
    (C::Text, "Enter", A::Open, "event at the cursor", "event"),
    (C::Text, "f", A::Fold, "fold or unfold the part", "fold"),
    (C::Text, "n", A::NextStall, "next stall", "stall"),
    (C::Text, "N", A::PreviousStall, "stall before", ""),
    (C::Text, "]", A::Next, "next connection", ""),
    (C::Text, "[", A::Previous, "connection before", ""),
    (C::Text, "Esc", A::Close, "close", "close"),
    (C::Charts, "↑ k", A::Up, "panel or field above", "choose"),
    (C::Charts, "↓ j", A::Down, "panel or field below", ""),
    (C::Charts, "← h", A::Left, "panel to the left", ""),
    (C::Charts, "→ l", A::Right, "panel to the right", ""),
    (C::Charts, "f", A::NextField, "next field", "field"),
    (C::Charts, "F", A::PreviousField, "field before", ""),
    (C::Charts, "Enter", A::Open, "one panel, or all", "zoom"),
    (C::Charts, "Esc", A::Close, "close", "close"),
    (C::Replay, "Space", A::PlayPause, "stand still or play on", "play"),
    (C::Replay, ".", A::PlayStep, "one record", "step"),
    (C::Replay, "}", A::PlayFaster, "faster", ""),
    (C::Replay, "{", A::PlaySlower, "slower", "speed"),
    (C::Replay, ")", A::PlayAhead, "10 s on", ""),
    (C::Replay, "(", A::PlayBack, "10 s back", "seek"),
];
