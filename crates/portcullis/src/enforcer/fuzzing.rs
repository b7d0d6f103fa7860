//! The way of fuzz targets and their smoke tests to the private parsers. No part of the API.

use http::request::Parts;
use portcullis_core::access::{Credential, CredentialKind};
use portcullis_core::api_key::Format;

use super::scheme::{self, Found, KeyInQuery, Places};

/// The one credential that is read out of such a request: its kind, and its text as it stands there if it is kept.
pub fn credential(parts: &Parts, cookie: &str) -> Option<(CredentialKind, Option<String>)> {
    let (format, places) = (Format::default(), Places::default());
    let query = KeyInQuery::of(&parts.uri, &places, &format);
    let found = scheme::find_in(&parts.headers, query, cookie, (&format, &places));
    let Ok(Found::Credential(credential, _)) = found else {
        return None;
    };
    let text = match &credential {
        Credential::Jwt(token) => Some(token.0.to_owned()),
        Credential::Session(token) => Some(token.expose().to_string()),
        Credential::ApiKey(_) | Credential::Basic(_) => None,
    };
    Some((credential.kind(), text))
}
