//! Errors of the OAuth endpoints.
//!
//! Source: RFC 6749 §5.2

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use portcullis_core::session::LoginError;
use portcullis_core::token::{RefreshError, UnknownResource};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Json, Problem};

/// The error codes this server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// Wrong credentials, or a refresh token that isn't good.
    InvalidGrant,
    /// A grant type this server doesn't answer.
    UnsupportedGrantType,
    /// No such scope for this account.
    InvalidScope,
    /// The resource that the token should be for isn't one that is registered (RFC 8707 §2).
    InvalidTarget,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

/// An error of the token endpoint: OAuth's own form, or a problem where nothing of OAuth went wrong (503, 500).
#[derive(Debug)]
pub(crate) enum OAuthError {
    Protocol {
        code: Code,
        description: Cow<'static, str>,
    },
    Problem(Problem),
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OAuthError")]
pub(crate) struct Body {
    /// The error's code.
    error: &'static str,
    /// What to do, for people.
    error_description: Cow<'static, str>,
}

impl OAuthError {
    pub(crate) fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        Self::Protocol {
            code,
            description: description.into(),
        }
    }

    /// One answer for every way in which a refresh token isn't good.
    pub(crate) fn invalid_refresh() -> Self {
        Self::new(Code::InvalidGrant, "the refresh token is not valid; log in again")
    }
}

impl From<LoginError> for OAuthError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => Self::new(Code::InvalidGrant, "wrong username or password"),
            LoginError::Account(state) => {
                let way_out = crate::session::way_out(state);
                Self::new(
                    Code::InvalidGrant,
                    format!("the account is {}{way_out}", state.as_str()),
                )
            }
            LoginError::InvalidScope => Self::new(
                Code::InvalidScope,
                "none of the scopes asked for can be granted to this account",
            ),
            error @ LoginError::ScopesTooLong => Self::new(Code::InvalidScope, error.to_string()),
            other => Self::Problem(other.into()),
        }
    }
}

impl From<UnknownResource> for OAuthError {
    fn from(_: UnknownResource) -> Self {
        Self::new(Code::InvalidTarget, NO_SUCH_RESOURCE)
    }
}

impl From<UnknownResource> for Problem {
    fn from(_: UnknownResource) -> Self {
        Self::bad_request("invalid_target", NO_SUCH_RESOURCE)
    }
}

impl From<RefreshError> for OAuthError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid | RefreshError::Replayed(_) => Self::invalid_refresh(),
            RefreshError::Store(fault) => Self::Problem(fault.into()),
            RefreshError::Signing(error) => Self::Problem(Problem::internal(error)),
        }
    }
}

/// A form that can't be read is an invalid request; a limit or a fault stays the problem it is.
impl From<Problem> for OAuthError {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        if status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY {
            let field = problem.errors().first();
            // The RFC lets a client name several; a token for several is one that each could use at the others.
            if field.is_some_and(|error| error.field == "resource" && error.code == "duplicate") {
                return Self::new(
                    Code::InvalidTarget,
                    "name one resource: a token is for one application",
                );
            }
            let text = field.map_or_else(
                || problem.detail().to_owned(),
                |e| format!("{}: {}", e.field, e.detail),
            );
            Self::new(Code::InvalidRequest, text)
        } else {
            Self::Problem(problem)
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        match self {
            Self::Protocol { code, description } => {
                let description = printable(description);
                let body = Json(Body {
                    error: code.as_str(),
                    error_description: description,
                });
                (StatusCode::BAD_REQUEST, body).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

answers!(OAuthError: 400 => Json<Body>);

const NO_SUCH_RESOURCE: &str =
    "no such resource: name one that is registered here, to the letter, or none for a token for this server";

/// Only the characters RFC 6749 allows in `error_description`.
fn printable(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    if text.chars().all(allowed) {
        text
    } else {
        text.chars().filter(|c| allowed(*c)).collect::<String>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_allowed_characters() {
        assert_eq!(printable("a \"quoted\" \\ né\r\nx".into()), "a quoted  nx");
        assert_eq!(printable("plain".into()), "plain");
    }
}
