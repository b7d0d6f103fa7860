//! Identifiers with passwords that a route must refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::checks;

use super::cases::{Case, Headers};
use super::cast::{Cast, Held};
use super::route::Route;
use crate::PASSWORD;

/// What somebody with this name presents.
pub(super) fn hold(name: &str) -> Held {
    pair(name, PASSWORD)
}

fn pair(name: &str, password: &str) -> Held {
    Held {
        kind: CredentialKind::Basic,
        text: STANDARD.encode(format!("{name}:{password}")),
        csrf: String::new(),
    }
}

pub(super) fn header(encoded: &str) -> Headers {
    vec![("authorization", format!("Basic {encoded}"))]
}

/// Pairs of nobody, and good ones that another site's page sends.
pub(super) fn cases(cast: &Cast) -> Vec<Case> {
    checks!("T047");
    let Some(name) = &cast.subject.account.username else {
        return Vec::new();
    };
    let good = hold(name);
    let mut all = Vec::new();
    for (what, held) in [
        ("a wrong password", pair(name, "wrong")),
        ("an unknown name", pair("nobody-of-them", PASSWORD)),
        ("no password", pair(name, "")),
        ("no name", pair("", PASSWORD)),
    ] {
        let case = Case::new(format!("basic with {what}"), header(&held.text));
        all.push(case.on(accepts).about(&held.text));
    }
    for (what, encoded) in [
        ("no colon", STANDARD.encode(name)),
        ("no padding", format!("{}A", good.text.trim_end_matches('='))),
        ("a line break", STANDARD.encode(format!("{name}:{PASSWORD}\n"))),
        ("bytes that are no text", STANDARD.encode(b"\xff:\xff")),
    ] {
        let case = Case::new(format!("basic with {what}"), header(&encoded));
        all.push(case.refused_with(&[400]).about(&encoded));
    }
    for (place, from) in [
        ("another site", ("sec-fetch-site", "cross-site")),
        ("another host of the site", ("sec-fetch-site", "same-site")),
        ("an unknown place", ("sec-fetch-site", "sideways")),
        ("another origin", ("origin", "https://elsewhere.example")),
        ("a sandbox", ("origin", "null")),
    ] {
        let mut headers = header(&good.text);
        headers.push((from.0, from.1.to_owned()));
        let case = Case::new(format!("good basic from {place}"), headers).about(&good.text);
        all.push(case.with_changes().refused_with(&[403]).on(accepts));
    }
    all
}

fn accepts(route: &Route) -> bool {
    route.accepts(CredentialKind::Basic)
}
