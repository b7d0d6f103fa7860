//! How tokens are issued.

use std::time::Duration;

use portcullis_core::key::Algorithm;
use portcullis_core::token::{Resource, Settings};
use portcullis_identity::Builder;

use super::duration::{self, days, minutes, seconds};
use super::form::{flag, list, span, text};
use super::reader::Reader;
use super::section::section;

section! {
    /// How tokens are issued, and what signs them.
    pub(crate) struct Tokens {
        /// How tokens are issued.
        settings: Settings,
    }
    "tokens.algorithm" => algorithm: Algorithm = Algorithm::default(), text(parse_algorithm, ToString::to_string),
        "algorithm of new signing keys",
        manual "algorithm of new signing keys: `HS256`, `HS384`, `HS512`, `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`";
    "tokens.key_age" => key_age: Duration = Builder::KEY_AGE, span(days(1)..=days(730)),
        "how long a signing key signs before the next one does";
    "tokens.access_lifetime" => settings.access_lifetime, span(seconds(10)..=days(1)),
        "how long an access token is good";
    "tokens.refresh_lifetime" => settings.refresh_lifetime, span(minutes(1)..=days(365)),
        "how long a refresh token is good";
    "tokens.refresh_grace" => settings.refresh_grace, span(Duration::ZERO..=minutes(5)),
        "how long a used refresh token gives the same answer again",
        manual "for how long a used refresh token, whose successor was used as well, is merely refused; after that its \
            return ends the session. While its successor is unused it gives the same answer again, however late; late \
            ones are in the audit log as `token.refresh_repeated`";
    "tokens.leeway" => settings.leeway, span(Duration::ZERO..=minutes(1)),
        "how far clocks may differ";
    "tokens.carry_permissions" => settings.carry_permissions, flag(),
        "whether access tokens say which roles and permissions the account has",
        manual "whether access tokens say which roles and permissions the account has, for services that verify without \
            asking back ([detaching](detaching.md)); where the line `Authorization: Bearer …` would be longer than 8,000 \
            bytes, which many proxies and servers refuse, they are left out, with a warning in the log: about 180 \
            permissions of 26 characters fit";
    "tokens.resources" => settings.resources, list(parse_resource, ToString::to_string),
        "applications elsewhere that tokens may be for, such as [\"https://blog.example.com\"]",
        manual "applications elsewhere that tokens may be for, such as `[\"https://blog.example.com\"]`, in a variable \
            separated by spaces: absolute URIs without fragment, each the audience that the application insists on \
            ([detaching](detaching.md))";
}

impl Tokens {
    pub(super) fn read(from: &mut Reader) -> Self {
        let tokens = Self::declared(from);
        if tokens.settings.refresh_lifetime < tokens.settings.access_lifetime {
            let access = duration::show(tokens.settings.access_lifetime);
            from.fail(
                "tokens.refresh_lifetime",
                format!("must not be shorter than tokens.access_lifetime ({access})"),
            );
        }
        tokens
    }
}

fn parse_resource(text: &str) -> Result<Resource, String> {
    Resource::parse(text).map_err(|error| error.to_string())
}

fn parse_algorithm(text: &str) -> Result<Algorithm, String> {
    let signing = Algorithm::SIGNING;
    signing
        .into_iter()
        .find(|one| one.as_str() == text)
        .ok_or_else(|| {
            let names: Vec<&str> = signing.into_iter().map(Algorithm::as_str).collect();
            format!("must be one of {}", names.join(", "))
        })
}
