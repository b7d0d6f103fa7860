//! Path parameters: read into a type, with a problem that says which one is wrong.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::errors::Place;
use super::{FieldErrors, check};
use crate::Problem;
use crate::describe::{Documented, Input, Operation};
use crate::plan::Plan;

/// Path parameters: one value, a tuple of values in order, or a struct by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Documented + Send + 'static> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let plan = super::plan::<T>()?;
        if plan.bounded()
            && let Ok(texts) = RawPathParams::from_request_parts(parts, state).await
        {
            wrong(&plan, &texts).done(())?;
        }
        let rejection = match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => return Ok(Self(value)),
            Err(rejection) => rejection,
        };
        let first = refuse(rejection)?;
        // Text that isn't UTF-8 is no text that could be checked.
        Err(match RawPathParams::from_request_parts(parts, state).await {
            Ok(texts) => first.named(&texts).with_all(wrong(&plan, &texts)).into(),
            Err(_) => first.into(),
        })
    }
}

/// What is wrong with the parameters of a path.
fn wrong(plan: &Plan, texts: &RawPathParams) -> FieldErrors {
    let texts: Vec<_> = texts.iter().collect();
    check::ordered(plan, &texts).into_errors(Place::Parameter)
}

/// What is wrong, or that the program is.
fn refuse(rejection: PathRejection) -> Result<FieldErrors, Problem> {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Err(Problem::internal(
            "a handler reads path parameters that its path doesn't have",
        ));
    };
    let (field, detail) = match failure.into_kind() {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => (key, expected(expected_type)),
        ErrorKind::ParseErrorAtIndex {
            index, expected_type, ..
        } => (index.to_string(), expected(expected_type)),
        ErrorKind::ParseError { expected_type, .. } => (String::new(), expected(expected_type)),
        ErrorKind::InvalidUtf8InPathParam { key } => (key, "expected UTF-8".to_owned()),
        ErrorKind::DeserializeError { key, .. } => (key, "this value is not accepted".to_owned()),
        ErrorKind::Message(_) => (String::new(), "this value is not accepted".to_owned()),
        kind => return Err(Problem::internal(kind)),
    };
    Ok(FieldErrors::of(field, "invalid", detail))
}

fn expected(kind: &str) -> String {
    format!("expected {kind}")
}

impl<T: Documented + 'static> Input for Path<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.checked::<T>();
        operation.path::<T>();
        operation.parameter_refusals();
    }
}
