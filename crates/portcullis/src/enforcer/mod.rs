//! Enforcers: the types in a handler's first parameter that say who may call it.
//!
//! Flow: `scheme` finds what the request presents, the [`Gate`]'s authenticator verifies it, the decision makes a
//! permit, and the handler gets an [`Allow`]. Whatever fails becomes a [`Problem`](crate::Problem); a decision
//! against a known caller is also audited, and so is what a handler behind the rule refuses (`standing`).
//!
//! Invariants: [`Access::RULE`] is enforced, documented and locked; there is no second copy (`T018`). [`Access`] is
//! sealed: a type can't claim a rule that it doesn't enforce. A request without a gate is refused with 500.
//!
//! **Deliberately absent:** a credential in the query (RFC 9700 §4.3.2), but for API keys where the deployment names a
//! parameter for them.

mod allow;
mod circumstances;
mod context;
mod cross_site;
pub(crate) mod csrf;
mod dead_cookie;
mod denials;
mod gate;
mod late;
#[doc(hidden)]
pub mod organization;
mod public;
mod scene;
pub(crate) mod scheme;
mod standing;
mod traces;
mod unknown;
mod verify;
mod via;
mod visitor;

pub use self::allow::Allow;
#[doc(hidden)]
pub use self::circumstances::ByCookie;
pub use self::circumstances::Circumstances;
pub(crate) use self::context::{Outgoing, RequestContext};
pub use self::cross_site::Sender;
pub(crate) use self::cross_site::{is_foreign_change, is_safe};
pub use self::csrf::CsrfToken;
pub use self::gate::{Gate, Settings};
pub(crate) use self::late::{LateRefusal, Look, again, judge, look};
pub use self::public::Public;
#[doc(hidden)]
pub use self::scene::Scene;
pub(crate) use self::scheme::KeyInQuery;
pub use self::scheme::{InvalidPlace, Places};
pub(crate) use self::standing::record_behind;
pub use self::via::{Accepts, ApiKey, Basic, Jwt, KindList, KindMarker, Personal, Session, Usual, Via};
pub use self::visitor::Visitor;
pub use crate::request::{InvalidRealm, Realm};
pub use crate::route::{Access, Caller, Guarded};
