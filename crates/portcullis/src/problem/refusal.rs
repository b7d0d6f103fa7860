//! Whatever a service of `portcullis-core` refuses, as an answer: one way for all of them.

use http::StatusCode;
use portcullis_core::defends;
use portcullis_core::problem::{self, Details, Refusal, Status, Text};
use portcullis_core::session::Assurance;

use super::challenge::Challenge;
use super::{FieldError, Problem};
use crate::request;

/// Status, code and sentence are the refusal's own ([`Refusal::details`]). What is not told outside goes to the log, where it
/// must be seen by somebody.
impl<R: Refusal> From<R> for Problem {
    fn from(refusal: R) -> Self {
        defends!("T033");
        defends!("T037");
        let details = refusal.details();
        let trace = request::trace().map(tracing::field::display);
        match details.text {
            Text::Alarming if details.status == Status::Unavailable => {
                tracing::error!(trace, fault = %refusal, "store fault");
            }
            Text::Alarming => tracing::error!(trace, reason = %refusal, "internal error"),
            Text::Logged => tracing::info!(trace, reason = %refusal, "credential refused"),
            Text::Told | Text::Untold => {}
        }
        let sentence = match details.text {
            Text::Told => refusal.to_string(),
            Text::Logged | Text::Alarming | Text::Untold => general(details.status).to_owned(),
        };
        made(details, sentence)
    }
}

fn made(details: Details, sentence: String) -> Problem {
    let mut problem = Problem::new(status(details.status), details.code, sentence);
    let fields = details.fields.into_iter().map(|field| FieldError {
        field: field.pointer.to_owned(),
        code: field.code.into(),
        detail: field.text.into(),
    });
    problem.0.errors = fields.collect();
    problem.0.challenge = details.challenge.map(Challenge::from);
    problem.0.retry_after = details.retry_after;
    problem.0.attempt = details.on_record;
    problem.0.note = details.note;
    problem
}

const fn status(status: Status) -> StatusCode {
    match status {
        Status::BadRequest => StatusCode::BAD_REQUEST,
        Status::Unauthorized => StatusCode::UNAUTHORIZED,
        Status::Forbidden => StatusCode::FORBIDDEN,
        Status::NotFound => StatusCode::NOT_FOUND,
        Status::Conflict => StatusCode::CONFLICT,
        Status::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Status::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Status::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What is said outside of a refusal whose own sentence isn't, and of a problem that has none.
pub(super) const fn general(status: Status) -> &'static str {
    match status {
        Status::BadRequest => "the request can't be understood",
        Status::Unauthorized => "the credential is not valid; log in again",
        Status::Forbidden => "this is not allowed",
        Status::NotFound => "there is nothing here",
        Status::Conflict => "the present state doesn't allow it",
        Status::Unprocessable => "some fields are not accepted",
        Status::TooManyRequests => "too many requests; wait before the next",
        Status::Internal => "something went wrong; the trace id finds it in the log",
        Status::Unavailable => "not possible right now; try again in a moment",
    }
}

impl From<problem::Challenge> for Challenge {
    fn from(challenge: problem::Challenge) -> Self {
        match challenge {
            problem::Challenge::InvalidToken => Self::error("invalid_token"),
            problem::Challenge::InsufficientScope(Some(scope)) => Self::scope(scope),
            problem::Challenge::InsufficientScope(None) => Self::error("insufficient_scope"),
            problem::Challenge::Login {
                max_age,
                second_factor,
            } => Self::login(max_age, second_factor.then(|| Assurance::MultiFactor.acr())),
        }
    }
}
