//! A route for anybody.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::authz::{Kinds, Rule};

use crate::route::{Access, Caller, sealed};

/// Anybody may call; credentials are not looked at.
#[derive(Debug, Clone, Copy)]
pub struct Public;

impl sealed::Sealed for Public {}

impl Access for Public {
    const RULE: Rule = Rule::Public;
    const KINDS: Kinds = Kinds::of(&[]);
    const CALLER: Caller = Caller::Ignored;
}

impl<S: Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

impl crate::describe::Input for Public {}
