//! JSON in and out.

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use portcullis_core::defends;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::errors::{FieldErrors, Place, wrong_field};
use super::strict::{self, NotStrict};
use super::{check, members};
use crate::Problem;
use crate::describe::{Documented, Input, Operation, Output};

/// A JSON body, read strictly and checked by `T`'s schema; or a JSON answer with status 200.
///
/// What `#[schemars(length(…), range(…), regex(…), email, url, …)]` and [`rule`](crate::validate::rule) ask of `T` is asked of the
/// body, and everything that is wrong is in one 422.
///
/// Types whose fields carry rights say `#[serde(deny_unknown_fields)]`, so that a field nobody reads is refused.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Documented + 'static> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = super::read(request, &["application/json"]).await?;
        parse(super::utf8(&bytes)?).map(Self)
    }
}

/// A body that may be left out altogether: neither a content type nor a byte.
impl<S: Sync, T: DeserializeOwned + Documented + 'static> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if !request.headers().contains_key(CONTENT_TYPE) && request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

fn parse<T: DeserializeOwned + Documented + 'static>(text: &str) -> Result<T, Problem> {
    defends!("T026");
    strict::check(text).map_err(not_strict)?;
    let plan = super::plan::<T>()?;
    let wrong = || check::json(&plan, text).into_errors(Place::Body);
    if plan.bounded() {
        wrong().done(())?;
    }
    if text.trim_ascii_start().starts_with('[') && members::are_named_by::<T>() {
        let mut errors = FieldErrors::new();
        errors.push("", "wrong_type", "expected an object");
        return Err(errors.into());
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    // Once more, to say where it is wrong: noting the way to each value costs as much as reading it.
    let mut reader = serde_json::Deserializer::from_str(text);
    // The text is JSON, so whatever is wrong now is wrong with a field; serde_json calls a number that stands for an
    // enum a syntax error.
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let first = wrong_field(Place::Body, error.path(), &error.inner().to_string());
        first.with_all(wrong()).into()
    })
}

fn not_strict(why: NotStrict) -> Problem {
    match why {
        NotStrict::Syntax(error) => syntax(&error),
        NotStrict::Depth => Problem::bad_request("json_too_deep", "the JSON is nested too deeply"),
        NotStrict::Twice(pointer) => {
            let mut errors = FieldErrors::new();
            errors.push(pointer, "duplicate", "this field must come once");
            errors.into()
        }
    }
}

fn syntax(error: &serde_json::Error) -> Problem {
    Problem::bad_request(
        "invalid_json",
        format!(
            "the body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        ),
    )
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut bytes = Vec::with_capacity(256);
        if let Err(error) = serde_json::to_writer(&mut bytes, &self.0) {
            return Problem::internal(format_args!("an answer can't be written as JSON: {error}"))
                .into_response();
        }
        let mut response = Response::new(bytes.into());
        let content_type = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }
}

impl<T: Documented + 'static> Input for Json<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.checked::<T>();
        operation.body::<T>("application/json");
        operation.body_refusals();
    }
}

impl<T: Serialize + Documented> Output for Json<T> {
    fn answers(operation: &mut Operation<'_>) {
        operation.answer::<T>(StatusCode::OK, "application/json", "The answer");
    }
}
