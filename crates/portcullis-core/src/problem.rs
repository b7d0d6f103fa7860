//! How a refusal is told outside: said once, beside the reason itself.
//!
//! An operation answers `Result<T, E>`, and its `E` is a [`Refusal`]: its [`Display`](fmt::Display) is the sentence for people, its
//! [`Details`] the status, the stable code and what else an answer needs. `portcullis` makes problem+json of any of them, the
//! command line prints the sentence.
//!
//! A reason that outsiders must not learn says so ([`Text`]): it goes to the log, and outside stands a general sentence.
//!
//! Source: RFC 9457, RFC 9110 §15 (statuses)

use std::fmt;
use std::time::Duration;

/// Why something was refused, in words and as an answer.
pub trait Refusal: fmt::Display {
    /// How it is told.
    fn details(&self) -> Details;
}

/// The status of a refusal.
///
/// Source: RFC 9110 §15.5, §15.6; RFC 6585 §4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 400: the request can't be understood.
    BadRequest,
    /// 401: nobody known asks, or they must log in again.
    Unauthorized,
    /// 403: known, and not allowed.
    Forbidden,
    /// 404: there is no such thing, or none that the caller may know of.
    NotFound,
    /// 409: the present state doesn't allow it.
    Conflict,
    /// 422: understood, and some fields aren't what they must be.
    Unprocessable,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: something that must not happen did.
    Internal,
    /// 503: it can't be done now, and may be later.
    Unavailable,
}

/// What becomes of a refusal's sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// It is told to the caller, as it is.
    Told,
    /// It goes to the log as what happens every day; outside stands what the status says.
    Logged,
    /// It goes to the log as what an operator must see; outside stands what the status says.
    Alarming,
    /// Nothing is to be learnt from it; outside stands what the status says.
    Untold,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// A JSON pointer into the body, such as `/roles`.
    pub pointer: &'static str,
    /// A stable, machine-readable code.
    pub code: &'static str,
    /// What to do, for people.
    pub text: String,
}

/// What a caller must come back with.
///
/// Source: RFC 6750 §3.1, RFC 9470 §3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// Another credential: this one isn't honoured.
    InvalidToken,
    /// A credential that reaches further; to this scope, if one would do.
    InsufficientScope(Option<&'static str>),
    /// A login that is younger than so many seconds, or made with a second factor.
    Login {
        /// The greatest age of the login in seconds (RFC 9470 §3); `None` if any age will do.
        max_age: Option<u32>,
        /// Whether it takes a second factor.
        second_factor: bool,
    },
}

/// How a refusal is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Details {
    /// The HTTP status that the refusal is answered with.
    pub status: Status,
    /// A stable, machine-readable code.
    pub code: &'static str,
    /// What becomes of its sentence.
    pub text: Text,
    /// What is wrong with single fields.
    pub fields: Vec<Field>,
    /// What the caller must come back with.
    pub challenge: Option<Challenge>,
    /// When the same may succeed.
    pub retry_after: Option<Duration>,
    /// Whether it is on record although it is neither a 401 nor a 403: it refuses a known caller what is beyond them, or
    /// anybody what they guess at.
    pub on_record: bool,
    /// What the record says beside the sentence, and nobody is told: who refused, where it isn't this library.
    pub note: Option<String>,
}

impl Details {
    const fn new(status: Status, code: &'static str) -> Self {
        Self {
            status,
            code,
            text: Text::Told,
            fields: Vec::new(),
            challenge: None,
            retry_after: None,
            on_record: false,
            note: None,
        }
    }

    const fn general(status: Status, code: &'static str, text: Text) -> Self {
        Self::new(status, code).with_text(text)
    }

    /// 400: the request can't be understood.
    pub const fn bad_request(code: &'static str) -> Self {
        Self::new(Status::BadRequest, code)
    }

    /// 401: what was sent to log in with isn't right.
    pub const fn unauthenticated(code: &'static str) -> Self {
        Self::new(Status::Unauthorized, code)
    }

    /// 401: the credential isn't honoured. Why is nobody's business outside.
    pub const fn invalid_token() -> Self {
        Self::general(Status::Unauthorized, "invalid_token", Text::Logged).challenged(Challenge::InvalidToken)
    }

    /// 403: understood, and refused.
    pub const fn forbidden(code: &'static str) -> Self {
        Self::new(Status::Forbidden, code)
    }

    /// 403: who would give more than they have, or take from somebody above them.
    pub const fn beyond() -> Self {
        Self::forbidden("beyond_your_permissions")
    }

    /// 404: there is nothing here, or nothing that the caller may know of.
    pub const fn not_found() -> Self {
        Self::general(Status::NotFound, "not_found", Text::Untold)
    }

    /// 404: what was named doesn't exist, and the caller may know that.
    pub const fn unknown(code: &'static str) -> Self {
        Self::new(Status::NotFound, code)
    }

    /// 409: the present state doesn't allow it.
    pub const fn conflict(code: &'static str) -> Self {
        Self::new(Status::Conflict, code)
    }

    /// 422: one field isn't what it must be; `reason` says how.
    pub fn field(pointer: &'static str, code: &'static str, reason: &impl fmt::Display) -> Self {
        Self::invalid(vec![Field {
            pointer,
            code,
            text: reason.to_string(),
        }])
    }

    /// 422: these fields aren't what they must be.
    pub fn invalid(fields: Vec<Field>) -> Self {
        Self {
            fields,
            ..Self::general(Status::Unprocessable, "invalid_fields", Text::Untold)
        }
    }

    /// 429: the next may come after this time.
    pub const fn too_many(wait: Duration) -> Self {
        Self::general(Status::TooManyRequests, "too_many_requests", Text::Untold).retry_after(wait)
    }

    /// 429: a limit of one caller's own is reached.
    pub const fn rate_limited(wait: Duration) -> Self {
        Self::new(Status::TooManyRequests, "rate_limited").retry_after(wait)
    }

    /// 503: the same may succeed after this time.
    pub const fn unavailable(wait: Duration) -> Self {
        Self::general(Status::Unavailable, "unavailable", Text::Untold).retry_after(wait)
    }

    /// 500: something that must not happen did.
    pub const fn internal() -> Self {
        Self::general(Status::Internal, "internal", Text::Alarming)
    }

    /// The same, with what the caller must come back with.
    pub const fn challenged(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// The same, with when it may succeed.
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, with another fate of its sentence.
    pub const fn with_text(mut self, text: Text) -> Self {
        self.text = text;
        self
    }

    /// The same, with what the record says beside the sentence.
    pub fn noted(mut self, note: String) -> Self {
        self.note = Some(note);
        self
    }

    /// The same, on record.
    pub const fn on_record(mut self) -> Self {
        self.on_record = true;
        self
    }
}
