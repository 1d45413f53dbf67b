//! Keys and values, taken one by one; what is left over is an error.

pub(super) fn unknown(given: &str, known: &[&str], problem: &str) -> String {
    let alike = known
        .iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match alike {
        Some((likeness, name)) if likeness > 0.8 => {
            format!("{problem} as {given:?}; did you mean {name:?}?")
        }
        _ => format!("{problem} as {given:?}; known are {}", known.join(", ")),
    }
}

/// The keys of one fault.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    left: Vec<(&'a str, &'a str)>,
    asked: Vec<&'static str>,
    twice: Option<&'a str>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(given: &'a [(String, String)]) -> Self {
        let left: Vec<_> = given
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let twice = left.iter().enumerate().find_map(|(index, (key, _))| {
            let before = &left[..index];
            before.iter().any(|(other, _)| other == key).then_some(*key)
        });
        let asked = Vec::new();
        Self { left, asked, twice }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a str> {
        self.asked.push(key);
        let index = self.left.iter().position(|(known, _)| *known == key)?;
        Some(self.left.remove(index).1)
    }

    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.take(key)
            .map(|text| parse(text).map_err(|problem| format!("{key}={text}: {problem}")))
            .transpose()
    }

    pub(super) fn needed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        self.optional(key, parse)?
            .ok_or_else(|| format!("it needs {key}=..."))
    }

    pub(super) fn finish(self) -> Result<(), String> {
        match (self.twice, self.left.first()) {
            (Some(key), _) => Err(format!("{key} is given twice")),
            (None, Some((key, _))) => Err(unknown(key, &self.asked, "there is no such key")),
            (None, None) => Ok(()),
        }
    }
}
