//! The `WWW-Authenticate` header.

use std::fmt::Write as _;

use http::HeaderValue;

/// What a caller is asked for.
///
/// Source: RFC 6750 §3, RFC 9470 §3
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Challenge {
    error: Option<&'static str>,
    scope: Option<&'static str>,
    max_age: Option<u32>,
    acr: Option<&'static str>,
}

impl Challenge {
    pub(super) const NONE: Self = Self {
        error: None,
        scope: None,
        max_age: None,
        acr: None,
    };

    pub(super) const fn error(error: &'static str) -> Self {
        Self {
            error: Some(error),
            ..Self::NONE
        }
    }

    pub(super) const fn scope(scope: &'static str) -> Self {
        Self {
            error: Some("insufficient_scope"),
            scope: Some(scope),
            ..Self::NONE
        }
    }

    pub(super) const fn max_age(seconds: u32) -> Self {
        Self {
            error: Some("insufficient_user_authentication"),
            max_age: Some(seconds),
            ..Self::NONE
        }
    }

    pub(super) const fn acr(acr: &'static str) -> Self {
        Self {
            error: Some("insufficient_user_authentication"),
            acr: Some(acr),
            ..Self::NONE
        }
    }

    /// The header's value. A realm that can't stand in a quoted string is left out.
    pub(super) fn to_header(self, realm: Option<&str>) -> HeaderValue {
        let realm = realm.filter(|realm| quotable(realm)).unwrap_or("portcullis");
        let mut text = format!("Bearer realm=\"{realm}\"");
        if let Some(error) = self.error {
            let _ = write!(text, ", error=\"{error}\"");
        }
        if let Some(scope) = self.scope {
            let _ = write!(text, ", scope=\"{scope}\"");
        }
        if let Some(seconds) = self.max_age {
            let _ = write!(text, ", max_age=\"{seconds}\"");
        }
        if let Some(acr) = self.acr {
            let _ = write!(text, ", acr_values=\"{acr}\"");
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

fn quotable(realm: &str) -> bool {
    realm
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_never_breaks_out_of_its_quotes() {
        for (realm, shown) in [
            (Some("Blog, internal"), "Bearer realm=\"Blog, internal\""),
            (Some(""), "Bearer realm=\"\""),
            (None, "Bearer realm=\"portcullis\""),
            (Some("a\", error=\"x"), "Bearer realm=\"portcullis\""),
            (Some("a\\"), "Bearer realm=\"portcullis\""),
            (Some("a\r\nset-cookie: x"), "Bearer realm=\"portcullis\""),
            (Some("ä"), "Bearer realm=\"portcullis\""),
        ] {
            assert_eq!(Challenge::default().to_header(realm), shown, "{realm:?}");
        }
    }
}
