//! [`Api`]: routes that each say who may call them.
//!
//! Flow: every handler is taken with the rule of its first parameter; [`Api::into_router`] checks the paths, wraps
//! each route once ([`protect`](crate::protect)) and makes an axum `Router`. What an API tells of itself is made of the same
//! routes ([`docs`]).
//!
//! Invariants: a route without a rule can't be registered (`T017`). What [`Api::routes`], [`Api::authz_lock`] and
//! `/openapi.json` say comes from the same constant as what is enforced (`T018`).
//!
//! **Deliberately absent:** routes of any method (`any`), and a fallback: a path that nobody wrote down has no rule.

mod addresses;
mod answering;
mod api;
mod around;
mod build;
mod deprecation;
pub mod docs;
mod error;
mod handler;
mod limits;
mod lock;
mod part;
mod path;
mod route;
mod shown;
mod texts;

pub(crate) use self::addresses::ready;
pub use self::api::Api;
pub(crate) use self::api::Mount;
pub use self::deprecation::Deprecation;
pub use self::error::{ApiError, ApiErrors};
pub use self::handler::{HandlerFn, RouteHandler};
pub(crate) use self::limits::holds_for;
pub(crate) use self::part::Document;
pub(crate) use self::route::Route;
pub use crate::route::{RouteInfo, Verb};
