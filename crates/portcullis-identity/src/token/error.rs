//! Errors of the OAuth endpoints.
//!
//! Source: RFC 6749 §5.2

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use portcullis_core::login::LoginError;
use portcullis_core::token::{RefreshError, UnknownResource};

use crate::problem::oauth::Body;
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

/// An error of an OAuth endpoint: with a code of the protocol, or a problem that its route says in OAuth's form.
#[derive(Debug)]
pub(crate) enum OAuthError {
    Protocol {
        code: Code,
        description: Cow<'static, str>,
    },
    Problem(Problem),
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
            LoginError::Account(state) => Self::new(
                Code::InvalidGrant,
                format!("the account is {}{}", state.as_str(), state.way_out()),
            ),
            error @ (LoginError::InvalidScope | LoginError::ScopesTooLong) => {
                Self::new(Code::InvalidScope, error.to_string())
            }
            other => Self::Problem(other.into()),
        }
    }
}

impl From<UnknownResource> for OAuthError {
    fn from(unknown: UnknownResource) -> Self {
        Self::new(Code::InvalidTarget, unknown.to_string())
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

/// What isn't said in a word of the protocol's own is said in its form all the same.
impl From<Problem> for OAuthError {
    fn from(problem: Problem) -> Self {
        let first = problem.errors().first();
        // The RFC lets a client name several; a token for several is one that each could use at the others.
        if first.is_some_and(|error| error.field == "resource" && error.code == "duplicate") {
            return Self::new(
                Code::InvalidTarget,
                "name one resource: a token is for one application",
            );
        }
        Self::Problem(problem)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        match self {
            Self::Protocol { code, description } => {
                let body = Json(Body::new(code.as_str(), description, None));
                (StatusCode::BAD_REQUEST, body).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

answers!(OAuthError: 400 => Json<Body>);
