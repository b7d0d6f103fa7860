//! One route as it is registered: its rule, its handler, and what people are told of it.

use std::borrow::Cow;

use axum::routing::MethodRouter;
use http::Method;
use schemars::{Schema, SchemaGenerator};

use super::around::Around;
use crate::describe::{Needed, Operation};
use crate::protect::Csp;
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
    /// Whether the route is this library's own.
    pub(crate) own: bool,
    /// What parameters of the path are.
    pub(crate) parameters: Vec<Parameter>,
}

/// What a parameter of the path is, where the handler reads plain text.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: Cow<'static, str>,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A heading of the docs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) description: String,
    /// Whether it is this library's own.
    pub(crate) own: bool,
}

/// A registered handler, with all that is enforced and documented of it.
pub(crate) struct Route<S> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) guard: Guard,
    pub(crate) asks: Vec<Asks>,
    /// What the program must provide.
    pub(crate) needs: Vec<Needed>,
    pub(crate) handler: MethodRouter<S>,
    /// What goes around it, outside of its rule.
    pub(crate) around: Vec<Around>,
    pub(crate) document: fn(&mut Operation<'_>),
    pub(crate) text: Text,
    pub(crate) body_limit: Option<usize>,
    pub(crate) voice: Voice,
    /// What its pages may load and run.
    pub(crate) csp: Option<Csp>,
}
