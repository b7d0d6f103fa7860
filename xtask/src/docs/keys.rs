//! The table of configuration keys in `docs/operations.md`, made from the declarations of the server.

use anyhow::Result;

use crate::stop::Stop;
use crate::{process, workspace};

/// Writes the table. All packages are named, so that what `cargo xtask test` built is used again.
///
/// # Errors
/// When the server doesn't compile.
pub(super) fn write(stop: &Stop) -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["test", "--workspace", "--bins", "--quiet", "--"])
        .arg("the_manuals_table_is_what_is_declared")
        .env("PORTCULLIS_WRITE_DOCS", "1");
    process::run(stop, &mut command)
}
