//! The Portcullis server.
mod config;
mod mail;
mod ui;
fn main() {}
