//! A problem of an OAuth endpoint in the words its clients read: `application/json` with `error`, whatever went wrong.
//!
//! Clients look at nothing else: one that finds neither this media type nor `error` tells its user that the server is
//! broken, or takes the body for a token. So what the layers around a handler refuse (a body too large, another media
//! type, a request too slow, no database) is said this way too.
//!
//! Source: RFC 6749 §5.2; §4.1.2.1 for the two codes that say it is the server

use std::borrow::Cow;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{FieldError, Text};

/// What went wrong at an OAuth endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OAuthError")]
pub struct Body {
    /// The error's code, as RFC 6749 §5.2 names it.
    error: &'static str,
    /// What to do, for people.
    error_description: Text,
    /// Finds the request in the log and in the audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<Uuid>,
}

impl Body {
    /// An error of the protocol.
    pub fn new(error: &'static str, description: Text, trace_id: Option<Uuid>) -> Self {
        Self {
            error,
            error_description: printable(description),
            trace_id,
        }
    }

    /// The body of any refusal that has no code of its own in the RFC.
    pub(super) fn of(
        status: StatusCode,
        detail: Text,
        errors: &[FieldError],
        trace_id: Option<Uuid>,
    ) -> Self {
        let text = match errors.first() {
            Some(first) => format!("{}: {}", first.field, first.detail).into(),
            None => detail,
        };
        Self::new(code(status), text, trace_id)
    }
}

/// The status of the answer: a faulty field is an invalid request like any other.
pub(super) fn status(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    }
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::FORBIDDEN => "access_denied",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    }
}

/// Only the characters that a description may have.
///
/// Source: RFC 6749 §5.2
fn printable(text: Text) -> Text {
    let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    if text.chars().all(allowed) {
        return text;
    }
    Cow::Owned(text.chars().filter(|c| allowed(*c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_allowed_characters() {
        assert_eq!(printable("a \"quoted\" \\ né\r\nx".into()), "a quoted  nx");
        assert_eq!(printable("plain".into()), "plain");
    }

    #[test]
    fn every_status_has_a_code_of_the_protocol() {
        for (status, expected) in [
            (400, "invalid_request"),
            (401, "invalid_client"),
            (403, "access_denied"),
            (405, "invalid_request"),
            (408, "invalid_request"),
            (413, "invalid_request"),
            (415, "invalid_request"),
            (422, "invalid_request"),
            (429, "temporarily_unavailable"),
            (500, "server_error"),
            (503, "temporarily_unavailable"),
        ] {
            assert_eq!(code(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
