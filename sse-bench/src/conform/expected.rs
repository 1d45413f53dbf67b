//! Failures that are known, from a file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Names of checks that are known to fail.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeSet<String>);

impl Expected {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let at = || format!("--expected-failures {}", path.display());
        let text = std::fs::read_to_string(path).with_context(at)?;
        let names = text.lines().map(|line| {
            let name = line.split('#').next().unwrap_or_default();
            name.trim().to_owned()
        });
        Ok(Self(names.filter(|name| !name.is_empty()).collect()))
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// A name that no check has would never be found out to be stale.
    pub(crate) fn check_names<'a>(
        &self,
        known: &(impl Iterator<Item = &'a str> + Clone),
    ) -> Result<()> {
        let unknown = |name: &&String| known.clone().all(|known| known != **name);
        match self.0.iter().find(unknown) {
            Some(name) => bail!("--expected-failures: {name:?} is none of the checks of this run"),
            None => Ok(()),
        }
    }
}
