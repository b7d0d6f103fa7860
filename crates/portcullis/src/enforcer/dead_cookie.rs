//! A session cookie that is honoured no more goes out of the browser with whatever refusal its request meets.
//!
//! Nobody but us can take it out: scripts don't see it, and the browser would send it with every request until its end,
//! also beside a good credential, which is refused for the company. A good session stays where it is.

use std::sync::{Arc, Mutex};

use http::HeaderMap;
use portcullis_core::authn::{AuthenticationError, Credential};
use portcullis_core::authz::CredentialKind;
use portcullis_core::defends;
use portcullis_core::session::Token;

use super::context::RequestContext;
use super::unknown::Unknown;
use crate::cookie;
use crate::host::Named;

/// Takes the request's session cookie back with its answer, if it isn't honoured, or if there are several: of those no
/// more than one is ours.
pub(super) async fn take_back(context: &RequestContext, headers: &HeaderMap, unknown: &Unknown) {
    defends!("T087");
    if !unknown.is_refusal() {
        return;
    }
    let name = context.gate.cookies().session();
    let mut values = cookie::values(headers, name);
    let dead = match (values.next(), values.next()) {
        (None, _) => false,
        (Some(_), Some(_)) => {
            defends!("T151");
            true
        }
        (Some(value), None) => unknown.is_of_a_dead_cookie() || is_dead(context, value).await,
    };
    if dead {
        let host = context.host.as_ref().ok().and_then(Named::as_deref);
        let path = context.path().unwrap_or("/");
        for cookie in context.gate.cookies().clear_planted(host, path) {
            context.leave(Arc::new(Mutex::new(Some(cookie))));
        }
    }
}

/// Whether the session that a cookie names isn't honoured. Where sessions can't be checked, or aren't right now, it may be.
async fn is_dead(context: &RequestContext, value: &[u8]) -> bool {
    let authenticator = context.gate.authenticator();
    if !authenticator.kinds().accepts(CredentialKind::Session) {
        return false;
    }
    let Some(token) = std::str::from_utf8(value).ok().and_then(Token::parse) else {
        return true;
    };
    let at = context.snapshot().at;
    let checked = authenticator
        .authenticate(&Credential::Session(token), context.client, at)
        .await;
    matches!(checked, Err(AuthenticationError::Refused(_)))
}
