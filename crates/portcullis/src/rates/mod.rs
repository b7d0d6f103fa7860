//! How often routes may be called: limits as they are said of a route or of a whole API, counted for each request, and told in
//! the headers of its answer.
//!
//! Flow: [`RateLimit`] says what, how often, and for whom it is counted; the router settles those of each route
//! (`Rates`). What goes by the address or the head of a request is counted before anybody is authenticated, so that
//! guessing at credentials is bounded (`T245`); what goes by the caller right after, whatever is decided about them then. A
//! refusal is a 429 with `Retry-After`, and costs nothing. The `Tally` of a request becomes the fields of its answer.
//!
//! Invariants: whoever isn't known is counted by their address, and whoever's address isn't known together with all others
//! like them: nothing a caller leaves away lifts a limit. An API key's own rate is counted by the authenticator.
//!
//! **Deployment caveat:** without shared counts each node counts for itself (`throttle` of the core). Behind a proxy that
//! isn't named ([`crate::proxies`]) all clients have one address, and share one limit.
//!
//! **Deliberately absent:** a limit that is off where counting fails.

mod allowance;
mod asking;
mod limit;
mod settled;
mod tally;

pub use self::allowance::{Allowance, IntoAllowance};
pub use self::asking::Asking;
pub use self::limit::RateLimit;
pub(crate) use self::settled::{Named, Rates, Stage, unique_name};
pub use self::tally::LimitHeaders;
pub(crate) use self::tally::Tally;
