//! The parts of the docs that are made from the code, written anew.
//!
//! Each part stands between two comments of its page, and a test compares it with what would be written: a page that
//! was forgotten fails. What knows the code renders it, in a test of its crate; here that test is told to write.

mod keys;

use anyhow::{Result, bail};

use crate::stop::Stop;

/// Writes every part.
///
/// # Errors
/// When there are arguments, or a crate doesn't compile.
pub(crate) fn run(stop: &Stop, arguments: &[String]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`cargo xtask docs` takes no `{argument}`: it writes every part");
    }
    keys::write(stop)
}
