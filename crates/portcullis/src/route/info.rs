//! What is known of a route: its rule, what it asks about resources, what it answers to.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::Method;
use portcullis_core::authz::{Kinds, PermissionRef, Rule};

use super::guarded::{Access, Caller};
use super::{Asks, path};

/// What a route answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// This one method alone.
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

/// What a route is called in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    /// A route's path as it was registered.
    Route(Arc<str>),
    /// No route matched. What the caller asked for is not logged.
    Unmatched,
}

impl Label {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Route(path) => path,
            Self::Unmatched => "-",
        }
    }
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

/// What is known of a route: the line of `authz.lock` as data.
#[derive(Clone)]
pub struct RouteInfo<'a> {
    pub(crate) verb: Verb,
    pub(crate) path: Cow<'a, str>,
    pub(crate) guard: Guard,
    pub(crate) asks: Cow<'a, [Asks]>,
    pub(crate) limits: Vec<String>,
    pub(crate) addresses: Vec<String>,
}

impl RouteInfo<'_> {
    /// The same, kept apart from the [`Api`](crate::Api) it was read from.
    pub fn into_owned(self) -> RouteInfo<'static> {
        RouteInfo {
            verb: self.verb,
            path: Cow::Owned(self.path.into_owned()),
            guard: self.guard,
            asks: Cow::Owned(self.asks.into_owned()),
            limits: self.limits,
            addresses: self.addresses,
        }
    }

    /// Whether a request of this method to this path, or to the path as it was registered, comes here unless
    /// another route is a better match.
    pub fn answers(&self, method: Option<&str>, path: Option<&str>) -> bool {
        let verb = match &self.verb {
            Verb::Any => true,
            Verb::Method(verb) => method.is_none_or(|method| verb.as_str().eq_ignore_ascii_case(method)),
        };
        verb && path.is_none_or(|asked| path::matches(&self.path, asked))
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

    /// How often it may be called, in words: `at most 5/minute by address`.
    pub fn limits(&self) -> &[String] {
        &self.limits
    }

    /// From which addresses it may be called, in words, where that is limited: `from 10.0.0.0/8`. Each of them must hold.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
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
