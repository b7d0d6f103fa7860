//! An extractor of the program's own.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use portcullis_identity::docs::{Input, Operation};
use portcullis_identity::{JsonSchema, Problem, Query, schemars};
use serde::Deserialize;

/// Which part of a list somebody wants: a parameter of every handler that answers one.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
#[serde(default)]
pub struct Paging {
    /// How many to leave out.
    pub skip: usize,
    /// How many to show: 1 to 100.
    pub limit: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { skip: 0, limit: 20 }
    }
}

impl Paging {
    /// That part of a list.
    pub fn cut<T: Clone>(self, all: &[T]) -> Vec<T> {
        all.iter().skip(self.skip).take(self.limit).cloned().collect()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(paging) = Query::<Self>::from_request_parts(parts, state).await?;
        match paging.limit {
            1..=100 => Ok(paging),
            _ => Err(Problem::bad_request("invalid_limit", "limit goes from 1 to 100")),
        }
    }
}

impl Input for Paging {
    fn reads(operation: &mut Operation<'_>) {
        operation.query::<Self>();
    }
}
