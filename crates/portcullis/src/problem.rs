//! Every refusal and failure as RFC 9457 "problem details": the one file where a reason becomes an answer.
//!
//! Invariants: nobody known is 401, known and not allowed is 403. Whatever was wrong with a credential, outside it
//! is one `invalid_token` (`T033`); the reason goes to the log. A fault of a store is 503 where waiting helps and 500
//! otherwise, without a word of what the database said (`T037`). A 401 always carries a challenge.
//!
//! **Deliberately absent:** a problem made of an error's text. Details are sentences of ours.

mod challenge;
mod denied;
#[doc(hidden)]
pub mod oauth;
mod refusal;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use portcullis_core::authz::{CredentialKind, Kinds};
use portcullis_core::defends;
use portcullis_core::problem::Status;
use schemars::JsonSchema;
use serde::Serialize;

use self::challenge::Challenge;
use self::refusal::general;
use crate::describe::{Operation, Output};
use crate::request::{self, Voice};

type Text = Cow<'static, str>;

/// An answer that says what is wrong: `application/problem+json`.
///
/// Source: RFC 9457 §3
#[derive(Debug, Clone)]
#[must_use]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: Text,
    detail: Text,
    errors: Vec<FieldError>,
    challenge: Option<Challenge>,
    accepted: Option<Kinds>,
    retry_after: Option<Duration>,
    attempt: bool,
    /// What the record says beside the detail, and nobody is told.
    note: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`/address/0/city`), or the name of a form, query or path parameter.
    pub field: String,
    /// A stable, machine-readable code.
    pub code: Text,
    /// What to do, for people.
    pub detail: Text,
}

impl Problem {
    /// A problem with this status, stable code, and sentence for people.
    pub fn new(status: StatusCode, code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            challenge: None,
            accepted: None,
            retry_after: None,
            attempt: false,
            note: None,
        }))
    }

    /// The same, and on record: with another status than 401 or 403 (these are recorded in any case), it still refuses a
    /// known caller what is beyond them, such as a permission that they ask for and haven't, or what is another's and looks
    /// like nothing; or anybody what they guess at, such as a mailed code. `GET /admin/api/v1/decisions/{trace}` tells it,
    /// and of a known caller the audit log.
    pub fn on_record(mut self) -> Self {
        self.0.attempt = true;
        self
    }

    /// 400: the request can't be understood.
    pub fn bad_request(code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 403: understood, and refused.
    pub fn forbidden(code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is nothing here, or nothing the caller may know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", general(Status::NotFound))
    }

    /// The same where it may be somebody else's, and whoever looks for it is on record: probing one's neighbours leaves
    /// traces.
    pub fn not_yours() -> Self {
        defends!("T176");
        Self::not_found().on_record()
    }

    /// 404: what the path names doesn't exist, and the caller may know that.
    pub fn unknown(code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: the present state doesn't allow it.
    pub fn conflict(code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: understood, and some fields aren't what they must be.
    pub fn unprocessable(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            general(Status::Unprocessable),
        );
        problem.0.errors = errors;
        problem
    }

    /// 429: too many requests; the next may come after `retry_after`.
    pub fn too_many(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            general(Status::TooManyRequests),
        )
        .retry_after(retry_after)
    }

    /// 429: a limit of the route is reached; the next may come after `retry_after`.
    pub(crate) fn rate_limited(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "more requests came than this route allows: wait as long as Retry-After says before the next",
        )
        .retry_after(retry_after)
    }

    /// 503: not now; the same request may succeed after `retry_after`.
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            general(Status::Unavailable),
        )
        .retry_after(retry_after)
    }

    /// 500: something that must not happen did. `reason` goes to the log only.
    pub fn internal(reason: impl fmt::Display) -> Self {
        defends!("T033");
        tracing::error!(trace = request::trace().map(tracing::field::display), %reason, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            general(Status::Internal),
        )
    }

    /// 401: a credential is needed, and none was presented.
    ///
    /// Source: RFC 6750 §3.1 (no error code where nothing was presented)
    pub fn authentication_required(accepted: Kinds) -> Self {
        let detail = format!("present a credential: {}", kinds(accepted));
        Self::new(StatusCode::UNAUTHORIZED, "authentication_required", detail).where_accepted(accepted)
    }

    /// 401: what was sent in the body to log in with isn't right.
    pub fn unauthenticated(code: impl Into<Text>, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 401: the credential isn't honoured. Why is nobody's business outside.
    ///
    /// Source: RFC 6750 §3.1
    pub fn invalid_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            general(Status::Unauthorized),
        )
        .challenged(Challenge::error("invalid_token"))
    }

    /// 401: a good credential may come, of a kind this route doesn't accept.
    pub(crate) fn credential_not_accepted(accepted: Kinds) -> Self {
        let detail = format!(
            "this kind of credential is not accepted here, only: {}",
            kinds(accepted)
        );
        Self::new(StatusCode::UNAUTHORIZED, "credential_not_accepted", detail)
            .challenged(Challenge::error("invalid_token"))
    }

    /// 400: the request's credentials can't be read one way only.
    ///
    /// Source: RFC 6750 §3.1
    pub(crate) fn invalid_credentials(code: &'static str, detail: impl Into<Text>) -> Self {
        Self::bad_request(code, detail).challenged(Challenge::error("invalid_request"))
    }

    /// The same problem with a `Retry-After`.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// The same problem of a route that accepts these kinds: its challenge names no other.
    pub(crate) fn where_accepted(mut self, accepted: Kinds) -> Self {
        self.0.accepted = Some(accepted);
        self
    }

    fn challenged(mut self, challenge: Challenge) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// The HTTP status that it is answered with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code that programs compare.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Its sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong with single fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

/// What is wrong (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Wire<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'a str,
    /// The HTTP status of the answer, repeated.
    status: u16,
    /// A stable, machine-readable code.
    code: &'a str,
    /// What is wrong and what to do, for people.
    detail: &'a str,
    /// Finds the request in the log and in the audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<uuid::Uuid>,
    /// What is wrong with single fields.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// Why a refusal was made, beside its answer: for the record, where nobody has made one.
#[derive(Debug, Clone)]
pub(crate) struct Reason {
    pub(crate) code: Text,
    pub(crate) detail: Text,
    /// It is [on record](Problem::on_record), whoever asked.
    pub(crate) attempt: bool,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Inner {
            status,
            code,
            detail,
            errors,
            challenge,
            accepted,
            retry_after,
            attempt,
            note,
        } = *self.0;
        let (status, media_type, body) = written(status, &code, &detail, &errors);
        let mut response = (status, body).into_response();
        if attempt || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            // Of several fields the first one tells more than that some are wrong.
            let (code, detail) = match errors.into_iter().next() {
                Some(FieldError { code, detail, .. }) => (code, detail),
                None => (code, detail),
            };
            let detail = match note {
                Some(note) => format!("{note}: {detail}").into(),
                None => detail,
            };
            let reason = Reason {
                code,
                detail,
                attempt,
            };
            response.extensions_mut().insert(reason);
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if challenge.is_some() || status == StatusCode::UNAUTHORIZED {
            let (challenge, realm) = (challenge.unwrap_or_default(), request::realm());
            for value in challenge.to_headers(status, accepted, &realm.unwrap_or_default()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

/// Status, media type and body in the form that the route's clients read.
fn written(
    status: StatusCode,
    code: &str,
    detail: &Text,
    errors: &[FieldError],
) -> (StatusCode, &'static str, Vec<u8>) {
    let trace_id = request::trace();
    let (status, media_type, body) = match request::voice() {
        Voice::Problem => {
            let wire = Wire {
                kind: "about:blank",
                title: status.canonical_reason().unwrap_or("Error"),
                status: status.as_u16(),
                code,
                detail,
                trace_id,
                errors,
            };
            (status, "application/problem+json", serde_json::to_vec(&wire))
        }
        Voice::OAuth => {
            let body = oauth::Body::of(status, detail.clone(), errors, trace_id);
            let status = oauth::status(status);
            (status, "application/json", serde_json::to_vec(&body))
        }
    };
    (status, media_type, body.unwrap_or_default())
}

/// In the docs every problem is the same answer, for any status that isn't named.
impl Output for Problem {
    fn answers(operation: &mut Operation<'_>) {
        operation.problem_answer("A problem");
    }
}

/// Rounded up: whoever comes back then is not refused again.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

fn kinds(accepted: Kinds) -> String {
    let names: Vec<_> = accepted.iter().map(CredentialKind::as_str).collect();
    if names.is_empty() {
        return "none that this server can verify".to_owned();
    }
    names.join(", ")
}
