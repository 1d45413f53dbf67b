//! What keys can ask for, and where. The names of both stand in configuration
//! files: that of `PageUp` is `page-up`.

use clap::ValueEnum;

/// What a key can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Show or hide the list of keys.
    #[value(name = "show-help")]
    Help,
    /// Give the terminal back to the shell until it says to go on.
    Suspend,
    /// Let the mouse work here, or leave it to the terminal.
    Mouse,
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
    #[value(name = "toggle-fold")]
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
    #[value(name = "show-text")]
    Text,
    /// Show the live panels.
    #[value(name = "show-panels")]
    Charts,
    /// Show the lints.
    #[value(name = "show-lints")]
    Lints,
    /// Show the audit of reconnects.
    #[value(name = "show-audit")]
    Audit,
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
    EndStream,
    /// Read one more stream.
    AddStream,
    /// Write the events listed to a file.
    Export,
}

impl Action {
    /// As it stands in a configuration file.
    pub fn name(self) -> String {
        name(&self)
    }
}

/// Where a key has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Context {
    /// On every screen, except while something is typed.
    Everywhere,
    /// In each pane of the main screen.
    Main,
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
    #[value(name = "panels")]
    Charts,
    /// While the lints are shown.
    Lints,
    /// While the audit of reconnects is shown.
    Audit,
    /// While a recording is played.
    Replay,
}

impl Context {
    /// As it stands in a configuration file.
    pub fn name(self) -> String {
        name(&self)
    }

    /// Heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Main => "main screen",
            Self::List => "list",
            Self::Detail => "detail",
            Self::Types => "types",
            Self::Streams => "streams",
            Self::Prompt => "while typing",
            Self::Help => "help",
            Self::Text => "text of a stream",
            Self::Charts => "live panels",
            Self::Lints => "lints",
            Self::Audit => "audit",
            Self::Replay => "replay",
        }
    }

    /// Whose keys work here, besides those of a replay: its own, then those of
    /// the screen that it is part of. What is typed is text, whatever the key
    /// means elsewhere.
    pub fn layers(self) -> &'static [Self] {
        match self {
            Self::Everywhere => &[Self::Everywhere],
            Self::Main => &[Self::Main, Self::Everywhere],
            Self::List => &[Self::List, Self::Main, Self::Everywhere],
            Self::Detail => &[Self::Detail, Self::Main, Self::Everywhere],
            Self::Types => &[Self::Types, Self::Main, Self::Everywhere],
            Self::Streams => &[Self::Streams, Self::Main, Self::Everywhere],
            Self::Prompt => &[Self::Prompt],
            Self::Help => &[Self::Help, Self::Everywhere],
            Self::Text => &[Self::Text, Self::Everywhere],
            Self::Charts => &[Self::Charts, Self::Everywhere],
            Self::Lints => &[Self::Lints, Self::Everywhere],
            Self::Audit => &[Self::Audit, Self::Everywhere],
            Self::Replay => &[Self::Replay],
        }
    }

    /// Whether the keys of a replay work here, before all others.
    pub fn takes_replay(self) -> bool {
        !matches!(self, Self::Prompt | Self::Help | Self::Replay)
    }
}

fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
