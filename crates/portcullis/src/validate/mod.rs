//! Reads what a caller sent into types, and says what is wrong as a [`Problem`].
//!
//! Flow: form first (content type, size, UTF-8, syntax, duplicate members, depth), then what the type's schema asks (`plan`,
//! `check`), then the type itself. What only a handler can know of its fields it collects in [`FieldErrors`]. Each step
//! names everything that is wrong in one 422.
//!
//! Invariants: nothing is read twice in two ways: a member, parameter or header that comes twice is refused, text
//! that isn't UTF-8 is refused, never repaired (`T026`). What a caller sent isn't repeated in the answer's details.
//!
//! **Deliberately absent:** coercion: `"5"` in JSON is no number.

mod check;
mod errors;
mod form;
#[cfg(feature = "rich-text")]
mod html;
mod json;
mod members;
mod path;
mod query;
mod reply;
mod rules;
mod strict;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};
use http_body_util::{BodyExt as _, LengthLimitError};
use portcullis_core::defends;

pub use self::errors::FieldErrors;
pub use self::form::Form;
#[cfg(feature = "rich-text")]
pub use self::html::{CleanHtml, TooLong};
pub use self::json::Json;
pub use self::path::Path;
pub use self::query::Query;
#[doc(hidden)]
pub use self::reply::Kept;
pub use self::reply::{Accepted, Created, NoContent};
pub use self::rules::{rule, text_rule};
use crate::Problem;
use crate::describe::Documented;
use crate::enforcer::LateRefusal;
use crate::plan::Plan;
#[doc(hidden)]
pub use crate::plan::by_hand;

/// What the schema of `T` asks. A schema that can't be checked is refused when a router is made; whoever made none reads nothing.
fn plan<T: Documented + 'static>() -> Result<Arc<Plan>, Problem> {
    Plan::of::<T>(T::schema).map_err(Problem::internal)
}

/// Reads a body of one of the media types in `accepted`.
async fn read(request: Request, accepted: &[&str]) -> Result<Bytes, Problem> {
    expect_type(request.headers(), accepted)?;
    collect(request.into_body()).await
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    defends!("T032");
    let error = match body.collect().await {
        Ok(collected) => return Ok(collected.to_bytes()),
        Err(error) => error,
    };
    if let Some(LateRefusal(problem)) = cause(&error) {
        return Err(problem.clone());
    }
    Err(match cause::<LengthLimitError>(&error) {
        Some(_) => too_large(),
        None => Problem::bad_request("incomplete_body", "the body broke off before its end"),
    })
}

/// The answer to a body beyond the limit of its route.
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "the body is longer than this route accepts",
    )
}

/// What of this type is behind an error, if anything is.
fn cause<E: std::error::Error + 'static>(error: &axum::Error) -> Option<&E> {
    let error: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

fn expect_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!(
            "send the body as {} with one Content-Type header",
            accepted.join(" or ")
        ),
    ))
}

/// The body as text.
fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::bad_request("invalid_utf8", "the text must be valid UTF-8"))
}
