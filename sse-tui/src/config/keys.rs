//! The table `[keys]`: keys by action, and by action on one screen.

use std::borrow::Cow;

use clap::ValueEnum;
use toml::Spanned;
use toml::de::DeValue;

use super::{Fault, kind, nearest};
use crate::keymap::{Action, Context, Key, Keymap, Remap};

type Name<'a> = Spanned<Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn keymap(table: &Value<'_>) -> Result<Keymap, Fault> {
    let DeValue::Table(entries) = table.get_ref() else {
        let problem = "`keys` is a table, such as [keys] with find = [\"/\", \"ctrl-f\"] below it";
        return Err((table.span().start, problem.to_owned()));
    };
    // Where each remap stands in the text.
    let mut remaps: Vec<(usize, Remap)> = Vec::new();
    for (name, value) in entries {
        match value.get_ref() {
            DeValue::Table(actions) => {
                let context = context(name)?;
                for (name, value) in actions {
                    remaps.push(remap(Some(context), name, value)?);
                }
            }
            _ => remaps.push(remap(None, name, value)?),
        }
    }
    remaps.sort_by_key(|(at, _)| *at);
    let (places, remaps): (Vec<_>, Vec<_>) = remaps.into_iter().unzip();
    Keymap::default().remapped(&remaps).map_err(|mistake| {
        let at = places.get(mistake.remap).copied().unwrap_or_default();
        (at, mistake.to_string())
    })
}

fn context(name: &Name<'_>) -> Result<Context, Fault> {
    Context::from_str(name.get_ref(), false).map_err(|_| {
        let known: Vec<_> = Context::value_variants().iter().map(|c| c.name()).collect();
        let nearest = nearest(name.get_ref(), known.iter().map(String::as_str));
        (
            name.span().start,
            format!("`{}` is no screen{nearest}", name.get_ref()),
        )
    })
}

fn remap(
    context: Option<Context>,
    name: &Name<'_>,
    value: &Value<'_>,
) -> Result<(usize, Remap), Fault> {
    let at = name.span().start;
    let action = Action::from_str(name.get_ref(), false).map_err(|_| {
        let known: Vec<_> = Action::value_variants().iter().map(|a| a.name()).collect();
        let nearest = nearest(name.get_ref(), known.iter().map(String::as_str));
        (at, format!("`{}` is no action{nearest}", name.get_ref()))
    })?;
    let key = |value: &Value<'_>| match value.get_ref() {
        DeValue::String(text) => {
            let key = text.parse::<Key>();
            key.map_err(|error| (value.span().start, format!("`{}`: {error}", name.get_ref())))
        }
        other => Err((
            at,
            format!(
                "`{}` takes a key or a list of keys, in quotes, not {}",
                name.get_ref(),
                kind(other)
            ),
        )),
    };
    let keys = match value.get_ref() {
        DeValue::Array(keys) => keys.iter().map(key).collect::<Result<_, _>>()?,
        _ => vec![key(value)?],
    };
    let remap = Remap {
        context,
        action,
        keys,
    };
    Ok((at, remap))
}
