//! One key: how it is written, shown and recognised.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Shift is in the character where there is one: `G`
/// is one key, however the terminal reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Why a text names no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey(String);

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoKey {}

/// Names in files, other spellings, and as they are shown.
const NAMES: [(KeyCode, &[&str], &str); 15] = [
    (KeyCode::Up, &["up", "↑"], "↑"),
    (KeyCode::Down, &["down", "↓"], "↓"),
    (KeyCode::Left, &["left", "←"], "←"),
    (KeyCode::Right, &["right", "→"], "→"),
    (KeyCode::PageUp, &["pgup", "page-up", "pageup"], "PgUp"),
    (
        KeyCode::PageDown,
        &["pgdn", "page-down", "pagedown"],
        "PgDn",
    ),
    (KeyCode::Home, &["home"], "Home"),
    (KeyCode::End, &["end"], "End"),
    (KeyCode::Enter, &["enter", "return"], "Enter"),
    (KeyCode::Esc, &["esc", "escape"], "Esc"),
    (KeyCode::Tab, &["tab"], "Tab"),
    (KeyCode::Backspace, &["backspace"], "Backspace"),
    (KeyCode::Delete, &["delete", "del"], "Del"),
    (KeyCode::Insert, &["insert", "ins"], "Ins"),
    (KeyCode::Char(' '), &["space"], "Space"),
];

const MODIFIERS: [(KeyModifiers, &str, &str); 3] = [
    (KeyModifiers::CONTROL, "ctrl-", "Ctrl-"),
    (KeyModifiers::ALT, "alt-", "Alt-"),
    (KeyModifiers::SHIFT, "shift-", "Shift-"),
];

impl Key {
    /// The key that was pressed.
    pub fn of(event: &KeyEvent) -> Self {
        let mut key = Self {
            code: event.code,
            modifiers: event.modifiers
                & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT),
        };
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            key.modifiers -= KeyModifiers::SHIFT;
        }
        if let KeyCode::Char(character) = &mut key.code
            && key.modifiers.contains(KeyModifiers::CONTROL)
        {
            character.make_ascii_lowercase();
        }
        key
    }

    /// Pressing it.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Whether it writes a character where text is typed.
    pub fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    /// As it is shown: `G`, `Ctrl-F`, `PgUp`, `↑`; or, in ASCII, `Up`.
    pub fn label_in(self, ascii: bool) -> String {
        if ascii {
            self.ascii_label()
        } else {
            self.label()
        }
    }

    /// As it stands in help and footer: `G`, `Ctrl-F`, `PgUp`, `↑`.
    pub fn label(self) -> String {
        let (modifiers, code) = (self.modifiers, self.code);
        let shown = |(_, _, shown): &(_, _, &'static str)| *shown;
        let prefix = MODIFIERS
            .iter()
            .filter(|(modifier, ..)| modifiers.contains(*modifier))
            .map(shown)
            .collect::<String>();
        let named = NAMES.iter().find(|(named, ..)| *named == code);
        let name = match (code, named) {
            (_, Some((.., shown))) => (*shown).to_owned(),
            (KeyCode::BackTab, _) => "Shift-Tab".to_owned(),
            (KeyCode::Char(character), _) if modifiers.contains(KeyModifiers::CONTROL) => {
                character.to_ascii_uppercase().to_string()
            }
            (KeyCode::Char(character), _) => character.to_string(),
            (other, _) => other.to_string(),
        };
        prefix + &name
    }

    fn ascii_label(self) -> String {
        let label = self.label();
        if label.is_ascii() {
            return label;
        }
        let name = self.to_string();
        let (first, rest) = name.split_at(1);
        first.to_uppercase() + rest
    }
}

/// As it stands in a configuration file: `G`, `ctrl-f`, `pgup`, `up`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name, _) in MODIFIERS {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match (
            self.code,
            NAMES.iter().find(|(code, ..)| *code == self.code),
        ) {
            (_, Some((_, names, _))) => f.write_str(names[0]),
            (KeyCode::BackTab, _) => f.write_str("shift-tab"),
            (KeyCode::Char(character), _) => write!(f, "{character}"),
            (KeyCode::F(number), _) => write!(f, "f{number}"),
            (other, _) => write!(f, "{other}"),
        }
    }
}

/// A character as it is typed, or a name in any case, after `ctrl-`, `alt-` or
/// `shift-`.
impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        while let Some((modifier, name, _)) = MODIFIERS
            .iter()
            .find(|(_, name, _)| starts_with(rest, name) && rest.len() > name.len())
        {
            modifiers |= *modifier;
            rest = &rest[name.len()..];
        }
        let code = code(rest).ok_or_else(|| {
            NoKey(format!(
                "`{text}` is no key; write it as k, G, up, enter, pgup, f5, ctrl-f, alt-x or shift-tab"
            ))
        })?;
        if let KeyCode::Char(character) = code {
            check_character(text, character, modifiers)?;
        }
        let shifted_tab = code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT);
        let code = if shifted_tab { KeyCode::BackTab } else { code };
        Ok(Self::of(&KeyEvent::new(code, modifiers)))
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    let start = text.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn code(name: &str) -> Option<KeyCode> {
    let mut characters = name.chars();
    let named = |(_, names, _): &&(_, &[&str], _)| {
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    if let Some((code, ..)) = NAMES.iter().find(named) {
        return Some(*code);
    }
    match (characters.next(), characters.as_str()) {
        (Some(character), "") if !character.is_control() => Some(KeyCode::Char(character)),
        (Some('f' | 'F'), number) => {
            let number = number
                .parse()
                .ok()
                .filter(|number| (1..=12).contains(number));
            number.map(KeyCode::F)
        }
        _ => None,
    }
}

/// What terminals cannot send, or send as another key.
fn check_character(text: &str, character: char, modifiers: KeyModifiers) -> Result<(), NoKey> {
    let same = |name: &str| {
        Err(NoKey(format!(
            "`{text}`: terminals send the same for it as for {name}; write {name}"
        )))
    };
    let control = modifiers.contains(KeyModifiers::CONTROL);
    match character.to_ascii_lowercase() {
        'i' if control => same("tab"),
        'm' if control => same("enter"),
        '[' if control => same("esc"),
        character if modifiers.contains(KeyModifiers::SHIFT) => Err(NoKey(format!(
            "`{text}`: write the character that Shift makes, such as {}",
            character.to_ascii_uppercase()
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn keys_are_written_as_people_write_them() {
        for (text, written, label) in [
            ("k", "k", "k"),
            ("G", "G", "G"),
            ("-", "-", "-"),
            ("Ctrl-F", "ctrl-f", "Ctrl-F"),
            ("ctrl--", "ctrl--", "Ctrl--"),
            ("alt-X", "alt-X", "Alt-X"),
            ("UP", "up", "↑"),
            ("PageUp", "pgup", "PgUp"),
            ("shift-tab", "shift-tab", "Shift-Tab"),
            ("shift-left", "shift-left", "Shift-←"),
            ("F5", "f5", "F5"),
            ("f", "f", "f"),
            ("Space", "space", "Space"),
            ("é", "é", "é"),
        ] {
            assert_eq!(key(text).to_string(), written);
            assert_eq!(key(text).label(), label);
            assert_eq!(key(written), key(text));
        }
    }

    #[test]
    fn labels_without_arrows() {
        assert_eq!(key("up").ascii_label(), "Up");
        assert_eq!(key("shift-left").ascii_label(), "Shift-left");
        assert_eq!(key("ctrl-b").ascii_label(), "Ctrl-B");
    }

    #[test]
    fn what_no_terminal_sends_is_no_key() {
        for (text, words) in [
            ("", "is no key"),
            ("gg", "is no key"),
            ("f13", "is no key"),
            ("hyper-x", "is no key"),
            ("ctrl-", "is no key"),
            ("ctrl-i", "write tab"),
            ("Ctrl-M", "write enter"),
            ("shift-g", "such as G"),
        ] {
            let error = text.parse::<Key>().expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_key_is_the_same_however_terminals_report_shift() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            assert_eq!(
                Key::of(&KeyEvent::new(KeyCode::Char('G'), modifiers)),
                key("G")
            );
            assert_eq!(
                Key::of(&KeyEvent::new(KeyCode::BackTab, modifiers)),
                key("shift-tab")
            );
        }
        let control = KeyEvent::new(KeyCode::Char('F'), KeyModifiers::CONTROL);
        assert_eq!(Key::of(&control), key("ctrl-f"));
    }
}
