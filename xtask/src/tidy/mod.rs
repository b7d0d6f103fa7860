//! What a compiler can't see: each file here holds one promise of the repository to what its sources say.
//!
//! A check is a function from the [`Tree`] of tracked files to [`Finding`]s, so that its tests can hand it a tree in
//! which the promise is broken.

mod alone;
mod changelog;
mod features;
mod length;
mod lints;
mod named;
mod rooms;
mod rust;
mod security;
mod slices;
mod threats;
mod tree;
mod types;
mod unfinished;

use std::fmt;

use anyhow::{Result, bail};

pub(crate) use self::features::write as write_features;
pub(crate) use self::slices::print as print_slices;
use crate::tidy::tree::Tree;
use crate::workspace;

/// Runs every check over the repository.
///
/// # Errors
/// When there is a finding; each is printed.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(workspace::root())?;
    let findings: Vec<_> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} finding(s) in {} files", tree.files().len()),
    }
}

const CHECKS: [fn(&Tree) -> Vec<Finding>; 11] = [
    threats::check,
    features::check,
    security::check,
    lints::check,
    rooms::check,
    slices::check,
    types::check,
    length::check,
    unfinished::check,
    alone::check,
    changelog::check,
];

/// A promise broken somewhere.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    path: String,
    line: Option<usize>,
    what: String,
}

impl Finding {
    fn file(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            what: what.into(),
        }
    }

    fn line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: Some(line),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

/// Where `word` stands in `text` with no e-mail, digit or underscore on either side.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let joined = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(joined) && !after.is_some_and(joined)
    })
}

/// The number of the line that the byte at `at` belongs to, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("env env_x xenv (env)", "env").collect::<Vec<_>>(), [0, 16]);
        assert_eq!(words("äenv env", "env").collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!([line_of("a\nb\n", 0), line_of("a\nb\n", 2)], [1, 2]);
    }
}
