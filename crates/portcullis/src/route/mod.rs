//! What is said of a route, as data: who may call it, what its parameters ask about resources, its method and path.
//!
//! Flow: a handler's first parameter says its rule by [`Access`], further ones leave what they [ask](Asks) while the
//! router registers it, and what is known then is a [`RouteInfo`]: enforced, documented and locked alike (`T018`).
//!
//! Invariants: [`Access`] is sealed: only enforcers implement it.
//!
//! **Deliberately absent:** handlers and whatever runs them. `router` holds them, `enforcer` and `resource` decide; both stand
//! on this.

mod asks;
mod guarded;
mod info;
mod path;

pub use self::asks::{Asks, Body, How};
pub(crate) use self::guarded::sealed;
pub use self::guarded::{Access, Caller, Guarded};
pub(crate) use self::info::{Guard, Label, asked};
pub use self::info::{RouteInfo, Verb};
pub(crate) use self::path::{Segment, parameter_names, segments};
