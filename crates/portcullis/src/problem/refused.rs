//! Why a credential isn't honoured, as an answer: one 401 whatever it was, but for good keys in the wrong place or pace.

use http::StatusCode;
use portcullis_core::authn::{AuthenticationError, Refused};

use super::Problem;
use crate::request;

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Refused(reason) => reason.into(),
            AuthenticationError::Hash(error) => error.into(),
            AuthenticationError::AddressNotAllowed { .. } => {
                tracing::info!(trace = request::trace().map(tracing::field::display), reason = %error, "credential refused");
                Self::forbidden(
                    "address_not_allowed",
                    "this API key may not be used from this address",
                )
            }
            AuthenticationError::RateLimited { after, .. } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "this API key is used more often than its limit allows; wait before the next request",
            )
            .retry_after(after),
            AuthenticationError::Fault(fault) => fault.into(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(reason: Refused) -> Self {
        tracing::info!(trace = request::trace().map(tracing::field::display), %reason, "credential refused");
        Self::invalid_token()
    }
}
