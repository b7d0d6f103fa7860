//! The Portcullis server: one binary with SQLite inside.
//!
//! Flow: [`cli`] reads the command line, [`config`] reads everything else, [`start`] opens secrets and database and
//! composes a [`portcullis_identity::Portcullis`], and a command works on it; [`serve`] is the command without a name.
//!
//! **Deliberately absent:** rules. What somebody may do, what a password must be and when a session ends is decided
//! by the library; here are flags, files, pages and words.

mod cli;
mod config;
mod logging;
mod mail;
mod output;
mod serve;
mod start;
mod ui;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes and frees about fifty small things, which costs the C library's allocator a seventh of the request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
