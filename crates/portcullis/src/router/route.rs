//! One route as it is registered: its rule, its handler, and what people are told of it.

use std::borrow::Cow;

use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::routing::MethodRouter;
use http::Method;
use schemars::{Schema, SchemaGenerator};

use crate::request::Voice;
use crate::route::{Asks, Guard};

/// What people are told of a route.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    /// The operation's name as it was given by hand.
    pub(crate) id: Option<Cow<'static, str>>,
    /// The handler's own name, if it has one.
    pub(crate) handler: Option<&'static str>,
    pub(crate) summary: Option<Cow<'static, str>>,
    pub(crate) description: Option<Cow<'static, str>>,
    pub(crate) tags: Vec<String>,
    /// What parameters of the path are.
    pub(crate) parameters: Vec<Parameter>,
}

/// What a parameter of the path is, where the handler reads plain text.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: Cow<'static, str>,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A registered handler, with all that is enforced and documented of it.
pub(crate) struct Route<S> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) guard: Guard,
    pub(crate) asks: Vec<Asks>,
    pub(crate) handler: MethodRouter<S>,
    pub(crate) document: fn(&mut GenContext) -> Operation,
    pub(crate) text: Text,
    pub(crate) body_limit: Option<usize>,
    pub(crate) voice: Voice,
}
