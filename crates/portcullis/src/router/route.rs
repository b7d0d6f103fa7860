//! One route as it is registered: its rule, its handler, and what people are told of it.

use std::borrow::Cow;

use axum::routing::MethodFilter;
use http::Method;
use schemars::{Schema, SchemaGenerator};

use super::answering::Answering;
use super::around::Around;
use crate::describe::{Needed, Operation};
use crate::protect::{AddressList, Csp};
use crate::rates::RateLimit;
use crate::request::Voice;
use crate::route::{Asks, Guard, RouteInfo, Verb};

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
    /// That it is deprecated, in words.
    pub(crate) deprecated: Option<String>,
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
    pub(crate) handler: Answering<S>,
    /// The methods that axum calls it for.
    pub(crate) methods: MethodFilter,
    /// What goes around it, outside of its rule.
    pub(crate) around: Vec<Around>,
    pub(crate) document: fn(&mut Operation<'_>),
    pub(crate) text: Text,
    pub(crate) body_limit: Option<usize>,
    pub(crate) voice: Voice,
    /// The part of the API that it is described with, if that has a document of its own.
    pub(crate) part: Option<usize>,
    /// What its pages may load and run.
    pub(crate) csp: Option<Csp>,
    /// How often it may be called.
    pub(crate) rates: Vec<RateLimit>,
    /// From where.
    pub(crate) addresses: Vec<AddressList>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// With the handler's state.
    pub(super) fn with_state<S2: Clone + Send + Sync + 'static>(self, state: S) -> Route<S2> {
        Route {
            method: self.method,
            path: self.path,
            guard: self.guard,
            asks: self.asks,
            needs: self.needs,
            handler: self.handler.with_state(state),
            methods: self.methods,
            around: self.around,
            document: self.document,
            text: self.text,
            body_limit: self.body_limit,
            voice: self.voice,
            part: self.part,
            csp: self.csp,
            rates: self.rates,
            addresses: self.addresses,
        }
    }
}

impl<S> Route<S> {
    /// What is known of it.
    pub(crate) fn info(&self) -> RouteInfo<'_> {
        RouteInfo {
            verb: Verb::Method(self.method.clone()),
            path: Cow::Borrowed(&self.path),
            guard: self.guard,
            asks: Cow::Borrowed(&self.asks),
            limits: self.rates.iter().map(ToString::to_string).collect(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}
