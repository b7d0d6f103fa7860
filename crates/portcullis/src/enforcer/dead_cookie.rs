//! A session cookie that is honoured no more goes out of the browser with whatever refusal its request meets.
//!
//! Nobody but us can take it out: scripts don't see it, and the browser would send it with every request until its end,
//! also beside a good credential, which is refused for the company. A good session stays where it is.

use std::sync::{Arc, Mutex};

use http::HeaderValue;
use http::request::Parts;
use portcullis_core::authn::{AuthenticationError, Credential};
use portcullis_core::authz::CredentialKind;
use portcullis_core::defends;
use portcullis_core::session::Token;

use super::unknown::Unknown;
use super::walk::Walk;
use crate::{cookie, host, request};

/// Takes the request's session cookie back with its answer, if it isn't honoured, or if there are several: of those no
/// more than one is ours.
pub(super) async fn take_back(parts: &Parts, unknown: &Unknown) {
    defends!("T087");
    let Some(walk) = Walk::of(&parts.extensions).filter(|_| unknown.is_refusal()) else {
        return;
    };
    let name = walk.gate.cookies().session();
    let mut values = cookie::values(&parts.headers, name);
    let dead = match (values.next(), values.next()) {
        (None, _) => false,
        (Some(_), Some(_)) => {
            defends!("T151");
            true
        }
        (Some(value), None) => unknown.is_of_a_dead_cookie() || is_dead(walk, value).await,
    };
    if dead {
        let host = host::of(&parts.headers, &parts.uri).ok().flatten();
        let path = walk.path.as_deref().unwrap_or("/");
        for cookie in walk.gate.cookies().clear_planted(host.as_deref(), path) {
            leave(cookie);
        }
    }
}

fn leave(cookie: HeaderValue) {
    request::leave(&Arc::new(Mutex::new(Some(cookie))));
}

/// Whether the session that a cookie names isn't honoured. Where sessions can't be judged, or aren't right now, it may be.
async fn is_dead(walk: &Walk, value: &[u8]) -> bool {
    let judge = walk.gate.authenticator();
    if !judge.kinds().accepts(CredentialKind::Session) {
        return false;
    }
    let Some(token) = std::str::from_utf8(value).ok().and_then(Token::parse) else {
        return true;
    };
    let judged = judge
        .authenticate(&Credential::Session(token), walk.client, walk.at)
        .await;
    matches!(judged, Err(AuthenticationError::Refused(_)))
}
