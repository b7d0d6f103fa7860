//! Query parameters: read into a type, with a problem that says which one is wrong.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::form;
use crate::Problem;
use crate::describe::{Documented, Input, Operation};

/// Query parameters, read strictly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        form::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<T: Documented> Input for Query<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.query::<T>();
        operation.parameter_refusals();
    }
}
