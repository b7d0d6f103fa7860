//! Limits of routes: what is said of them, what may be wrong with it, and what becomes of it.

use std::collections::HashSet;
use std::sync::Arc;

use portcullis_core::defends;

use super::route::Route;
use super::{Api, ApiError};
use crate::rates::{Named, RateLimit, Rates, unique_name};
use crate::route::{Caller, Guard};

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Limits how often the last route may be called. A second one counts beside the first: both must admit.
    pub fn rate_limit(self, limit: RateLimit) -> Self {
        self.last("rate_limit", |route| route.rates.push(limit))
    }

    /// Limits how often all of this may be called, together: every route, mounted router, and what answers where there is no
    /// route; the documents and what is below `/health/` are left out. A route's own limits are asked first. Of an API that is nested, it holds for
    /// the routes that the API has. Where a route lets anybody in unseen, whoever calls is counted by their address.
    pub fn rate_limit_all(mut self, limit: RateLimit) -> Self {
        self.rates.push(limit);
        self
    }

    /// Hands the limits of the whole to each route and mounted router, before they become another's.
    pub(super) fn hand_down(&mut self) {
        let whole = std::mem::take(&mut self.rates).into_iter();
        let names: Vec<_> = whole.map(|limit| limit.or_named(WHOLE)).collect();
        for route in self.routes.iter_mut().filter(|route| holds_for(&route.path)) {
            route.rates.extend(names.iter().cloned());
        }
        for mount in &mut self.mounts {
            mount.rates.extend(names.iter().cloned());
        }
    }
}

/// Whether the limits of a whole API hold for the route at this path. Health is asked by whoever starts and stops servers, often
/// from one address for all of them.
pub(crate) fn holds_for(path: &str) -> bool {
    !path.starts_with("/health/")
}

/// All that is wrong with the limits, and with where they stand.
pub(super) fn bad_limits<S>(api: &Api<S>) -> Vec<ApiError> {
    defends!("T249");
    let whole = api
        .rates
        .iter()
        .flat_map(RateLimit::errors)
        .map(|why| ApiError::RateLimit {
            place: "the whole API".to_owned(),
            why,
        });
    let mut errors: Vec<_> = whole.collect();
    for mount in &api.mounts {
        let of_mount = mount.rates.iter().flat_map(RateLimit::errors);
        errors.extend(of_mount.map(|why| ApiError::RateLimit {
            place: mount.prefix.clone(),
            why,
        }));
    }
    for route in &api.routes {
        let place = || format!("{} {}", route.method, route.path);
        let of_route = route.rates.iter().flat_map(RateLimit::errors);
        let misplaced = route
            .rates
            .iter()
            .filter_map(|limit| misplaced(limit, &route.guard));
        errors.extend(
            of_route
                .chain(misplaced)
                .map(|why| ApiError::RateLimit { place: place(), why }),
        );
    }
    errors.dedup();
    errors
}

/// A route's own limit that goes by whom nobody looks at.
fn misplaced(limit: &RateLimit, guard: &Guard) -> Option<String> {
    if limit.is_handed_down() {
        return None;
    }
    let says = match () {
        () if limit.asks_for_caller() && guard.caller == Caller::Ignored => {
            "lets anybody in unseen: limit it by address, or begin with `_: OptionalAuth` or `_: Allow<…>`"
        }
        () if limit.asks_for_organization() && !guard.rule.needs_organization() => {
            "selects no organization: begin with `_: Allow<Member>`, or limit it by user"
        }
        () => return None,
    };
    Some(format!("{limit}: the route {says}"))
}

/// The limits of each route, in its order; their names are unique.
pub(super) fn settled(routes: &[Route<()>]) -> Vec<Option<Arc<Rates>>> {
    let mut taken = HashSet::from([WHOLE.to_owned()]);
    let settle = |route: &Route<()>| {
        if route.rates.is_empty() {
            return None;
        }
        let name = unique_name(route.method.as_str(), &route.path, &mut taken);
        of(&route.rates, &name, &route.guard)
    };
    routes.iter().map(settle).collect()
}

/// The limits of a route or mounted router, under this name where they have none.
pub(super) fn of(limits: &[RateLimit], name: &str, guard: &Guard) -> Option<Arc<Rates>> {
    let named = limits.iter().enumerate().map(|(index, limit)| match index {
        0 => Named::new(limit.clone(), name),
        _ => Named::new(limit.clone(), &format!("{name}-{}", index + 1)),
    });
    Rates::of(named.collect(), guard.caller, guard.rule.needs_organization()).map(Arc::new)
}

/// The limits of what answers where there is no route.
pub(super) fn of_unmatched(limits: &[RateLimit]) -> Option<Arc<Rates>> {
    of(limits, WHOLE, &Guard::of::<crate::Public>())
}

/// The name of a whole API's limits that have none of their own.
const WHOLE: &str = "api";
