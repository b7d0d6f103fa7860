//! Enforcers: the types in a handler's first parameter that say who may call it.
//!
//! Flow: `scheme` finds what the request presents, the [`Gate`]'s authenticator verifies it, the decision makes a
//! permit, and the handler gets an [`Allow`]. Whatever fails becomes a [`Problem`](crate::Problem); a decision
//! against a known caller is also audited, and so is what a handler behind the rule refuses (`snapshot`).
//!
//! Invariants: [`Access::RULE`] is enforced, documented and locked; there is no second copy (`T018`). [`Access`] is
//! sealed: a type can't claim a rule that it doesn't enforce. A request without a gate is refused with 500.
//!
//! **Deliberately absent:** a credential in the query (RFC 9700 §4.3.2), but for API keys where the deployment names a
//! parameter for them, and for signed URLs, which open nothing but themselves.

mod allow;
mod audit_context;
mod caller_context;
mod context;
mod counting;
mod cross_site;
pub(crate) mod csrf;
mod dead_cookie;
mod denials;
mod gate;
mod handler_refusal;
mod late;
mod mine;
mod optional_auth;
#[doc(hidden)]
pub mod organization;
mod public;
pub(crate) mod scheme;
mod signed;
mod traces;
mod unknown;
mod verify;
mod via;
mod who_called;

pub use self::allow::Allow;
pub use self::audit_context::AuditContext;
#[doc(hidden)]
pub use self::audit_context::ByCookie;
#[doc(hidden)]
pub use self::caller_context::CallerContext;
pub(crate) use self::context::{Outgoing, RequestContext};
pub use self::cross_site::Sender;
pub(crate) use self::cross_site::{is_foreign_change, is_safe};
pub use self::csrf::CsrfToken;
pub use self::gate::{Gate, Settings};
pub(crate) use self::handler_refusal::record_behind;
pub(crate) use self::late::{LateRefusal, Look, again, decide_again, look};
pub use self::mine::{Mine, OfCaller};
pub use self::optional_auth::OptionalAuth;
pub use self::public::Public;
pub(crate) use self::scheme::KeyInQuery;
pub use self::scheme::{InvalidPlace, Places};
pub use self::via::{
    Accepts, ApiKey, Basic, Jwt, KindList, KindMarker, Personal, Session, Signature, SignedUrl, Usual, Via,
};
pub use self::who_called::WhoCalled;
pub use crate::request::{InvalidRealm, Realm};
pub use crate::route::{Access, Caller, Guarded};
