//! Query parameters: read into a type, with a problem that says which one is wrong.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::form;
use crate::Problem;
use crate::describe::{Documented, Input, Operation};

/// Query parameters, read strictly and checked by `T`'s schema.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Documented + 'static> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        form::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<T: Documented + 'static> Input for Query<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.checked::<T>();
        operation.query::<T>();
        operation.parameter_refusals();
    }
}
