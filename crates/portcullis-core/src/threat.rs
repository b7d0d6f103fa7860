//! Ties a threat of `docs/threats.md` to the line that defends against it and to the test that tries it.
//!
//! Both macros expand to nothing. `cargo xtask test` reads the sources and fails when a numbered threat has no
//! defending line or no checking test, or when a line names a threat that isn't listed.

/// Marks the line that defends against a numbered threat.
#[macro_export]
macro_rules! defends {
    ($id:literal) => {};
}

/// Marks the test that tries a numbered threat.
#[macro_export]
macro_rules! checks {
    ($id:literal) => {};
}
