//! How API keys begin, where they stand in a request, and how they are handled.

use std::time::Duration;

use portcullis_core::api_key::{Format, Settings};
use portcullis_identity::cookie;
use portcullis_identity::enforcer::Places;

use super::duration::days;
use super::form::{Form, number, span, text};
use super::reader::Reader;
use super::section::section;

section! {
    /// How API keys begin, where they stand in a request, and how they are handled.
    pub(crate) struct ApiKeys {
        /// How they are written.
        format: Format,
        /// Where they stand.
        places: Places,
        /// How many an account may have, and how their ends are dealt with.
        settings: Settings,
    }
    "api_keys.prefix" => format, prefix(&format),
        "what API keys begin with; a change makes earlier keys worthless",
        manual "what API keys begin with; a change makes every key made before worthless";
    "api_keys.environment" => format, environment(&format),
        "the word after the prefix, such as live or test; a change makes earlier keys worthless",
        manual "the word after it, such as `test`: a key of one environment is refused in the others";
    "api_keys.header" => places, header(),
        "header that API keys are taken from",
        manual "the header they are taken from, besides `Authorization: Bearer`";
    "api_keys.query_parameter" => places, query_parameter(&places),
        "query parameter that API keys are taken from too; addresses end up in logs",
        manual "a query parameter they are taken from too; addresses end up in logs, so none unless you must: routes never \
            see it, proxies and layers around the router do";
    "api_keys.per_account" => settings.per_account, number(1..=10_000),
        "how many API keys an account may have at once",
        manual "how many an account may have; revoke one to make another";
    "api_keys.overlap" => settings.overlap, span(Duration::ZERO..=Settings::LONGEST_OVERLAP),
        "how long the text of before is honoured after a rotation that doesn't say",
        manual "how long the former text of a key is honoured after a rotation that doesn't say; `0s` ends it at once";
    // It is looked once an hour: a shorter warning could come late.
    "api_keys.warning" => settings.warning, span(days(1)..=days(90)),
        "how long before the end of an API key its owner gets an e-mail";
}

impl ApiKeys {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self::declared(from)
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

// Each word is checked beside a good one, so that a fault is told at its own key.

fn prefix(beside: &Format) -> impl Form<Format> + use<> {
    let environment = beside.environment().to_owned();
    let parse = move |word: &str| Format::new(word, &environment).map_err(|error| error.to_string());
    text(parse, |format| format.prefix().to_owned())
}

fn environment(beside: &Format) -> impl Form<Format> + use<> {
    let prefix = beside.prefix().to_owned();
    let parse = move |word: &str| Format::new(&prefix, word).map_err(|error| error.to_string());
    text(parse, |format| format.environment().to_owned())
}

fn header() -> impl Form<Places> {
    let parse = |name: &str| Places::in_header(name).map_err(|error| error.to_string());
    text(parse, |places| places.header().to_owned())
}

fn query_parameter(beside: &Places) -> impl Form<Places> + use<> {
    let header = beside.clone();
    let parse = move |name: &str| {
        let both = header.clone().and_in_query(name);
        both.map_err(|error| error.to_string())
    };
    text(parse, |places| places.parameter().unwrap_or_default().to_owned())
}
