//! Authentication and authorization for axum: one type in a handler's signature authenticates the caller, decides
//! and documents.
//!
//! ```
//! use portcullis::{Allow, Api, Json, Public, permissions};
//!
//! permissions! {
//!     pub PostsRead = "posts:read": "Read posts";
//! }
//!
//! async fn list(_who: Allow<PostsRead>) -> Json<Vec<String>> {
//!     Json(vec!["hello".to_owned()])
//! }
//!
//! async fn status(_: Public) -> &'static str {
//!     "up"
//! }
//!
//! let api: Api = Api::new("Blog", "1.0").get("/posts", list).get("/status", status);
//! assert!(api.authz_lock().contains("posts:read"));
//! ```
//!
//! **Flow of a request:** [`protect`] gives it a trace id and its limits, the [`enforcer`] in the handler's first
//! parameter finds the credential, verifies it and decides, [`validate`] reads what the caller sent, the handler
//! answers, and a refusal of any of them becomes a [`Problem`].
//!
//! **Invariants:** a handler without an access rule does not compile. The rule that is enforced is the rule in
//! `/openapi.json` and in `authz.lock`: all three read one constant of the handler's type.
//!
//! **Deliberately absent:** a way to switch a check off, and rules written apart from the handler they guard.

pub mod cookie;
mod cookie_session;
mod dependency;
#[doc(hidden)]
pub mod describe;
pub mod enforcer;
pub mod environment;
pub mod filter;
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod health;
mod host;
pub mod listener;
#[cfg(feature = "remote")]
pub mod outbound;
#[doc(hidden)]
pub mod page;
mod plan;
#[doc(hidden)]
pub mod policies;
pub mod problem;
pub mod protect;
pub mod proxies;
pub mod rates;
#[cfg(feature = "remote")]
pub mod remote;
mod request;
pub mod resource;
#[doc(hidden)]
pub mod route;
pub mod router;
#[doc(hidden)]
pub mod serving;
mod signed;
pub mod validate;

#[doc(no_inline)]
pub use axum::extract::State;
#[doc(no_inline)]
pub use portcullis_core as core;
pub use portcullis_core::attribute::Attribute;
#[doc(no_inline)]
pub use portcullis_core::authz::{
    ActionName, Any, Authenticated, DeclaredRole, FreshLogin, InOrganization, Member, Permission, Permit,
    Policy, Principal, Requirement, Role, RoleName, RoleRef, SecondFactor, Signed, Unscoped,
};
pub use portcullis_core::{actions, permissions, resource_actions, roles};

pub use self::cookie_session::{CookieSession, CookieSessionError};
#[doc(hidden)]
pub use self::dependency::Dependencies;
pub use self::dependency::Dependency;
pub use self::enforcer::{
    Allow, ApiKey, AuditContext, Basic, CsrfToken, Gate, Jwt, Mine, OfCaller, OptionalAuth, Personal, Public,
    Session, Signature, SignedUrl, Usual, Via, WhoCalled,
};
pub use self::policies::{FunctionStatus, PoliciesError, PolicyFlaw, PolicyStatus};
pub use self::problem::{FieldError, Problem};
pub use self::protect::{AddressList, Cors, CorsError, Csp, CspNonce};
pub use self::rates::RateLimit;
#[cfg(feature = "remote")]
pub use self::remote::Remote;
pub use self::resource::{Authorized, Resource, Visible};
pub use self::route::{Access, Guarded};
#[doc(inline)]
pub use self::router::docs;
pub use self::router::docs::Docs;
pub use self::router::{Api, ApiError, ApiErrors, HandlerFn, RouteHandler};
pub use self::serving::ServeError;
pub use self::signed::sign_request;
pub use self::validate::{Accepted, Created, FieldErrors, Form, Json, NoContent, Path, Query};
#[cfg(feature = "rich-text")]
pub use self::validate::{CleanHtml, TooLong};
#[doc(no_inline)]
pub use schemars::{self, JsonSchema};

/// What a handler answers: a value, or a [`Problem`].
pub type Result<T, E = Problem> = std::result::Result<T, E>;
