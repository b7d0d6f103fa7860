//! The token without which a session cookie changes nothing.
//!
//! A browser attaches a cookie by itself; what a page of ours puts into a header it doesn't. So a request that changes
//! something and presents a session *cookie* must also present a token that only our pages can read: from the
//! cookie beside the session's, or from `GET /auth/csrf`. Credentials in headers need none.
//!
//! ```text
//! token = base64url(nonce(16) ‖ HMAC-SHA-256(key, nonce ‖ digest of the session's token))
//! key   = derived from the master key, for this alone
//! ```
//! Invariants: the token is bound to the session's *present* token: a login or a renewal changes it, and a cookie
//! that another host plants is good for nothing without that host knowing the session (`T048`). Each issue has a new
//! nonce, so compressed pages give nothing away (BREACH). The check reads the header alone, never the cookie.
//!
//! **Deliberately absent:** the token in a form's field or in the query. The enforcer reads no bodies, and an address
//! ends up in logs: a page without script that must change something by a session cookie is mounted behind its own
//! check, as the server's pages are.
//!
//! Source: OWASP Cross-Site Request Forgery Prevention, "Signed Double-Submit Cookie"

use aws_lc_rs::hmac;
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use portcullis_core::defends;
use portcullis_core::environment::Environment;
use portcullis_core::key::Sealer;
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;

use super::context::RequestContext;
use super::scheme::Carrier;
use super::{Gate, cross_site};
use crate::Problem;

/// The CSRF token of the caller's session, for a page that is rendered. Stands after the access rule in a handler's
/// parameters; a caller without a session is refused with 400.
#[derive(Clone)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// Its text, to be sent back in the header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…redacted…")
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::of(&parts.extensions)?;
        let Some(session) = context.session_token.get() else {
            return Err(Problem::bad_request(
                "no_session",
                "only a session has a CSRF token; other credentials need none",
            ));
        };
        let gate = &context.gate;
        Ok(Self(gate.csrf().issue(session, gate.environment())))
    }
}

impl crate::describe::Input for CsrfToken {}

/// Signs and verifies the tokens.
pub(crate) struct Signer(Vec<hmac::Key>);

impl Signer {
    pub(crate) fn new(sealer: &Sealer) -> Self {
        let keys = sealer.derive(PURPOSE).into_iter();
        Self(
            keys.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
                .collect(),
        )
    }

    /// A token for the session, signed by the current key.
    pub(crate) fn issue(&self, session: &Digest<SessionToken>, environment: &Environment) -> String {
        let nonce: [u8; NONCE] = environment.bytes();
        let tag = self.0.first().map(|key| hmac::sign(key, &signed(nonce, session)));
        let tag = tag.as_ref().map_or(&[][..], AsRef::as_ref);
        URL_SAFE_NO_PAD.encode([&nonce, tag].concat())
    }

    /// Whether it is a token of this session, under any key of the ring. The comparison takes the same time whatever
    /// it says.
    pub(crate) fn holds(&self, session: &Digest<SessionToken>, text: &[u8]) -> bool {
        let mut token = [0; NONCE + TAG];
        if text.len() != LENGTH || URL_SAFE_NO_PAD.decode_slice(text, &mut token) != Ok(token.len()) {
            return false;
        }
        let Some((nonce, tag)) = token.split_first_chunk::<NONCE>() else {
            return false;
        };
        let signed = signed(*nonce, session);
        self.0.iter().any(|key| hmac::verify(key, &signed, tag).is_ok())
    }
}

fn signed(nonce: [u8; NONCE], session: &Digest<SessionToken>) -> [u8; NONCE + 32] {
    let mut signed = [0; NONCE + 32];
    let (front, back) = signed.split_at_mut(NONCE);
    front.copy_from_slice(&nonce);
    back.copy_from_slice(session.as_bytes());
    signed
}

/// Lets the request pass unless its session came as a cookie, with an unsafe method and without the right token.
pub(super) fn check(
    carrier: Carrier,
    session: Option<&Digest<SessionToken>>,
    parts: &Parts,
    gate: &Gate,
) -> Result<(), Problem> {
    defends!("T048");
    let safe = cross_site::is_safe(&parts.method);
    let (Carrier::Cookie, Some(session), false) = (carrier, session, safe) else {
        return Ok(());
    };
    let mut sent = parts.headers.get_all(gate.cookies().csrf_header()).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Err(refused("csrf_token_missing", gate)),
        (Some(token), None) if gate.csrf().holds(session, token.as_bytes()) => Ok(()),
        _ => Err(refused("csrf_token_invalid", gate)),
    }
}

fn refused(code: &'static str, gate: &Gate) -> Problem {
    let cookies = gate.cookies();
    let (header, cookie) = (cookies.csrf_header(), cookies.csrf());
    Problem::forbidden(
        code,
        format!(
            "a change with a session cookie needs the session's CSRF token: send what the cookie {cookie} holds, or \
             what GET /auth/csrf answers, in the header {header}"
        ),
    )
}

/// What the keys are derived for.
const PURPOSE: &str = "csrf";

const NONCE: usize = 16;
const TAG: usize = 32;

/// How many characters a token has.
const LENGTH: usize = 64;

#[cfg(test)]
mod tests;
