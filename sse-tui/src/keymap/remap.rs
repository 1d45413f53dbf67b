//! Other keys than the default ones, and what cannot be.

use std::fmt;

use clap::ValueEnum;

use super::{Action, Binding, Context, Key, Keymap};

/// Keys for an action, instead of those that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remap {
    /// Where; `None` for everywhere that the action is.
    pub context: Option<Context>,
    /// What.
    pub action: Action,
    /// Any of these; none, to do without.
    pub keys: Vec<Key>,
}

/// What is wrong with a remap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Which of the remaps; the last if it is none of them alone.
    pub remap: usize,
    words: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Mistake {}

impl Keymap {
    /// This keymap with these changes. What is said of one context goes before
    /// what is said of all. A key is taken from actions that were not remapped
    /// if they have another one.
    ///
    /// # Errors
    /// An action that is not in the context, a key that is text where it would
    /// have to be typed, one key for two actions, no way to quit.
    pub fn remapped(mut self, remaps: &[Remap]) -> Result<Self, Mistake> {
        let mut set: Vec<Option<usize>> = vec![None; self.bindings.len()];
        let mut in_order: Vec<_> = (0..remaps.len()).collect();
        in_order.sort_by_key(|remap| remaps[*remap].context.is_some());
        for number in in_order {
            let remap = &remaps[number];
            let places = self.places(remap);
            if places.is_empty() {
                return Err(self.not_there(number, remap));
            }
            for place in places {
                self.bindings[place].keys.clone_from(&remap.keys);
                set[place] = Some(number);
                self.check_text(place, number)?;
            }
        }
        for context in Context::value_variants() {
            self.resolve(*context, &set)?;
        }
        self.check_quit(remaps.len().saturating_sub(1))?;
        Ok(self)
    }

    /// The contexts in which an action is.
    fn contexts(&self, action: Action) -> impl Iterator<Item = Context> {
        let of = self.bindings.iter().filter(move |b| b.action == action);
        of.map(|binding| binding.context)
    }

    fn places(&self, remap: &Remap) -> Vec<usize> {
        // What is typed has keys of its own.
        let elsewhere = self.contexts(remap.action).any(|c| c != Context::Prompt);
        let meant = |binding: &Binding| match remap.context {
            Some(context) => binding.context == context,
            None => binding.context != Context::Prompt || !elsewhere,
        };
        let bindings = self.bindings.iter().enumerate();
        bindings
            .filter(|(_, binding)| binding.action == remap.action && meant(binding))
            .map(|(place, _)| place)
            .collect()
    }

    fn not_there(&self, number: usize, remap: &Remap) -> Mistake {
        let context = remap.context.unwrap_or(Context::Everywhere);
        let contexts: Vec<_> = self.contexts(remap.action).map(Context::name).collect();
        Mistake {
            remap: number,
            words: format!(
                "`{}` is nothing in `{}`; it is in {}",
                remap.action.name(),
                context.name(),
                contexts.join(", ")
            ),
        }
    }

    fn check_text(&self, place: usize, number: usize) -> Result<(), Mistake> {
        let binding = &self.bindings[place];
        let text = binding.keys.iter().find(|key| key.is_text());
        match text.filter(|_| binding.context == Context::Prompt) {
            None => Ok(()),
            Some(key) => Err(Mistake {
                remap: number,
                words: format!(
                    "`{key}` is text while typing and cannot be `{}` there; give it a key such as enter, esc, up, f5 or ctrl-x",
                    binding.action.name()
                ),
            }),
        }
    }

    /// One key does one thing in a context. Of two that were set, that is an
    /// error; one that was not gives its key up.
    fn resolve(&mut self, context: Context, set: &[Option<usize>]) -> Result<(), Mistake> {
        let works_here = |binding: &Binding| {
            context.layers().contains(&binding.context)
                || context.takes_replay() && binding.context == Context::Replay
        };
        for one in 0..self.bindings.len() {
            for other in 0..self.bindings.len() {
                let [a, b] = [&self.bindings[one], &self.bindings[other]];
                let meet = one != other && works_here(a) && works_here(b) && !hides(a, b);
                let Some(number) = set[one].filter(|_| meet) else {
                    continue;
                };
                let Some(key) = a.keys.iter().find(|key| b.keys.contains(key)).copied() else {
                    continue;
                };
                let spare = b.keys.iter().any(|key| !a.keys.contains(key));
                if set[other].is_none() && spare {
                    let taken = a.keys.clone();
                    self.bindings[other].keys.retain(|key| !taken.contains(key));
                    continue;
                }
                return Err(Mistake {
                    remap: number.max(set[other].unwrap_or(0)),
                    words: in_conflict(key, a, b, set[other].is_some()),
                });
            }
        }
        Ok(())
    }

    fn check_quit(&self, last: usize) -> Result<(), Mistake> {
        let lost = |words: String| Err(Mistake { remap: last, words });
        if self.key(Context::Everywhere, Action::Quit).is_none() {
            return lost("there is no way to quit; give `quit` a key".to_owned());
        }
        for (context, ways) in [
            (Context::Prompt, &[Action::Cancel, Action::Quit][..]),
            (Context::Help, &[Action::Close, Action::Help, Action::Quit]),
        ] {
            let event = |key: &Key| self.action(context, false, &key.event());
            let mut keys = self.here(context, false).flat_map(|binding| &binding.keys);
            if !keys.any(|key| event(key).is_some_and(|action| ways.contains(&action))) {
                let way = ways[0].name();
                return lost(format!(
                    "there is no way out of `{}`; give its `{way}` a key",
                    context.name()
                ));
            }
        }
        Ok(())
    }
}

/// Whether the one may have keys of the other: a window over all else, and what
/// stands in for it during a replay.
fn hides(one: &Binding, other: &Binding) -> bool {
    let help = |binding: &Binding| binding.context == Context::Help;
    let pauses = [Action::Pause, Action::PlayPause];
    help(one) != help(other) || pauses.contains(&one.action) && pauses.contains(&other.action)
}

fn in_conflict(key: Key, one: &Binding, other: &Binding, both: bool) -> String {
    let named = |binding: &Binding| {
        format!(
            "`{}` in `{}`",
            binding.action.name(),
            binding.context.name()
        )
    };
    let (one, other) = (named(one), named(other));
    if both {
        format!("`{key}` cannot be both {one} and {other}; give one of them another key")
    } else {
        format!(
            "`{key}` cannot be {one}: it is the only key of {other}; give that another one, or [] to do without"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<Key> {
        keys.iter().map(|key| key.parse().unwrap()).collect()
    }

    fn remap(context: Option<Context>, action: Action, names: &[&str]) -> Remap {
        Remap {
            context,
            action,
            keys: keys(names),
        }
    }

    fn of(keymap: &Keymap, context: Context, action: Action) -> Vec<Key> {
        let mut bindings = keymap.of(context);
        bindings.find(|b| b.action == action).unwrap().keys.clone()
    }

    fn mistake(remaps: &[Remap]) -> Mistake {
        Keymap::default().remapped(remaps).expect_err("a mistake")
    }

    #[test]
    fn the_default_keymap_has_no_conflict_with_itself() {
        let default = Keymap::default();
        let all: Vec<_> = default
            .bindings
            .iter()
            .map(|b| Remap {
                context: Some(b.context),
                action: b.action,
                keys: b.keys.clone(),
            })
            .collect();
        assert_eq!(default.clone().remapped(&all), Ok(default));
    }

    #[test]
    fn an_action_has_the_same_keys_wherever_it_is() {
        let remaps = [remap(None, Action::Up, &["up", "ctrl-e"])];
        let keymap = Keymap::default().remapped(&remaps).unwrap();
        for context in [Context::List, Context::Detail, Context::Help, Context::Text] {
            assert_eq!(of(&keymap, context, Action::Up), keys(&["up", "ctrl-e"]));
        }
        assert_eq!(of(&keymap, Context::Prompt, Action::Recall), keys(&["up"]));
    }

    #[test]
    fn one_context_can_differ_whichever_comes_first() {
        let one = remap(Some(Context::Detail), Action::Up, &["ctrl-e"]);
        let all = remap(None, Action::Up, &["ctrl-o"]);
        for remaps in [[one.clone(), all.clone()], [all, one]] {
            let keymap = Keymap::default().remapped(&remaps).unwrap();
            assert_eq!(of(&keymap, Context::Detail, Action::Up), keys(&["ctrl-e"]));
            assert_eq!(of(&keymap, Context::List, Action::Up), keys(&["ctrl-o"]));
        }
    }

    #[test]
    fn a_key_is_taken_from_a_default_that_has_another() {
        let remaps = [remap(None, Action::Find, &["/", "ctrl-f"])];
        let keymap = Keymap::default().remapped(&remaps).unwrap();
        let down = |context| of(&keymap, context, Action::PageDown);
        assert_eq!(down(Context::List), keys(&["pgdn"]));
        assert_eq!(
            down(Context::Text),
            keys(&["pgdn", "ctrl-f"]),
            "no find there"
        );
    }

    #[test]
    fn the_only_key_of_another_action_is_not_taken() {
        let error = mistake(&[remap(None, Action::Find, &["f"])]).to_string();
        assert_eq!(
            error,
            "`f` cannot be `find` in `main`: it is the only key of `filter-value` in `list`; give that another one, or [] to do without"
        );
        let given_up = [
            remap(None, Action::Find, &["f"]),
            remap(None, Action::FilterValue, &[]),
        ];
        assert!(Keymap::default().remapped(&given_up).is_ok());
    }

    #[test]
    fn one_key_for_two_actions_is_refused_across_the_layers_of_a_screen() {
        for (one, other) in [
            (Action::Bookmark, Action::Mute),
            (Action::Bookmark, Action::Filter),
            (Action::Bookmark, Action::Quit),
            (Action::PlayStep, Action::Quit),
        ] {
            let error = mistake(&[
                remap(None, one, &["ctrl-x"]),
                remap(None, other, &["ctrl-x"]),
            ]);
            assert_eq!(error.remap, 1);
            let words = error.to_string();
            assert!(words.starts_with("`ctrl-x` cannot be both"), "{words}");
        }
        let apart = [
            remap(None, Action::Bookmark, &["ctrl-x"]),
            remap(None, Action::Wire, &["ctrl-x"]),
        ];
        assert!(Keymap::default().remapped(&apart).is_ok());
    }

    #[test]
    fn there_is_always_a_way_out() {
        for (remaps, words) in [
            (vec![remap(None, Action::Quit, &[])], "no way to quit"),
            (
                vec![
                    remap(None, Action::Cancel, &[]),
                    remap(Some(Context::Prompt), Action::Quit, &[]),
                ],
                "no way out of `prompt`",
            ),
        ] {
            let error = mistake(&remaps).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn text_cannot_be_a_key_while_typing() {
        let error = mistake(&[remap(None, Action::Accept, &["x"])]).to_string();
        assert!(error.contains("`x` is text while typing"), "{error}");
        let quit = [remap(None, Action::Quit, &["X"])];
        let keymap = Keymap::default().remapped(&quit).unwrap();
        assert_eq!(
            of(&keymap, Context::Prompt, Action::Quit),
            keys(&["ctrl-c"])
        );
    }

    #[test]
    fn an_action_that_is_not_in_the_context_is_said_to_be_elsewhere() {
        let error = mistake(&[remap(Some(Context::Help), Action::Wire, &["x"])]);
        assert_eq!(
            error.to_string(),
            "`wire` is nothing in `help`; it is in detail"
        );
    }
}
