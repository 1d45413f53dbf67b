//! Where reports go.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

use super::Render;

/// A report format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people, on one screen.
    Text,
    /// Versioned, for programs.
    Json,
    /// The time series, a line for each sample.
    Csv,
    /// For CI.
    Junit,
    /// A page with charts.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Json, Self::Csv, Self::Junit, Self::Html];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Junit => "junit",
            Self::Html => "html",
        }
    }
}

/// A format and its file; without one it is for standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Which format.
    pub format: Format,
    /// Where to.
    pub file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("FORMAT=FILE lacks the file".to_owned()),
            Some((format, file)) => (format, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = Format::ALL.into_iter().find(|known| known.name() == format);
        let format = known.ok_or("a report format is text, json, csv, junit or html")?;
        Ok(Self { format, file })
    }
}

/// Opened destinations: what cannot be written is known before the run.
#[derive(Debug)]
pub struct Writer {
    files: Vec<(Format, PathBuf, File)>,
    stdout: Option<Format>,
}

impl Writer {
    /// Opens what `--output-format` and `--output` name. Text goes to standard
    /// output unless another format or a file takes its place.
    ///
    /// # Errors
    /// A format that is none of the report's, a file that cannot be written, two
    /// formats for one place.
    pub fn open<R: Render>(outputs: &[Output], file: Option<&Path>) -> Result<Self> {
        for output in outputs {
            ensure!(
                R::FORMATS.contains(&output.format),
                "this command has no report as {}: it has {}",
                output.format.name(),
                R::FORMATS
                    .iter()
                    .map(|format| format.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        let named = outputs.iter().filter_map(|output| output.file.as_deref());
        let mut named: Vec<_> = named.chain(file).collect();
        named.sort_unstable();
        if let Some(twice) = named.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("two reports for {}: give each a file", twice[0].display());
        }
        let mut unplaced = None;
        let mut files = Vec::new();
        for output in outputs {
            match &output.file {
                Some(path) => files.push((output.format, path.clone(), create(path)?)),
                None if unplaced.is_some() => {
                    bail!(
                        "two report formats for one place: give one of them a file (--output-format json=FILE)"
                    )
                }
                None => unplaced = Some(output.format),
            }
        }
        let format = unplaced.unwrap_or(Format::Text);
        let mut stdout = Some(format);
        if let Some(path) = file {
            files.push((format, path.to_owned(), create(path)?));
            stdout = None;
        }
        Ok(Self { files, stdout })
    }

    /// Whether a person sees the verdict on standard output.
    pub fn shows_text(&self) -> bool {
        self.stdout == Some(Format::Text)
    }

    /// Writes the report everywhere.
    pub fn write(self, report: &impl Render) -> Result<()> {
        for (format, path, mut file) in self.files {
            let written = file.write_all(render(report, format)?.as_bytes());
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        let Some(format) = self.stdout else {
            return Ok(());
        };
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(render(report, format)?.as_bytes())
            .and_then(|()| stdout.flush());
        match written {
            // Who reads it has seen enough, as with `| head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write to standard output"),
        }
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn render(report: &impl Render, format: Format) -> Result<String> {
    let text = match format {
        Format::Text => Some(report.text()),
        Format::Json => Some(report.json()? + "\n"),
        Format::Csv => report.csv(),
        Format::Junit => report.junit().transpose()?,
        Format::Html => report.html(),
    };
    text.with_context(|| format!("this report is not written as {}", format.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[test]
    fn a_format_may_have_a_file() {
        let json = Format::Json;
        let file = Some(PathBuf::from("a=b.json"));
        assert_eq!("json=a=b.json".parse(), Ok(Output { format: json, file }));
        assert_eq!(
            "json".parse(),
            Ok(Output {
                format: json,
                file: None
            })
        );
        for bad in ["", "xml", "json=", "xml=a"] {
            assert!(bad.parse::<Output>().is_err(), "{bad}");
        }
    }

    #[test]
    fn standard_output_takes_one_format() {
        let outputs = ["json".parse().unwrap(), "text".parse().unwrap()];
        assert!(Writer::open::<Report<'_>>(&outputs, None).is_err());
        let same = ["json=twice".parse().unwrap()];
        assert!(Writer::open::<Report<'_>>(&same, Some(Path::new("twice"))).is_err());
        let writer = Writer::open::<Report<'_>>(&outputs[..1], None).unwrap();
        assert_eq!(writer.stdout, Some(Format::Json));
        assert_eq!(
            Writer::open::<Report<'_>>(&[], None).unwrap().stdout,
            Some(Format::Text)
        );
    }
}
