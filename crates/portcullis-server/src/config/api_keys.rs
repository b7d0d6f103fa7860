//! How API keys begin, where they stand in a request, and how they are handled.

use std::time::Duration;

use portcullis_core::api_key::{Format, Settings};
use portcullis_identity::cookie;
use portcullis_identity::enforcer::Places;

use super::reader::Reader;

/// How API keys begin, where they stand in a request, and how they are handled.
#[derive(Debug, Clone)]
pub(crate) struct ApiKeys {
    /// How they are written.
    pub(crate) format: Format,
    /// Where they stand.
    pub(crate) places: Places,
    /// How many an account may have, and how their ends are dealt with.
    pub(crate) settings: Settings,
}

impl ApiKeys {
    pub(super) fn read(from: &mut Reader) -> Self {
        let standard = Format::default();
        // Each word is judged beside a good one, so that a fault is told at its own key.
        let prefix = from.text(
            "api_keys.prefix",
            standard.prefix().to_owned(),
            |text| word(Format::new(text, standard.environment()), text),
            Clone::clone,
        );
        let environment = from.text(
            "api_keys.environment",
            standard.environment().to_owned(),
            |text| word(Format::new(standard.prefix(), text), text),
            Clone::clone,
        );
        let places = from.text(
            "api_keys.header",
            Places::default(),
            |name| Places::in_header(name).map_err(|error| error.to_string()),
            |places| places.header().to_owned(),
        );
        let places_and_query = from.optional(
            "api_keys.query_parameter",
            |name| {
                places
                    .clone()
                    .and_in_query(name)
                    .map_err(|error| error.to_string())
            },
            |places| places.parameter().unwrap_or_default().to_owned(),
        );
        Self {
            format: Format::new(&prefix, &environment).unwrap_or(standard),
            places: places_and_query.unwrap_or(places),
            settings: settings(from),
        }
    }

    /// One header can't carry two things. The standard one of each is refused for the other anyway.
    pub(super) fn check_beside(&self, cookies: &cookie::Settings, from: &mut Reader) {
        let header = self.places.header();
        if from.is_set("api_keys.header") && header.eq_ignore_ascii_case(&cookies.csrf_header) {
            let says = format!("must not be {header}: cookies.csrf_header is this header too");
            from.fail("api_keys.header", says);
        }
    }
}

fn settings(from: &mut Reader) -> Settings {
    let mut settings = Settings::default();
    let days = |count: u64| Duration::from_secs(count * 86_400);
    settings.per_account = from.number("api_keys.per_account", settings.per_account, 1..=10_000);
    let longest = Settings::LONGEST_OVERLAP;
    settings.overlap = from.span("api_keys.overlap", settings.overlap, Duration::ZERO..=longest);
    // It is looked once an hour: a shorter warning could come late.
    settings.warning = from.span("api_keys.warning", settings.warning, days(1)..=days(90));
    settings
}

fn word(format: Result<Format, impl std::fmt::Display>, text: &str) -> Result<String, String> {
    format.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
