//! Query parameters: read into a type, with a problem that says which one is wrong.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented, StatusCode as Code};
use aide::operation::ParamLocation;
use axum::extract::FromRequestParts;
use http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::form;
use crate::Problem;
use crate::schema;

/// Query parameters, read strictly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        form::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        schema::parameters::<T>(context, operation, ParamLocation::Query);
    }

    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<Code>, Documented)> {
        schema::parameter_problems()
    }
}
