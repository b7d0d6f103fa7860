//! Fuzz targets: one for every parser that reads a credential or what a request claims.
//!
//! `cargo xtask fuzz` lists them, `cargo xtask fuzz <target> [seconds]` runs one. What must hold for every input is
//! in [`properties`]; the same functions run on random input among the tests of the crate `portcullis`.

pub mod properties;
