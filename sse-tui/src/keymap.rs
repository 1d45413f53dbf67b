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
    /// Move the keys between list and detail.
    Focus,
    /// The event before the one shown.
    Previous,
    /// The event after the one shown.
    Next,
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
    /// Fold or unfold a part of the text.
    Fold,
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
    pub const ALL: [Self; 7] = [
        Self::Everywhere,
        Self::List,
        Self::Detail,
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
    const fn plain(code: KeyCode) -> Self {
        Self {
            code,
            modifiers: KeyModifiers::NONE,
        }
    }

    const fn char(character: char) -> Self {
        Self::plain(KeyCode::Char(character))
    }

    const fn ctrl(character: char) -> Self {
        Self {
            code: KeyCode::Char(character),
            modifiers: KeyModifiers::CONTROL,
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

impl Default for Keymap {
    fn default() -> Self {
        use Action as A;
        use Context::{Detail, Everywhere, Help, List};
        use KeyCode as K;
        let bind = |context, keys: &[Key], action, help, hint| Binding {
            context,
            keys: keys.to_vec(),
            action,
            help,
            hint,
        };
        let key = Key::plain;
        let char = Key::char;
        let mut keymap = Self {
            bindings: vec![
                bind(
                    List,
                    &[key(K::Up), char('k')],
                    A::Up,
                    "one up; stops following",
                    "scroll",
                ),
                bind(List, &[key(K::Down), char('j')], A::Down, "one down", ""),
                bind(
                    List,
                    &[key(K::PageUp), Key::ctrl('b')],
                    A::PageUp,
                    "page up",
                    "",
                ),
                bind(
                    List,
                    &[key(K::PageDown), Key::ctrl('f')],
                    A::PageDown,
                    "page down",
                    "",
                ),
                bind(
                    List,
                    &[key(K::Home), char('g')],
                    A::First,
                    "oldest kept",
                    "",
                ),
                bind(List, &[key(K::Enter)], A::Open, "show in detail", "detail"),
                bind(
                    List,
                    &[char('G'), key(K::End)],
                    A::Last,
                    "newest; follow",
                    "follow",
                ),
                bind(
                    List,
                    &[key(K::Esc)],
                    A::Close,
                    "close detail, or follow",
                    "",
                ),
                bind(
                    Detail,
                    &[key(K::Up), char('k')],
                    A::Up,
                    "scroll up",
                    "scroll",
                ),
                bind(
                    Detail,
                    &[key(K::Down), char('j')],
                    A::Down,
                    "scroll down",
                    "",
                ),
                bind(
                    Detail,
                    &[key(K::PageUp), Key::ctrl('b')],
                    A::PageUp,
                    "page up",
                    "",
                ),
                bind(
                    Detail,
                    &[key(K::PageDown), Key::ctrl('f')],
                    A::PageDown,
                    "page down",
                    "",
                ),
                bind(Detail, &[key(K::Home), char('g')], A::First, "top", ""),
                bind(Detail, &[char('G'), key(K::End)], A::Last, "end", ""),
                bind(
                    Detail,
                    &[key(K::Left), char('p')],
                    A::Previous,
                    "event before",
                    "previous",
                ),
                bind(
                    Detail,
                    &[key(K::Right), char('n')],
                    A::Next,
                    "event after",
                    "next",
                ),
                bind(
                    Detail,
                    &[key(K::Esc), key(K::Enter)],
                    A::Close,
                    "close",
                    "close",
                ),
                bind(
                    Everywhere,
                    &[char(' ')],
                    A::Pause,
                    "pause or resume display",
                    "pause",
                ),
                bind(
                    Everywhere,
                    &[key(K::Tab)],
                    A::Focus,
                    "keys to list or detail",
                    "",
                ),
                bind(
                    Help,
                    &[key(K::Esc), char('q'), key(K::Enter)],
                    A::Help,
                    "close",
                    "close",
                ),
                bind(
                    Everywhere,
                    &[char('?'), key(K::F(1))],
                    A::Help,
                    "this help",
                    "help",
                ),
                bind(
                    Everywhere,
                    &[char('q'), Key::ctrl('c')],
                    A::Quit,
                    "quit",
                    "quit",
                ),
            ],
        };
        keymap.bindings.extend(screens::bindings());
        keymap
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
        find(context)
            .or_else(|| find(Context::Everywhere))
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
            assert_eq!(keymap.action(context, &plain), None);
        }
    }
}
