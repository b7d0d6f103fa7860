//! One route and what is known of it.

use std::borrow::Cow;
use std::fmt;

use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::routing::MethodRouter;
use http::Method;
use portcullis_core::authz::{Kinds, PermissionRef, Rule};
use schemars::{Schema, SchemaGenerator};

use crate::enforcer::{Access, Caller};
use crate::protect::Voice;
use crate::resource::Asks;

/// What a route answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// One method.
    Method(Method),
    /// Every method: a mounted router.
    Any,
}

impl Verb {
    /// Its name in `authz.lock`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Method(method) => method.as_str(),
            Self::Any => "ANY",
        }
    }
}

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

/// The rule of a route as data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    pub(crate) rule: Rule,
    pub(crate) kinds: Kinds,
    pub(crate) caller: Caller,
}

impl Guard {
    pub(crate) const fn of<A: Access>() -> Self {
        Self {
            rule: A::RULE,
            kinds: A::KINDS,
            caller: A::CALLER,
        }
    }
}

/// A registered handler.
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

/// What is known of a route: the line of `authz.lock` as data.
#[derive(Clone)]
pub struct RouteInfo<'a> {
    pub(super) verb: Verb,
    pub(super) path: Cow<'a, str>,
    pub(super) guard: Guard,
    pub(super) asks: Cow<'a, [Asks]>,
}

impl RouteInfo<'_> {
    /// The same, kept apart from the [`Api`](crate::Api) it was read from.
    pub fn into_owned(self) -> RouteInfo<'static> {
        RouteInfo {
            verb: self.verb,
            path: Cow::Owned(self.path.into_owned()),
            guard: self.guard,
            asks: Cow::Owned(self.asks.into_owned()),
        }
    }

    /// Whether a request of this method to this path, or to the path as it was registered, comes here unless
    /// another route is a better match.
    pub fn answers(&self, method: Option<&str>, path: Option<&str>) -> bool {
        let verb = match &self.verb {
            Verb::Any => true,
            Verb::Method(verb) => method.is_none_or(|method| verb.as_str().eq_ignore_ascii_case(method)),
        };
        verb && path.is_none_or(|asked| super::path::matches(&self.path, asked))
    }

    /// What it answers to.
    pub fn verb(&self) -> &Verb {
        &self.verb
    }

    /// Its path, with `{parameters}`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is asked of the caller.
    pub fn rule(&self) -> &Rule {
        &self.guard.rule
    }

    /// What is asked about resources.
    pub fn asks(&self) -> &[Asks] {
        &self.asks
    }

    /// Calls `visit` with every permission that the route speaks of.
    pub fn each_permission(&self, visit: &mut dyn FnMut(&PermissionRef)) {
        self.guard.rule.each_permission(visit);
        self.asks.iter().for_each(|asks| asks.each_permission(visit));
    }

    /// Calls `visit` with every action that is left to the policies on the application as a whole.
    pub fn each_action(&self, visit: &mut dyn FnMut(&'static str)) {
        self.rule().each_action(visit);
        self.asks
            .iter()
            .for_each(|asks| asks.action.privileged.each_action(visit));
    }

    /// The kinds of credential that are read.
    pub fn kinds(&self) -> Kinds {
        self.guard.kinds
    }

    /// Whether a caller without a credential is refused.
    pub fn caller(&self) -> Caller {
        self.guard.caller
    }
}

/// All that is asked, as `authz.lock` writes it: `posts:write on Post:posts:edit`.
pub(crate) fn asked(rule: &Rule, asks: &[Asks]) -> String {
    let mut text = match rule {
        Rule::All(rules) | Rule::Any(rules) if rules.len() > 1 && !asks.is_empty() => format!("({rule})"),
        rule => rule.to_string(),
    };
    for asks in asks {
        text.push(' ');
        text.push_str(&asks.to_string());
    }
    text
}

impl fmt::Debug for RouteInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb.as_str(), self.path, self.guard.rule)
    }
}
