use serde_json::json;

use super::*;
use crate::token::claims::tests::{payload, sample};

#[test]
fn a_token_of_our_own_says_afar_what_it_says_at_home() {
    let mut claims = payload();
    claims["roles"] = json!(["editor"]);
    claims["entitlements"] = json!(["posts:read"]);
    let read = parse(claims.to_string().as_bytes()).unwrap();
    let home = sample();
    assert_eq!(read.issuer, home.issuer);
    assert_eq!(read.audience, home.audience);
    assert_eq!(read.subject, home.account.to_string());
    assert_eq!(read.id, home.id.to_string());
    assert_eq!(read.session, Some(home.session.to_string()));
    assert_eq!(read.issued_at, home.issued_at);
    assert_eq!(read.not_before, home.not_before);
    assert_eq!(read.expires_at, home.expires_at);
    assert_eq!(read.authenticated_at, Some(home.authenticated_at));
    assert_eq!(read.method, Some(home.method));
    assert_eq!(read.assurance, Some(home.method.assurance()));
    assert_eq!(read.scopes, None);
    assert_eq!(read.roles, ["editor"]);
    assert_eq!(read.permissions, Some(vec!["posts:read".to_owned()]));
}

#[test]
fn more_claims_than_anybody_reads_are_refused() {
    crate::checks!("T005");
    let many = |count: usize| {
        let mut claims = payload();
        // `stamp` and `client_id` have no meaning afar.
        for n in 2..count {
            claims[format!("x{n}")] = json!(n);
        }
        parse(claims.to_string().as_bytes())
    };
    assert!(many(MOST_OTHERS).is_ok());
    assert_eq!(many(MOST_OTHERS + 1), Err(InvalidToken::Malformed));
}
