//! How tokens are issued.

use std::time::Duration;

use portcullis_core::key::Algorithm;
use portcullis_core::token::Resource;

use super::duration;
use super::reader::Reader;

/// How tokens are issued.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// The algorithm of new keys.
    pub(crate) algorithm: Algorithm,
    /// How long a signing key signs.
    pub(crate) key_age: Duration,
    /// How long an access token is good.
    pub(crate) access_lifetime: Duration,
    /// How long a refresh token is good.
    pub(crate) refresh_lifetime: Duration,
    /// How long a used refresh token gives the same answer again.
    pub(crate) refresh_grace: Duration,
    /// How far clocks may differ.
    pub(crate) leeway: Duration,
    /// Whether access tokens carry roles and permissions.
    pub(crate) carry_permissions: bool,
    /// The applications elsewhere that tokens may be for.
    pub(crate) resources: Vec<Resource>,
}

impl Tokens {
    pub(super) fn read(from: &mut Reader) -> Self {
        let seconds = Duration::from_secs;
        let days = |count: u64| seconds(count * 86_400);
        let tokens = Self {
            algorithm: from.text(
                "tokens.algorithm",
                Algorithm::ES256,
                parse_algorithm,
                ToString::to_string,
            ),
            key_age: from.span("tokens.key_age", days(90), days(1)..=days(730)),
            access_lifetime: from.span("tokens.access_lifetime", seconds(15 * 60), seconds(10)..=days(1)),
            refresh_lifetime: from.span("tokens.refresh_lifetime", days(7), seconds(60)..=days(365)),
            refresh_grace: from.span("tokens.refresh_grace", seconds(10), Duration::ZERO..=seconds(300)),
            leeway: from.span("tokens.leeway", seconds(30), Duration::ZERO..=seconds(60)),
            carry_permissions: from.truth("tokens.carry_permissions", true),
            resources: from.list("tokens.resources", parse_resource, ToString::to_string),
        };
        if tokens.refresh_lifetime < tokens.access_lifetime {
            let access = duration::show(tokens.access_lifetime);
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
