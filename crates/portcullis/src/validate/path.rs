//! Path parameters: read into a type, with a problem that says which one is wrong.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::FieldErrors;
use crate::Problem;
use crate::describe::{Documented, Input, Operation};

/// Path parameters: one value, a tuple of values in order, or a struct by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(refuse)
    }
}

fn refuse(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Problem::internal("a handler reads path parameters that its path doesn't have");
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
        kind => return Problem::internal(kind),
    };
    let mut errors = FieldErrors::new();
    errors.push(field, "invalid", detail);
    errors.into()
}

fn expected(kind: &str) -> String {
    format!("expected {kind}")
}

impl<T: Documented> Input for Path<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.path::<T>();
        operation.parameter_refusals();
    }
}
