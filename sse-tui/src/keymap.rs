//! Keys as data: what each does, where, and the words that explain it.

mod action;
mod key;
mod main;
mod remap;
mod screens;

use crossterm::event::KeyEvent;

pub use action::{Action, Context};
pub use key::{Key, NoKey};
pub use remap::{Mistake, Remap};

/// Keys that do one thing in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

type Line = (Context, &'static str, Action, &'static str, &'static str);

/// The bindings of every screen, those of the main one first.
const DEFAULT: [&[Line]; 2] = [main::KEYS, screens::KEYS];

impl Default for Keymap {
    fn default() -> Self {
        let binding = |(context, keys, action, help, hint): &Line| Binding {
            context: *context,
            keys: keys.split(' ').filter_map(|key| key.parse().ok()).collect(),
            action: *action,
            help,
            hint,
        };
        Self {
            bindings: DEFAULT.concat().iter().map(binding).collect(),
        }
    }
}

impl Keymap {
    /// What a key means in a context. The keys of a replay come first where one
    /// is shown.
    pub fn action(&self, context: Context, replay: bool, event: &KeyEvent) -> Option<Action> {
        let key = Key::of(event);
        self.here(context, replay)
            .find(|binding| binding.keys.contains(&key))
            .map(|binding| binding.action)
    }

    /// The bindings that work in a context, the innermost first. Of those with
    /// the same key the first counts.
    pub fn here(&self, context: Context, replay: bool) -> impl Iterator<Item = &Binding> {
        let replay = (replay && context.takes_replay()).then_some(Context::Replay);
        let layers = replay.into_iter().chain(context.layers().iter().copied());
        layers.flat_map(|layer| self.of(layer))
    }

    /// The bindings of one context.
    pub fn of(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings
            .iter()
            .filter(move |binding| binding.context == context)
    }

    /// The bindings that the footer names in a context: those with a word for it
    /// whose key does nothing else there.
    pub fn hints(&self, context: Context, replay: bool) -> impl Iterator<Item = &Binding> {
        self.here(context, replay).filter(move |binding| {
            let Some(key) = binding.keys.first() else {
                return false;
            };
            let mut same = self.here(context, replay);
            let first = same.find(|other| other.keys.contains(key));
            !binding.hint.is_empty() && first == Some(*binding)
        })
    }

    /// The first key that asks for an action in a context.
    pub fn key(&self, context: Context, action: Action) -> Option<Key> {
        self.here(context, true)
            .find(|binding| binding.action == action && !binding.keys.is_empty())
            .and_then(|binding| binding.keys.first().copied())
    }

    /// How to ask for an action in a context, for words to the user: the label
    /// of its key, or that there is none.
    pub fn how(&self, context: Context, action: Action) -> String {
        match self.key(context, action) {
            Some(key) => key.label(),
            None => format!("{} (no key)", action.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    #[test]
    fn every_default_is_a_key_and_is_explained() {
        let lines = DEFAULT.concat();
        let names: usize = lines.iter().map(|line| line.1.split(' ').count()).sum();
        let bindings = Keymap::default().bindings;
        assert_eq!(bindings.iter().map(|b| b.keys.len()).sum::<usize>(), names);
        for binding in bindings {
            let length = binding.help.len();
            assert!((1..=24).contains(&length), "{:?}", binding.action);
        }
    }

    #[test]
    fn every_action_has_a_default_key() {
        let keymap = Keymap::default();
        for action in Action::value_variants() {
            let bound = keymap.bindings.iter().any(|bound| bound.action == *action);
            assert!(bound, "{}", action.name());
        }
    }

    #[test]
    fn an_action_and_a_context_never_share_a_name() {
        for context in Context::value_variants() {
            let same = |action: &&Action| action.name() == context.name();
            assert_eq!(Action::value_variants().iter().find(same), None);
        }
    }

    #[test]
    fn control_c_quits_in_every_context_and_a_plain_c_in_none() {
        let keymap = Keymap::default();
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        let plain = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE);
        for context in Context::value_variants() {
            if *context == Context::Replay || *context == Context::Main {
                continue;
            }
            let action = |key| keymap.action(*context, true, key);
            assert_eq!(action(&control), Some(Action::Quit), "{context:?}");
            assert_ne!(action(&plain), Some(Action::Quit));
        }
    }

    #[test]
    fn the_keys_of_a_replay_come_first_only_while_there_is_one() {
        let keymap = Keymap::default();
        let space = KeyEvent::new(KeyCode::Char(' '), KeyModifiers::NONE);
        let action = |context, replay| keymap.action(context, replay, &space);
        assert_eq!(action(Context::List, true), Some(Action::PlayPause));
        assert_eq!(action(Context::List, false), Some(Action::Pause));
        assert_eq!(action(Context::Prompt, true), None);
    }
}
