//! The way of fuzz targets and their smoke tests to the private parsers. No part of the API.

use http::HeaderMap;
use portcullis_core::access::{Credential, CredentialKind};

use super::scheme::{self, Found};

/// The one credential that is read out of these headers: its kind, and its text as it stands there.
pub fn credential(headers: &HeaderMap, cookie: &str) -> Option<(CredentialKind, String)> {
    let Ok(Found::Credential(credential, _)) = scheme::find(headers, cookie) else {
        return None;
    };
    let text = match &credential {
        Credential::Jwt(token) => token.0.to_owned(),
        Credential::Session(token) => token.expose().to_string(),
    };
    Some((credential.kind(), text))
}
