//! The Portcullis server.
mod config;
mod mail;
fn main() {}
