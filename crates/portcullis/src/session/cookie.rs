//! The session cookie.
//!
//! `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`: the browser gives it to this host alone,
//! over TLS (or loopback), never to a script, and not with requests that other sites make, but for opening a link.

use std::time::Duration;

use http::HeaderValue;
use portcullis_core::defends;
use portcullis_core::session::Token;

/// Gives the browser the token.
pub(super) fn set(name: &str, token: &Token, lifetime: Duration) -> Option<HeaderValue> {
    defends!("T023");
    let text = format!(
        "{name}={}; Max-Age={}; {ATTRIBUTES}",
        *token.expose(),
        lifetime.as_secs()
    );
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes it back.
pub(super) fn clear(name: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("{name}=; Max-Age=0; {ATTRIBUTES}")).ok()
}

/// Source: RFC 6265bis §4.1.2, §4.1.3
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::checks;

    #[test]
    fn the_cookie_has_every_protection_and_no_domain() {
        checks!("T023");
        let token = Token::from_bytes([0; 32]);
        let value = set("__Host-portcullis", &token, Duration::from_secs(43_200)).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            format!(
                "__Host-portcullis=pcs_{}; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Lax",
                "A".repeat(43)
            )
        );
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(
            clear("__Host-portcullis").unwrap().to_str().unwrap(),
            "__Host-portcullis=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
    }
}
