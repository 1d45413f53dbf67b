//! What an event of any format says.

/// What a stretch of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The answer.
    Text,
    /// What the model thinks before it answers.
    Thinking,
    /// Why it will not answer.
    Refusal,
    /// Arguments of a tool call, JSON in the end.
    ToolCall,
}

/// Tells the parts of an answer apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) choice: u32,
    /// Of parts of one kind in one choice.
    pub(super) index: u64,
}

/// Tokens as the server counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Of the prompt.
    pub input: Option<u64>,
    /// Of the answer, thinking included.
    pub output: Option<u64>,
}

impl Usage {
    /// Later reports replace earlier ones, each figure by itself.
    pub(super) fn update(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
    }
}

/// One thing that an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// More text of a part.
    Text { key: Key, text: String },
    /// The name of the tool that a part calls.
    Name { key: Key, name: String },
    /// The model.
    Model(String),
    /// Tokens.
    Usage(Usage),
    /// A choice ended.
    Finish { choice: u32, reason: String },
    /// The server gave up.
    Error(String),
    /// The answer is complete.
    End,
}

impl Piece {
    /// Whether it begins another answer where one is complete.
    pub(super) fn begins(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Name { .. })
    }
}
