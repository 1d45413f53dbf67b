//! Exit codes and which of them wins.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All that was asked for was seen.
    Pass,
    /// The stream broke a promise that was checked.
    Violated,
    /// The command line, or what it needs of this machine, is at fault.
    Usage,
    /// Neither proved nor refuted.
    Inconclusive,
    /// No event stream was ever opened.
    NeverReached,
    /// A threshold was breached.
    Threshold,
    /// Interrupted by the user; the report so far was printed.
    Interrupted,
}

impl Exit {
    /// From the first to win to the last. An interrupted run has no other result.
    const PRECEDENCE: [Self; 7] = [
        Self::Usage,
        Self::Interrupted,
        Self::NeverReached,
        Self::Violated,
        Self::Threshold,
        Self::Inconclusive,
        Self::Pass,
    ];

    /// The one that wins; [`Exit::Pass`] where there is none.
    pub fn of(findings: &[Self]) -> Self {
        Self::PRECEDENCE
            .into_iter()
            .find(|exit| findings.contains(exit))
            .unwrap_or(Self::Pass)
    }

    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Violated => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NeverReached => 4,
            Self::Threshold => 99,
            Self::Interrupted => 130,
        }
    }

    /// The verdict of a report.
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive | Self::Interrupted => "inconclusive",
            _ => "fail",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_fundamental_finding_wins() {
        use Exit::*;
        let chain = [
            (Pass, 0),
            (Inconclusive, 3),
            (Threshold, 99),
            (Violated, 1),
            (NeverReached, 4),
            (Interrupted, 130),
            (Usage, 2),
        ];
        let mut findings = vec![];
        assert_eq!(Exit::of(&findings).code(), 0);
        for (exit, code) in chain {
            findings.insert(0, exit);
            assert_eq!(Exit::of(&findings).code(), code);
            findings.rotate_left(1);
            assert_eq!(Exit::of(&findings).code(), code);
        }
    }
}
