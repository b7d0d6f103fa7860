//! What is logged, and how a line of the log is written.

use tracing_subscriber::EnvFilter;

use super::form::text;
use super::reader::Reader;
use super::section::section;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One line for people to read.
    Text,
    /// One object a line.
    Json,
}

section! {
    /// What is logged.
    pub(crate) struct Log {}
    "log.format" => format: Format = Format::Text,
        text(parse_format, |format: &Format| show_format(*format).to_owned()),
        "form of a log line: text or json",
        manual "form of a log line: `text` or `json`";
    "log.filter" => filter: String = "info".to_owned(), text(parse_filter, Clone::clone),
        "what is logged, such as info or warn,portcullis=debug",
        manual "what is logged, such as `warn,portcullis=debug`";
}

impl Log {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self::declared(from)
    }
}

const fn show_format(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Json => "json",
    }
}

fn parse_format(text: &str) -> Result<Format, String> {
    [Format::Text, Format::Json]
        .into_iter()
        .find(|format| show_format(*format) == text)
        .ok_or_else(|| "must be text or json".to_owned())
}

fn parse_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("must be a level or a list such as warn,portcullis=debug".to_owned()),
    }
}
