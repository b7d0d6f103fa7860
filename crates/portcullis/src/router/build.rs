//! From routes to an axum router.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler as _;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use indexmap::IndexMap;
use portcullis_core::authz::{CredentialKind, Rule};
use tower::Layer as _;

use super::addresses::ready;
use super::api::Mount;
use super::around::Around;
use super::deprecation::say_below;
use super::limits::{bad_limits, of as rates_of, of_unmatched, settled};
use super::{Api, ApiError, ApiErrors, Document, Route, docs, path};
use crate::Problem;
use crate::enforcer::Gate;
use crate::policies::Asked;
use crate::protect::{Cors, Csp, Limits, Protect, Wrapped};
use crate::request::Voice;
use crate::route::{Asks, Caller, How, Label, RouteInfo, Verb, parameter_names};

impl Api<()> {
    /// Makes the axum router: every route behind its rule, its limits and `gate`. Neither database nor policies hear of
    /// what the routes ask for: `Portcullis::router` does that too.
    ///
    /// # Errors
    /// [`ApiErrors`]: everything that is wrong with the paths, so that nothing fails one by one.
    pub fn into_router(mut self, gate: Gate) -> Result<axum::Router, ApiErrors> {
        let errors = self.all_errors(&gate);
        if !errors.is_empty() {
            return Err(ApiErrors(errors));
        }
        know_permissions(&self);
        gate.know_routes(self.routes().map(RouteInfo::into_owned));
        self.say_what_is_here(&gate);
        let whole = (self.rates.clone(), self.addresses.clone());
        self.hand_down();
        self.hand_down_addresses("/");
        // Of everything but its own document, which is read from where all may be called.
        self.addresses.clone_from(&whole.1);
        let limits = self.limits;
        let router = docs::router(&self, &gate);
        let router = with_mounts(router, self.mounts, &gate, limits);
        let mut router = with_routes(router, self.routes, &gate, limits);
        if !self.dependencies.is_empty() {
            router = router.layer(Extension(self.dependencies));
        }
        let cors = self.cors.map(|cors| {
            gate.trust_origins(cors.trusted());
            cors.layer(&gate)
        });
        let unmatched =
            Protect::new(gate, Label::Unmatched, limits).limited(of_unmatched(&whole.0), ready(&whole.1));
        let below = from_fn_with_state(Arc::new(self.below), say_below);
        let router = router
            .method_not_allowed_fallback(method_not_allowed.layer(unmatched.clone()).layer(below.clone()))
            .fallback(not_found.layer(unmatched).layer(below));
        let router = Around::all(&self.around, router);
        Ok(match cors {
            Some(cors) => router.layer(cors),
            None => router,
        })
    }

    fn all_errors(&self, gate: &Gate) -> Vec<ApiError> {
        let mut errors = self.errors.clone();
        errors.extend(conflicts(self));
        errors.extend(undeclared(self, gate));
        errors.extend(nobodys_signatures(self, gate));
        errors.extend(bad_policies(self));
        errors.extend(not_provided(self));
        errors.extend(foreign_tags(self));
        errors.extend(bad_limits(self));
        errors.extend(self.bad_addresses());
        errors.extend(self.cors.iter().flat_map(Cors::errors).map(ApiError::Cors));
        if errors.is_empty() {
            let served = self
                .documents()
                .filter(|document| document.docs.openapi.is_some());
            errors.extend(served.flat_map(|document| docs::ambiguous_names(&document)));
        }
        errors
    }

    /// Lets the docs say what is honoured behind this gate, and how it is called there.
    fn say_what_is_here(&mut self, gate: &Gate) {
        let parts = self.parts.iter_mut().map(|part| &mut part.docs);
        for docs in std::iter::once(&mut self.docs).chain(parts) {
            if gate.authenticator().is_remote() {
                // The issuer's endpoint is elsewhere: a password typed here would go to whom it is none of the business of.
                docs.token_url = None;
            }
            if docs.server.is_none() {
                docs.server = gate.origin().map(|origin| origin.ascii_serialization().into());
            }
            docs.cookie = gate.cookies().session().to_owned().into();
            docs.api_key_header = gate.api_key_places().header().to_owned().into();
        }
        // Where nothing is honoured they keep to the type: no list would read "open".
        for route in &mut self.routes {
            let here = gate.kinds(route.guard.kinds);
            if here.iter().next().is_some() {
                route.guard.kinds = here;
            }
        }
    }
}

/// Adds the mounted routers, each behind its rule.
fn with_mounts(mut router: axum::Router, mounts: Vec<Mount>, gate: &Gate, limits: Limits) -> axum::Router {
    for mount in mounts {
        let wrapped = Wrapped {
            label: Label::Route(format!("{}/*", mount.prefix).into()),
            limits,
            voice: Voice::Problem,
            policies: asks_policies(&mount.guard.rule, &[]),
            csp: mount.csp,
            rates: rates_of(&mount.rates, &mount.prefix, &mount.guard),
            addresses: ready(&mount.addresses),
        };
        let protect = Protect::around(gate.clone(), wrapped);
        let inner = match limits.body > AXUMS_LIMIT {
            true => mount.router.layer(DefaultBodyLimit::disable()),
            false => mount.router,
        };
        let mounted = axum::Router::new().fallback_service(protect.layer(inner));
        router = router.nest_service(&mount.prefix, Around::all(&mount.around, mounted));
    }
    router
}

/// Adds the routes, those of one path together.
fn with_routes(router: axum::Router, routes: Vec<Route<()>>, gate: &Gate, limits: Limits) -> axum::Router {
    let mut by_path: IndexMap<String, MethodRouter> = IndexMap::new();
    let all_rates = settled(&routes);
    for (route, rates) in routes.into_iter().zip(all_rates) {
        let wrapped = Wrapped {
            label: Label::Route(route.path.as_str().into()),
            limits: Limits {
                body: route.body_limit.unwrap_or(limits.body),
                ..limits
            },
            voice: route.voice,
            policies: asks_policies(&route.guard.rule, &route.asks),
            csp: route.csp,
            rates,
            addresses: ready(&route.addresses),
        };
        let protect = Protect::around(gate.clone(), wrapped);
        let handler = match limits.body > AXUMS_LIMIT || route.body_limit > Some(AXUMS_LIMIT) {
            true => route.handler.layer(route.methods, DefaultBodyLimit::disable()),
            false => route.handler,
        };
        let mut handler = handler.protected(route.methods, &protect);
        if route.voice == Voice::OAuth {
            handler = handler.fallback(method_not_allowed.layer(protect));
        }
        let handler = Around::each(&route.around, handler);
        let merged = by_path
            .swap_remove(&route.path)
            .unwrap_or_default()
            .merge(handler);
        by_path.insert(route.path, merged);
    }
    by_path
        .into_iter()
        .fold(router, |router, (path, handlers)| router.route(&path, handlers))
}

/// Routes that take signed requests, where none can be verified.
fn nobodys_signatures(api: &Api, gate: &Gate) -> Vec<ApiError> {
    if gate.signatures().is_some() {
        return Vec::new();
    }
    let signed = api
        .routes()
        .filter(|route| route.kinds().accepts(CredentialKind::Signature));
    signed
        .map(|route| ApiError::NoKeys {
            method: route.verb().as_str().to_owned(),
            path: route.path().to_owned(),
        })
        .collect()
}

/// This library's own headings that other routes use.
fn foreign_tags(api: &Api) -> impl Iterator<Item = ApiError> {
    let of = |document: Document<'_, ()>| {
        let own = |tag: &&String| document.groups.get(*tag).is_some_and(|group| group.own);
        let others = document.routes.iter().filter(|route| !route.text.own);
        let tags = others.flat_map(|route| &route.text.tags).filter(own);
        tags.cloned().collect::<Vec<_>>()
    };
    let tags: BTreeSet<_> = api.documents().flat_map(of).collect();
    tags.into_iter().map(ApiError::Tag)
}

/// What handlers take and nobody provides.
fn not_provided(api: &Api) -> impl Iterator<Item = ApiError> {
    api.routes.iter().flat_map(|route| {
        let missing = route
            .needs
            .iter()
            .filter(|needed| !api.dependencies.has(**needed));
        missing.map(|needed| ApiError::NotProvided {
            method: route.method.as_str().to_owned(),
            path: route.path.clone(),
            name: needed.name,
        })
    })
}

/// Policies of pages that browsers would read otherwise than they are written.
fn bad_policies(api: &Api) -> impl Iterator<Item = ApiError> {
    let routes = api.routes.iter().filter_map(|route| route.csp.as_ref());
    let mounts = api.mounts.iter().filter_map(|mount| mount.csp.as_ref());
    let errors: BTreeSet<_> = routes.chain(mounts).filter_map(Csp::error).collect();
    errors.into_iter().map(ApiError::Csp)
}

/// Whether something that is decided for a route may be left to the policies.
fn asks_policies(rule: &Rule, asks: &[Asks]) -> bool {
    let mut found = !asks.is_empty();
    rule.each_action(&mut |_| found = true);
    found
}

/// What routes leave to policies that don't know it.
fn undeclared(api: &Api, gate: &Gate) -> Vec<ApiError> {
    let asked = Asked::by(api.routes());
    let policies = gate.policies();
    let actions = asked
        .actions
        .iter()
        .filter(|action| !policies.knows(action, None));
    let kinds = asked.kinds.iter();
    let on_kinds = kinds.flat_map(|kind| kind.actions.iter().map(|action| (*action, *kind)));
    let on_kinds = on_kinds.filter(|(action, kind)| !policies.knows(action, Some(kind)));
    let names: BTreeSet<String> = actions
        .map(|action| format!("the action {action}"))
        .chain(on_kinds.map(|(action, kind)| format!("the action {action} on {}", kind.name)))
        .collect();
    names.into_iter().map(ApiError::Undeclared).collect()
}

/// Gives every permission its bit before an account's permissions are first read: a name without a bit is left out
/// of what an account may do.
fn know_permissions(api: &Api) {
    for route in api.routes() {
        route.each_permission(&mut |permission| {
            (permission.id)();
        });
    }
}

/// The longest body that axum's own extractors take unless they are told otherwise: what a route takes is said by its limit alone.
const AXUMS_LIMIT: usize = 2_097_152;

async fn not_found() -> Problem {
    Problem::not_found()
}

/// The router adds `Allow`.
async fn method_not_allowed() -> Problem {
    Problem::new(
        http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path doesn't answer to that method; the Allow header names those it does",
    )
}

/// A mounted router answers at its prefix itself too, with and without a slash.
fn at_mounts(api: &Api) -> Vec<ApiError> {
    let routes = || api.routes().filter(|route| *route.verb() != Verb::Any);
    let mounts = api.mounts.iter().map(|mount| mount.prefix.as_str());
    mounts
        .flat_map(|prefix| routes().filter(move |route| route.path().trim_end_matches('/') == prefix))
        .map(|route| ApiError::Duplicate {
            method: route.verb().as_str().to_owned(),
            path: route.path().to_owned(),
        })
        .collect()
}

/// A resource is decided about for a known caller, and the path names it.
fn misplaced(route: &RouteInfo<'_>) -> Vec<ApiError> {
    let (method, path) = (route.verb().as_str(), route.path());
    let wrong = route.asks().iter().filter_map(|asks| match asks.how {
        _ if route.caller() != Caller::Required => Some(ApiError::NobodyKnown {
            method: method.to_owned(),
            path: path.to_owned(),
        }),
        How::One { parameter, .. } if !parameter_names(path).any(|name| name == parameter) => {
            Some(ApiError::Unnamed {
                method: method.to_owned(),
                path: path.to_owned(),
                parameter,
            })
        }
        _ if asks.action.privileged.needs_organization() && !route.rule().needs_organization() => {
            Some(ApiError::NoOrganization {
                method: method.to_owned(),
                path: path.to_owned(),
                action: asks.action.name(),
            })
        }
        How::One { .. } | How::Every => None,
    });
    wrong.collect()
}

fn conflicts(api: &Api) -> Vec<ApiError> {
    let routes: Vec<_> = api.routes().collect();
    let mut errors = at_mounts(api);
    for document in api.documents() {
        errors.extend(document.docs.paths().filter_map(|path| path::check(path).err()));
    }
    errors.extend(routes.iter().flat_map(misplaced));
    for (index, route) in routes.iter().enumerate() {
        for earlier in routes.iter().take(index) {
            let same_path = earlier.path() == route.path();
            let same_verb = earlier.verb() == route.verb();
            if same_path && (same_verb || *route.verb() == Verb::Any || *earlier.verb() == Verb::Any) {
                errors.push(ApiError::Duplicate {
                    method: route.verb().as_str().to_owned(),
                    path: route.path().to_owned(),
                });
            } else if path::ambiguous(earlier.path(), route.path()) {
                errors.push(ApiError::Ambiguous {
                    first: earlier.path().to_owned(),
                    second: route.path().to_owned(),
                });
            }
        }
    }
    errors
}
