//! What an access token carries of its account, for services that verify without asking back.
//!
//! Here it is written only: where tokens are issued the database stays the check, and no claim adds to what it says.

use serde_json::{Map, Value};

use crate::token::jws::LONGEST_ISSUED;

/// The roles and permissions of an account as claims; `None` if no token could hold them, whatever signs it. Whether this
/// one does, the issuer says.
///
/// Source: RFC 9068 §2.2.3.1 (`roles`, `entitlements`)
pub fn carried(roles: &[String], permissions: &[String]) -> Option<Map<String, Value>> {
    // A name, its quotes and the comma after it; names of roles and permissions need no escapes.
    let length: usize = roles.iter().chain(permissions).map(|name| name.len() + 3).sum();
    if length > MOST_CARRIED {
        return None;
    }
    let mut claims = Map::new();
    claims.insert(ROLES.to_owned(), roles.into());
    claims.insert(ENTITLEMENTS.to_owned(), permissions.into());
    Some(claims)
}

/// What a token that is narrowed to `scopes` says of the permissions that its account has of them: nothing if it has all, or
/// else which. Whoever reads a scope as a permission where nothing more is said reads no more than these where it is.
///
/// Source: RFC 9068 §2.2.3.1 (`entitlements`)
pub fn entitled(scopes: &[String], held: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    if held.len() < scopes.len() {
        claims.insert(ENTITLEMENTS.to_owned(), held.into());
    }
    claims
}

/// As many bytes as base64url makes the longest token of.
const MOST_CARRIED: usize = LONGEST_ISSUED / 4 * 3;

pub(super) const ROLES: &str = "roles";
pub(super) const ENTITLEMENTS: &str = "entitlements";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_what_no_token_holds() {
        // Each name has three bytes around it.
        let mut names = vec!["n".repeat(MOST_CARRIED / 6 - 3); 6];
        names[0].push_str(&"n".repeat(MOST_CARRIED % 6));
        assert!(carried(&[], &names).is_some());
        assert!(carried(&names[..3], &names[3..]).is_some());
        names[0].push('n');
        assert!(carried(&[], &names).is_none());
        assert!(carried(&names[..3], &names[3..]).is_none());
    }

    #[test]
    fn a_narrowed_token_says_what_its_account_has_unless_that_is_all() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (held, said) in [
            (&["a:b", "c:d"][..], "{}"),
            (&["a:b"], r#"{"entitlements":["a:b"]}"#),
            (&[], r#"{"entitlements":[]}"#),
        ] {
            let claims = entitled(&names(&["a:b", "c:d"]), &names(held));
            assert_eq!(Value::Object(claims).to_string(), said);
        }
    }

    #[test]
    fn both_claims_are_there_even_if_they_are_empty() {
        let claims = carried(&[], &["posts:read".to_owned()]).unwrap();
        assert_eq!(
            Value::Object(claims).to_string(),
            r#"{"roles":[],"entitlements":["posts:read"]}"#
        );
    }
}
