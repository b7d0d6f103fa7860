//! What is logged.

use tracing_subscriber::EnvFilter;

use super::reader::Reader;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// In which form.
    pub(crate) format: Format,
    /// Which lines; a filter that parses.
    pub(crate) filter: String,
}

impl Log {
    pub(super) fn read(from: &mut Reader) -> Self {
        let format = from.text("log.format", Format::Text, parse_format, |format| {
            show_format(*format).to_owned()
        });
        let filter = from.text("log.filter", "info".to_owned(), parse_filter, Clone::clone);
        Self { format, filter }
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
