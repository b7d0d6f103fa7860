//! The way of fuzz targets and their smoke tests to the private parsers. No part of the API.

use http::request::Parts;
use portcullis_core::api_key::Format;
use portcullis_core::authn::Credential;
use portcullis_core::authz::CredentialKind;
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::key::{MasterKey, Sealer};
use portcullis_core::session::Token;

use crate::cookie::Cookies;
use crate::cookie_session::{Opened, Seal};
use crate::enforcer::csrf::Signer;
use crate::enforcer::scheme::{self, Found, KeyInQuery, Places};

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
        Credential::ApiKey(_) | Credential::ImportedKey(_) | Credential::Basic(_) => None,
    };
    Some((credential.kind(), text))
}

/// Identifier and password of what follows `Basic `.
pub fn basic(encoded: &[u8]) -> Option<(String, String)> {
    let pair = scheme::decode_basic(encoded)?;
    Some((
        pair.identifier.expose().to_owned(),
        pair.password.expose().to_owned(),
    ))
}

/// A master key of its own, and what is signed and sealed with it.
pub struct Keys {
    environment: Environment,
    sealer: Sealer,
    csrf: Signer,
    cookies: Cookies,
}

impl Keys {
    /// A key that only this one knows.
    pub fn new(environment: Environment) -> Self {
        let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
        Self {
            csrf: Signer::new(&sealer),
            cookies: Cookies::default(),
            environment,
            sealer,
        }
    }

    /// A CSRF token of the session.
    pub fn csrf_token(&self, session: &Token) -> String {
        self.csrf.issue(&session.digest(), &self.environment)
    }

    /// Whether the text is a CSRF token of the session.
    pub fn is_csrf_token(&self, session: &Token, text: &[u8]) -> bool {
        self.csrf.holds(&session.digest(), text)
    }

    /// The value of the cookie of a [`CookieSession`](crate::CookieSession) with this data; `None` if it doesn't fit.
    pub fn sealed_cookie(&self, json: &[u8], at: Timestamp) -> Option<String> {
        self.seal().text(json, at).ok()
    }

    /// The data in such a cookie.
    pub fn opened_cookie(&self, text: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        match self.seal().open(text, now) {
            Opened::Json { json, .. } => Some(json),
            Opened::Nothing | Opened::Refused => None,
        }
    }

    fn seal(&self) -> Seal<'_> {
        Seal {
            cookies: &self.cookies,
            sealer: &self.sealer,
            environment: &self.environment,
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}
