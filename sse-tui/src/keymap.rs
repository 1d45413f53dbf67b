//! Keys as data: what each does, where, and the words that explain it.

mod screens;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Show or hide the list of keys.
    Help,
    /// Freeze or resume the display.
    Pause,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// The oldest row, or the top of the detail.
    First,
    /// The newest row, followed from then on, or the end of the detail.
    Last,
    /// Show the selected event.
    Open,
    /// Leave what was opened last.
    Close,
    /// Move the keys between list, detail and types.
    Focus,
    /// The event before the one shown.
    Previous,
    /// The event after the one shown.
    Next,
    /// Say which events are listed.
    Filter,
    /// List all events again.
    ListAll,
    /// Look for something.
    Find,
    /// The next match further up the list.
    FindNext,
    /// The next match further down.
    FindPrevious,
    /// List a type no longer, or again.
    Mute,
    /// List only this type, or all again.
    Solo,
    /// List one more row around each match.
    MoreContext,
    /// List one less.
    LessContext,
    /// List only events with this value, or of this type.
    FilterValue,
    /// Set or remove a bookmark.
    Bookmark,
    /// The next bookmark, around the end.
    NextBookmark,
    /// The next gap or outage.
    NextGap,
    /// The gap or outage before.
    PreviousGap,
    /// Put data, or the selected value, on the clipboard.
    Copy,
    /// Put the request on the clipboard, as a curl command.
    CopyCurl,
    /// Give each stream a column of its own, or not.
    SideBySide,
    /// Show the bytes as they came, or the data.
    Wire,
    /// Fold the value, or what it is in.
    Fold,
    /// Unfold the value.
    Unfold,
    /// Fold or unfold the value.
    Toggle,
    /// Fold all but the outermost, or unfold all.
    FoldAll,
    /// Take what was typed.
    Accept,
    /// Go back to what was before.
    Cancel,
    /// What was typed before.
    Recall,
    /// What was typed after that.
    RecallNewer,
    /// One place to the left.
    Left,
    /// One place to the right.
    Right,
    /// Begin or end a recording.
    Record,
    /// Show the text of the stream.
    Text,
    /// Show the live panels.
    Charts,
    /// The next field of a panel.
    NextField,
    /// The field before.
    PreviousField,
    /// The text after the next stall.
    NextStall,
    /// The text after the stall before.
    PreviousStall,
    /// Let the replay stand still or go on.
    PlayPause,
    /// Replay one record.
    PlayStep,
    /// Replay faster.
    PlayFaster,
    /// Replay slower.
    PlaySlower,
    /// Jump ahead in the replay.
    PlayAhead,
    /// Jump back in the replay.
    PlayBack,
    /// Connect a stream now, or open it again.
    Reconnect,
    /// End a stream.
    CloseStream,
    /// Read one more stream.
    OpenStream,
    /// Write the events listed to a file.
    Export,
}

/// Where a key has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Anywhere.
    Everywhere,
    /// While the list has the keys.
    List,
    /// While the detail has the keys.
    Detail,
    /// While the event types have the keys.
    Types,
    /// While the streams have the keys.
    Streams,
    /// While something is typed.
    Prompt,
    /// While the help is open.
    Help,
    /// While the text of a stream is shown.
    Text,
    /// While the live panels are shown.
    Charts,
    /// While a recording is played.
    Replay,
}

impl Context {
    /// All, in the order in which help lists them.
    pub const ALL: [Self; 10] = [
        Self::List,
        Self::Everywhere,
        Self::Detail,
        Self::Types,
        Self::Streams,
        Self::Prompt,
        Self::Help,
        Self::Text,
        Self::Charts,
        Self::Replay,
    ];

    /// Heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::List => "list",
            Self::Detail => "detail",
            Self::Types => "types",
            Self::Streams => "streams",
            Self::Prompt => "while typing",
            Self::Help => "help",
            Self::Text => "text of a stream",
            Self::Charts => "live panels",
            Self::Replay => "replay",
        }
    }
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    fn of(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            modifiers: event.modifiers,
        }
    }

    fn matches(self, event: &KeyEvent) -> bool {
        // Shift is already in the character, and terminals differ in reporting it.
        let relevant = match event.code {
            KeyCode::Char(_) => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        self.code == event.code && self.modifiers == relevant
    }

    /// As it stands in help and footer: `G`, `Ctrl-C`, `PgUp`, `⏎`.
    pub fn label(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(character) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                character.to_ascii_uppercase().to_string()
            }
            KeyCode::Char(character) => character.to_string(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => other.to_string(),
        };
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            format!("Ctrl-{name}")
        } else {
            name
        }
    }
}

/// The key of this name, as [`Key::label`] writes it, or with arrows in words.
pub fn parse(name: &str) -> Option<KeyEvent> {
    if let Some(letter) = name.strip_prefix("Ctrl-") {
        let code = KeyCode::Char(letter.parse::<char>().ok()?.to_ascii_lowercase());
        return Some(KeyEvent::new(code, KeyModifiers::CONTROL));
    }
    let mut characters = name.chars();
    let code = match (characters.next(), characters.next()) {
        (Some(character), None) => match character {
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '←' => KeyCode::Left,
            '→' => KeyCode::Right,
            _ => KeyCode::Char(character),
        },
        _ => match name {
            "Up" => KeyCode::Up,
            "Down" => KeyCode::Down,
            "Left" => KeyCode::Left,
            "Right" => KeyCode::Right,
            "PgUp" => KeyCode::PageUp,
            "PgDn" => KeyCode::PageDown,
            "Home" => KeyCode::Home,
            "End" => KeyCode::End,
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Tab" => KeyCode::Tab,
            "Space" => KeyCode::Char(' '),
            "F1" => KeyCode::F(1),
            _ => return None,
        },
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Keys that do one thing in one context.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// Any of these.
    pub keys: Vec<Key>,
    /// What.
    pub action: Action,
    /// A few words for the help, at most 24 columns.
    pub help: &'static str,
    /// A word for the footer; empty to leave it out there.
    pub hint: &'static str,
}

/// All bindings, in the order in which help and footer list them.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

type Line = (Context, &'static str, Action, &'static str, &'static str);

/// Context, keys, action, help, hint.
#[rustfmt::skip]
const DEFAULT: &[Line] = {
    use Action as A;
    use Context::{Detail, Everywhere, Help, List, Prompt, Streams, Types};
    &[
        (List, "↑ k", A::Up, "one up; stops following", "scroll"),
        (List, "↓ j", A::Down, "one down", ""),
        (List, "PgUp Ctrl-B", A::PageUp, "page up", ""),
        (List, "PgDn Ctrl-F", A::PageDown, "page down", ""),
        (List, "Home g", A::First, "oldest kept", ""),
        (List, "G End", A::Last, "newest; follow", "follow"),
        (List, "Enter", A::Open, "show in detail", "show"),
        (List, "Esc", A::Close, "close detail, or follow", ""),
        (List, "f", A::FilterValue, "only this type", ""),
        (Everywhere, "&", A::Filter, "filter", "filter"),
        (Everywhere, "/", A::Find, "find", "find"),
        (Everywhere, "n", A::FindNext, "next match, older", ""),
        (Everywhere, "N", A::FindPrevious, "next match, newer", ""),
        (Everywhere, "u", A::ListAll, "undo filter, solo, mute", ""),
        (Everywhere, "+", A::MoreContext, "more rows around match", ""),
        (Everywhere, "-", A::LessContext, "fewer", ""),
        (List, "m", A::Mute, "mute this type, or not", ""),
        (List, "s", A::Solo, "solo this type, or not", ""),
        (List, "b", A::Bookmark, "bookmark, or not", ""),
        (List, "'", A::NextBookmark, "next bookmark", ""),
        (List, ">", A::NextGap, "next gap or outage", ""),
        (List, "<", A::PreviousGap, "gap or outage before", ""),
        (List, "v", A::SideBySide, "streams side by side", ""),
        (List, "r", A::Reconnect, "reconnect the stream now", ""),
        (List, "x", A::CloseStream, "end the stream", ""),
        (Everywhere, "o", A::OpenStream, "one more stream", ""),
        (Everywhere, "e", A::Export, "export what is listed", ""),
        (Detail, "↑ k", A::Up, "line up", "move"),
        (Detail, "↓ j", A::Down, "line down", ""),
        (Detail, "PgUp Ctrl-B", A::PageUp, "page up", ""),
        (Detail, "PgDn Ctrl-F", A::PageDown, "page down", ""),
        (Detail, "Home g", A::First, "top", ""),
        (Detail, "G End", A::Last, "end", ""),
        (Detail, "[ p", A::Previous, "event before", ""),
        (Detail, "] Ctrl-N", A::Next, "event after", ""),
        (Detail, "Enter", A::Toggle, "fold or unfold", "fold"),
        (Detail, "← h", A::Fold, "fold, or go out", ""),
        (Detail, "→ l", A::Unfold, "unfold", ""),
        (Detail, "z", A::FoldAll, "fold or unfold all", ""),
        (Detail, "w", A::Wire, "bytes on the wire", "wire"),
        (Detail, "f", A::FilterValue, "filter on this value", "only this"),
        (Detail, "Esc", A::Close, "close", "close"),
        (Types, "↑ k", A::Up, "type above", "choose"),
        (Types, "↓ j", A::Down, "type below", ""),
        (Types, "Home g", A::First, "first", ""),
        (Types, "G End", A::Last, "last", ""),
        (Types, "s Enter", A::Solo, "solo, or not", "solo"),
        (Types, "m", A::Mute, "mute, or not", "mute"),
        (Types, "Esc", A::Close, "back to the list", "back"),
        (Streams, "↑ k", A::Up, "stream above", "choose"),
        (Streams, "↓ j", A::Down, "stream below", ""),
        (Streams, "Home g", A::First, "first", ""),
        (Streams, "G End", A::Last, "last", ""),
        (Streams, "r Enter", A::Reconnect, "reconnect, or open again", "reconnect"),
        (Streams, "x", A::CloseStream, "end it", "end"),
        (Streams, "o", A::OpenStream, "one more stream", "add"),
        (Streams, "Esc", A::Close, "back to the list", "back"),
        (Prompt, "Enter", A::Accept, "take it", ""),
        (Prompt, "Esc", A::Cancel, "as it was before", ""),
        (Prompt, "↑", A::Recall, "typed before", ""),
        (Prompt, "↓", A::RecallNewer, "typed after that", ""),
        (Prompt, "Ctrl-C", A::Quit, "quit", ""),
        (Everywhere, "y", A::Copy, "copy data or value", ""),
        (Everywhere, "Y", A::CopyCurl, "copy as curl", ""),
        (Everywhere, "Space", A::Pause, "pause or resume display", "pause"),
        (Everywhere, "Tab", A::Focus, "keys to the next pane", ""),
        (Help, "↑ k", A::Up, "scroll up", ""),
        (Help, "↓ j", A::Down, "scroll down", "scroll"),
        (Help, "PgUp Ctrl-B", A::PageUp, "page up", ""),
        (Help, "PgDn Ctrl-F", A::PageDown, "page down", ""),
        (Help, "Esc q Enter", A::Help, "close", "close"),
        (Everywhere, "? F1", A::Help, "this help", "help"),
        (Everywhere, "q Ctrl-C", A::Quit, "quit", "quit"),
    ]
};

impl Default for Keymap {
    fn default() -> Self {
        let binding = |(context, keys, action, help, hint): &Line| Binding {
            context: *context,
            keys: keys.split(' ').filter_map(parse).map(Key::of).collect(),
            action: *action,
            help,
            hint,
        };
        Self {
            bindings: DEFAULT.iter().chain(screens::KEYS).map(binding).collect(),
        }
    }
}

impl Keymap {
    /// What a key means in a context.
    pub fn action(&self, context: Context, event: &KeyEvent) -> Option<Action> {
        let find = |context| {
            self.bindings.iter().find(|binding| {
                binding.context == context && binding.keys.iter().any(|key| key.matches(event))
            })
        };
        // What is typed is text, whatever the key means elsewhere.
        let elsewhere = || match context {
            Context::Prompt => None,
            _ => find(Context::Everywhere),
        };
        find(context)
            .or_else(elsewhere)
            .map(|binding| binding.action)
    }

    /// What a key means in one context alone.
    pub fn action_of(&self, context: Context, event: &KeyEvent) -> Option<Action> {
        let keys = |binding: &&Binding| binding.keys.iter().any(|key| key.matches(event));
        self.of(context).find(keys).map(|binding| binding.action)
    }

    /// The bindings of one context.
    pub fn of(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings
            .iter()
            .filter(move |binding| binding.context == context)
    }

    /// The bindings that the footer names in a context.
    pub fn hints(&self, context: Context) -> impl Iterator<Item = &Binding> {
        let taken = move |key: &Key| self.of(context).any(|own| own.keys.contains(key));
        let elsewhere = self
            .of(Context::Everywhere)
            .filter(move |binding| !binding.keys.first().is_some_and(taken));
        let elsewhere = elsewhere.filter(move |_| context != Context::Prompt);
        self.of(context)
            .chain(elsewhere)
            .filter(|binding| !binding.hint.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        let keymap = Keymap::default();
        let mut seen = HashSet::new();
        for binding in &keymap.bindings {
            for key in &binding.keys {
                assert!(
                    seen.insert((binding.context, *key)),
                    "{key:?} in {:?}",
                    binding.context
                );
            }
        }
    }

    #[test]
    fn every_action_can_be_reached_and_is_explained() {
        for binding in Keymap::default().bindings {
            assert!(
                !binding.keys.is_empty() && (1..=24).contains(&binding.help.len()),
                "{:?}",
                binding.action
            );
        }
    }

    #[test]
    fn every_key_has_a_name_that_reads_back() {
        let lines = DEFAULT.iter().chain(screens::KEYS);
        let names: usize = lines.map(|line| line.1.split(' ').count()).sum();
        let bindings = Keymap::default().bindings;
        assert_eq!(bindings.iter().map(|b| b.keys.len()).sum::<usize>(), names);
        for key in bindings.iter().flat_map(|binding| &binding.keys) {
            assert_eq!(parse(&key.label()).map(Key::of), Some(*key), "{key:?}");
        }
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let keymap = Keymap::default();
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            let key = KeyEvent::new(KeyCode::Char('G'), modifiers);
            assert_eq!(keymap.action(Context::List, &key), Some(Action::Last));
        }
    }

    #[test]
    fn control_c_quits_in_every_context_and_a_plain_c_in_none() {
        let keymap = Keymap::default();
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        let plain = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE);
        for context in Context::ALL {
            assert_eq!(keymap.action(context, &control), Some(Action::Quit));
            assert_ne!(keymap.action(context, &plain), Some(Action::Quit));
        }
    }
}
