//! The tests in a real browser: node's test runner drives Debian's Chromium against the server's binary.

use std::path::Path;

use anyhow::Result;

use crate::services::apt::Needed;
use crate::stop::Stop;
use crate::{node, workspace};

/// The browser, from Debian: the npm package brings none.
pub(crate) const CHROMIUM: Needed = Needed {
    program: "/usr/bin/chromium",
    package: "chromium",
};

/// Runs every test of the pages in a browser: `tests/browser/*.test.mjs`.
///
/// # Errors
/// When a package can't be installed or a test fails.
pub(crate) fn run(stop: &Stop, scratch: &Path) -> Result<()> {
    node::run_tests(stop, &workspace::root().join("tests/browser"), scratch)
}
