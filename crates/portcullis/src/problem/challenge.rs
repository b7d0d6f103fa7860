//! The `WWW-Authenticate` header: one for each scheme by which a caller can come back.

use std::fmt::Write as _;

use http::{HeaderValue, StatusCode};
use portcullis_core::authz::{CredentialKind, Kinds};

use crate::request::Realm;

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

    /// A login that must be fresher or surer. Both are asked for at once where both are missing.
    pub(super) const fn login(max_age: Option<u32>, acr: Option<&'static str>) -> Self {
        Self {
            error: Some("insufficient_user_authentication"),
            max_age,
            acr,
            ..Self::NONE
        }
    }

    /// The headers' values: `Bearer` first, and only schemes of the kinds that the route accepts, where they are
    /// known. `Basic` is asked for where another password may help: not where a newer login is needed, unless
    /// nothing else is accepted. Where nothing at all can be honoured, `Bearer` is named: a 401 must name something.
    ///
    /// Source: RFC 9110 §15.5.2
    pub(super) fn to_headers(
        self,
        status: StatusCode,
        accepted: Option<Kinds>,
        realm: &Realm,
    ) -> impl Iterator<Item = HeaderValue> {
        let accepts = |kind| accepted.is_some_and(|kinds| kinds.accepts(kind));
        let signature = status == StatusCode::UNAUTHORIZED
            && (accepts(CredentialKind::Signature) || accepts(CredentialKind::SignedUrl));
        let others = accepts(CredentialKind::Basic) || signature;
        let bearer = !others || BEARER.into_iter().any(accepts);
        let basic = status == StatusCode::UNAUTHORIZED
            && accepts(CredentialKind::Basic)
            && !(bearer && self.asks_for_login());
        let bearer = bearer.then(|| self.bearer(realm));
        let basic = basic.then(|| basic_challenge(realm)).flatten();
        let signature = signature.then(|| signature_challenge(realm)).flatten();
        bearer.into_iter().chain(basic).chain(signature)
    }

    /// Whether only a login by a person helps.
    const fn asks_for_login(self) -> bool {
        self.max_age.is_some() || self.acr.is_some()
    }

    fn bearer(self, realm: &Realm) -> HeaderValue {
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

/// Source: RFC 7617 §2, §2.1
fn basic_challenge(realm: &Realm) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")).ok()
}

/// There is no registered scheme for signatures; a 401 must name one (RFC 9110 §15.5.2).
fn signature_challenge(realm: &Realm) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Signature realm=\"{realm}\"")).ok()
}

/// The kinds that travel as `Authorization: Bearer`.
const BEARER: [CredentialKind; 3] = [
    CredentialKind::Jwt,
    CredentialKind::Session,
    CredentialKind::ApiKey,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portcullis_core::checks;
    use portcullis_core::session::Assurance;

    use super::*;

    /// Reads a challenge strictly: one scheme, then parameters as quoted strings, each once.
    ///
    /// Source: RFC 9110 §11.2, §11.6.1
    fn parameters(challenge: &str) -> BTreeMap<&str, &str> {
        let (scheme, rest) = challenge.split_once(' ').unwrap();
        assert_eq!(scheme, "Bearer");
        let mut all = BTreeMap::new();
        for part in rest.split(", ") {
            let (name, value) = part.split_once('=').unwrap();
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            let text = value
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap();
            assert!(!text.contains(['"', '\\', ',']), "{value}");
            assert!(all.insert(name, text).is_none(), "{name} stands twice");
        }
        all
    }

    /// Source: RFC 9470 §3
    #[test]
    fn a_step_up_challenge_has_the_grammar_of_its_rfc() {
        checks!("T078");
        let blog = Realm::parse("Blog").unwrap();
        for acr in [
            None,
            Some(Assurance::SingleFactor.acr()),
            Some(Assurance::MultiFactor.acr()),
        ] {
            for max_age in [None, Some(0), Some(300), Some(u32::MAX)] {
                let header = Challenge::login(max_age, acr).bearer(&blog);
                let asked = parameters(header.to_str().unwrap());
                assert_eq!(asked["error"], "insufficient_user_authentication");
                assert_eq!(asked["realm"], "Blog");
                // A non-negative integer, and values apart by spaces: here one without any.
                let age = asked.get("max_age").map(|text| text.parse::<u32>().unwrap());
                assert_eq!(age, max_age);
                assert_eq!(asked.get("acr_values").copied(), acr);
                assert!(acr.is_none_or(|text| text.bytes().all(|byte| byte.is_ascii_graphic())));
            }
        }
    }

    #[test]
    fn every_challenge_names_the_realm() {
        let realm = Realm::parse("Blog, internal").unwrap();
        let kinds = Kinds::of(&[CredentialKind::Jwt, CredentialKind::Basic]);
        let sent = Challenge::default().to_headers(StatusCode::UNAUTHORIZED, Some(kinds), &realm);
        assert_eq!(
            sent.collect::<Vec<_>>(),
            [
                "Bearer realm=\"Blog, internal\"",
                "Basic realm=\"Blog, internal\", charset=\"UTF-8\""
            ]
        );
    }

    #[track_caller]
    fn check(challenge: Challenge, status: u16, kinds: &[CredentialKind], expected: &[&str]) {
        let status = StatusCode::from_u16(status).unwrap();
        let realm = Realm::parse("r").unwrap();
        let sent = challenge.to_headers(status, Some(Kinds::of(kinds)), &realm);
        assert_eq!(sent.collect::<Vec<_>>(), expected, "{kinds:?}");
    }

    // Shows: PW-7
    #[test]
    fn only_schemes_that_the_route_accepts_are_named() {
        use CredentialKind::{ApiKey, Basic, Jwt, Session};
        let invalid = Challenge::error("invalid_token");
        let (bearer, basic) = (
            "Bearer realm=\"r\", error=\"invalid_token\"",
            "Basic realm=\"r\", charset=\"UTF-8\"",
        );
        check(invalid, 401, &[Basic], &[basic]);
        check(invalid, 401, &[Jwt, Basic], &[bearer, basic]);
        check(invalid, 401, &[ApiKey, Basic], &[bearer, basic]);
        for kind in [Jwt, Session, ApiKey] {
            check(invalid, 401, &[kind], &[bearer]);
        }
        // What a resource server answers on a route for passwords or sessions.
        check(invalid, 401, &[], &[bearer]);
        let signature = "Signature realm=\"r\"";
        check(invalid, 401, &[CredentialKind::Signature], &[signature]);
        check(invalid, 401, &[CredentialKind::SignedUrl], &[signature]);
        check(
            invalid,
            401,
            &[Jwt, CredentialKind::Signature],
            &[bearer, signature],
        );
        // Another password changes nothing about a missing permission.
        let scope = "Bearer realm=\"r\", error=\"insufficient_scope\", scope=\"a\"";
        check(Challenge::scope("a"), 403, &[Jwt, Basic], &[scope]);
        check(Challenge::scope("a"), 403, &[Basic], &[]);
        // Nor about the age of a login, but a 401 must name something.
        let newer = "Bearer realm=\"r\", error=\"insufficient_user_authentication\", max_age=\"5\"";
        check(Challenge::login(Some(5), None), 401, &[Jwt, Basic], &[newer]);
        check(Challenge::login(Some(5), None), 401, &[Basic], &[basic]);
    }
}
