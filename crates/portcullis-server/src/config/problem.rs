//! What is wrong with the configuration: all of it at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it, so it is the default.
    Default,
    /// A line of a file.
    File {
        /// The file's path, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The variable of this name.
    Variable(String),
    /// The flag as it is typed.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where the value came from that is wrong.
    pub(crate) origin: Origin,
    /// The key, where the problem is about one.
    pub(crate) key: Option<String>,
    /// What, and what to do.
    pub(crate) says: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.key) {
            (Origin::Default, Some(key)) => write!(f, "{key}: {}", self.says),
            (origin, Some(key)) => write!(f, "{origin}: {key}: {}", self.says),
            (origin, None) => write!(f, "{origin}: {}", self.says),
        }
    }
}

/// Everything that is wrong. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a problem:")?,
            count => write!(f, "the configuration has {count} problems:")?,
        }
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}
