//! Writes what the reference pages take from the code.
//!
//! Each such part belongs to a test whose name ends in `_is_as_generated`: it compares, and writes instead when the
//! variable asks for it; the list of features belongs to its check in [`tidy`]. There is no second generator that could
//! disagree with a check.

use anyhow::{Result, bail};

use crate::stop::Stop;
use crate::tidy;
use crate::{process, workspace};

/// Runs the tests that know what the pages say, so that they write it.
///
/// # Errors
/// When there are arguments, when a page can't be written, or when one of the tests can't be built or finds its page's
/// marks missing.
pub(crate) fn run(stop: &Stop, arguments: &[String]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`cargo xtask docs` takes no `{argument}`: it writes every part");
    }
    tidy::write_features()?;
    let mut command = workspace::cargo();
    command
        .args(["nextest", "run", "--workspace", "-E", "test(/_is_as_generated$/)"])
        .env("PORTCULLIS_WRITE_DOCS", "1");
    process::run(stop, &mut command)
}
