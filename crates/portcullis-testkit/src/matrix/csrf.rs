//! Good cookies from our own pages, without the token that belongs to them.

use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::checks;

use super::cases::{Case, bare_cookie};
use super::cast::{Cast, Held};

/// Refused by every route that reads sessions, where something is changed.
pub(super) fn cases(cast: &Cast) -> Vec<Case> {
    checks!("T048");
    let is_session = |held: &&Held| held.kind == CredentialKind::Session;
    let Some(held) = cast.good.iter().find(is_session) else {
        return Vec::new();
    };
    let others = cast.limited.iter().flat_map(|limited| &limited.held);
    let others = others.filter(is_session).map(|held| held.csrf.clone());
    let tokens = [
        ("no CSRF token", Vec::new()),
        ("an empty CSRF token", vec![String::new()]),
        ("a forged CSRF token", vec!["A".repeat(64)]),
        ("half a CSRF token", vec![held.csrf.chars().take(32).collect()]),
        ("its own text as CSRF token", vec![held.text.clone()]),
        ("two CSRF tokens", vec![held.csrf.clone(), held.csrf.clone()]),
        ("another session's CSRF token", others.take(1).collect()),
    ];
    let cases = tokens.into_iter().map(|(what, tokens)| {
        let mut headers = vec![
            bare_cookie(&held.text),
            ("sec-fetch-site", "same-origin".to_owned()),
        ];
        headers.extend(tokens.into_iter().map(|token| ("x-csrf-token", token)));
        let case = Case::new(format!("good cookie with {what}"), headers).about(&held.text);
        case.of_known_caller()
            .with_changes()
            .refused_with(&[403])
            .on(|route| route.accepts(CredentialKind::Session))
    });
    cases.collect()
}
