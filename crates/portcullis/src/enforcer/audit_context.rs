//! The circumstances of a request, for the audit log.

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;
use portcullis_core::audit::Context;
use portcullis_core::defends;
use portcullis_core::session::Device;
use portcullis_core::text::shown_up_to;

use super::context::RequestContext;
use crate::Problem;
use crate::cookie;

/// When, who, from where, with what: what every change is recorded with. Stands after the access rule in a
/// handler's parameters.
#[derive(Debug, Clone)]
pub struct AuditContext(pub Context);

impl AuditContext {
    /// The device at the other end, for opening a session.
    pub fn device(&self) -> Device {
        Device {
            user_agent: self.0.user_agent.clone(),
            ip: self.0.ip,
            name: None,
        }
    }
}

impl From<AuditContext> for Context {
    fn from(circumstances: AuditContext) -> Self {
        circumstances.0
    }
}

impl<S: Sync> FromRequestParts<S> for AuditContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::of(&parts.extensions)?;
        Ok(Self(context.signature(&context.snapshot())))
    }
}

impl crate::describe::Input for AuditContext {}

/// Whether the caller's session came as a cookie: whether there is a browser to be told something.
#[doc(hidden)]
pub struct ByCookie(pub bool);

impl<S: Sync> FromRequestParts<S> for ByCookie {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let gate = &RequestContext::of(&parts.extensions)?.gate;
        // A request has one credential: where this cookie is, it is the one.
        let mut found = cookie::values(&parts.headers, gate.cookies().session());
        Ok(Self(found.next().is_some()))
    }
}

impl crate::describe::Input for ByCookie {}

/// A user agent as it is recorded.
pub(super) fn printable(value: &HeaderValue) -> String {
    defends!("T141");
    let bytes = value.as_bytes();
    // A character has at most four bytes; a header may have many more.
    let read = bytes.get(..4 * USER_AGENT_LENGTH).unwrap_or(bytes);
    shown_up_to(&String::from_utf8_lossy(read), USER_AGENT_LENGTH)
}

/// The longest user agent that is recorded, in characters.
const USER_AGENT_LENGTH: usize = 256;
