//! What is wrong with policies, and where.

use std::fmt;

use cedar_policy::ffi::DetailedError;

/// One thing that is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The file's name, as [`Source::name`](super::Source::name) says it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Everything that is wrong with a set of policies, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Flaw>);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, flaw) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{flaw}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// A file while it is read: turns places in its text into lines and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Place<'_> {
    /// The flaw at the byte `at` of the text.
    pub(super) fn flaw(self, at: usize, message: String) -> Flaw {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        Flaw {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
            message,
        }
    }

    /// The flaws in what the language says is wrong; `otherwise` is the place where it names none.
    pub(super) fn flaws(self, error: &DetailedError, otherwise: usize) -> Vec<Flaw> {
        let at = error
            .source_locations
            .first()
            .map_or(otherwise, |label| label.loc.start);
        let label = error
            .source_locations
            .first()
            .and_then(|label| label.label.as_deref());
        let mut message = error.message.clone();
        for more in label.into_iter().chain(error.help.as_deref()) {
            message.push_str("; ");
            message.push_str(more);
        }
        let mut flaws = vec![self.flaw(at, message)];
        for related in &error.related {
            flaws.extend(self.flaws(related, otherwise));
        }
        flaws
    }
}
