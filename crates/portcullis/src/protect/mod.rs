//! What every route gets without asking: a trace id, limits, safe headers, a log line, and a 500 instead of a panic.
//!
//! Flow: one layer wraps each route once. It opens the request's context, takes a credential out of the address, bounds
//! body and time, runs the route, turns a panic or a time-out into a problem, sets the headers and writes one log line.
//!
//! Invariants: the trace id is ours, never the caller's. A header that a handler set itself stays as it is. The
//! log line has method, route, status, time and the client's address: never the path, the query, a header or a body
//! (`T030`). The route is its pattern: what stands in the place of `{token}` may be one.
//!
//! **Deployment caveat:** the client's address is the peer's, unless the peer is a proxy that the deployment trusts
//! ([`crate::proxies`]). Behind any other every request seems to come from it.
//!
//! Pages of other origins may call what [`Cors`] lets them; [`AddressList`] says from where at all.

mod addresses;
mod body;
mod cors;
mod csp;
mod endpoint;
mod headers;
mod layer;

use std::time::Duration;

pub use self::addresses::AddressList;
pub(crate) use self::addresses::Addresses;
pub use self::cors::{Cors, CorsError};
pub use self::csp::{Csp, CspNonce};
pub(crate) use self::endpoint::{Endpoint, HandlerEndpoint};
pub(crate) use self::layer::{Protect, Wrapped};

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest accepted body, in bytes. Single routes may have another
    /// ([`Api::body_limit`](crate::Api::body_limit)).
    pub body: usize,
    /// How long reading the request and answering it may take.
    pub time: Duration,
}

impl Default for Limits {
    /// 64 KiB and 30 seconds.
    fn default() -> Self {
        Self {
            body: 64 * 1024,
            time: Duration::from_secs(30),
        }
    }
}
