//! What an access token carries of its account, for services that verify without asking back.
//!
//! Here it is written only: where tokens are issued the database stays the judge, and no claim adds to what it says.

use serde_json::{Map, Value};

/// The roles and permissions of an account as claims; `None` if they would be longer than [`MOST_CARRIED`].
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

/// Whether a token can carry these scopes: they take [`MOST_CARRIED`] bytes at most.
pub fn holds_scopes(scopes: &[String]) -> bool {
    let length: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
    length <= MOST_CARRIED
}

/// How many bytes roles and permissions may take in a token: 8 KiB. A token is sent with every request, and the
/// servers on its way accept 16 to 32 KiB of headers.
pub const MOST_CARRIED: usize = 8 * 1024;

pub(super) const ROLES: &str = "roles";
pub(super) const ENTITLEMENTS: &str = "entitlements";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_the_longest_list() {
        // 64 names of 125 bytes, each with three bytes around it, are 8 KiB.
        let mut names = vec!["n".repeat(125); 64];
        assert!(carried(&[], &names).is_some());
        assert!(carried(&names[..32], &names[32..]).is_some());
        names[0].push('n');
        assert!(carried(&[], &names).is_none());
        assert!(carried(&names[..32], &names[32..]).is_none());
    }

    #[test]
    fn both_sides_of_the_longest_scopes() {
        let mut scopes = vec!["s".repeat(127); 64];
        assert!(holds_scopes(&scopes));
        scopes.push(String::new());
        assert!(!holds_scopes(&scopes));
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
