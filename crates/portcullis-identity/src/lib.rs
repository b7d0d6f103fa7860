//! Accounts, sessions, tokens, API keys and organizations for axum, with a database: what the Portcullis server is made of.
//!
//! Everything of [`portcullis`] is here too: a program that embeds accounts needs this crate alone, and one that
//! leaves them to a server swaps it for the other.
//!
//! ```
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis_identity::{Allow, Api, Json, Portcullis, permissions};
//!
//! permissions! {
//!     pub PostsRead = "posts:read": "Read posts";
//! }
//!
//! async fn list(_who: Allow<PostsRead>) -> Json<Vec<String>> {
//!     Json(vec!["hello".to_owned()])
//! }
//!
//! let portcullis = Portcullis::open("sqlite:app.db").await?;
//! let api = Api::new("Blog", "1.0").nest("/auth", portcullis.routes()).get("/posts", list);
//! portcullis.serve(api, "127.0.0.1:8080").await?;
//! # Ok(())
//! # }
//! ```
//!
//! **Invariant:** a route changes nothing without asking a service of `portcullis-core`, which asks for a permit.

#[macro_use]
mod answers;

mod access;
mod account;
mod api_key;
mod composition;
mod emails;
mod hook;
mod mail;
mod organization;
mod readiness;
pub mod secrets;
mod serve;
mod session;
mod sharing;
mod token;
mod upkeep;

#[doc(inline)]
pub use ::portcullis::*;
pub use portcullis_core::attribute::AttributeChange;
pub use portcullis_core::fault::Fault;
pub use portcullis_core::token::{ClaimSubject, OwnClaim};
pub use portcullis_store::transaction::{Column, Parameter, Record, Transaction};

pub use self::access::{DryRun, RouteAccess};
pub use self::composition::{Builder, Enumeration, OpenError, Portcullis, RateCounts, SessionStore};
pub use self::hook::{HookError, LoggingIn, Registering};
pub use self::organization::AcceptError;
pub use self::upkeep::Upkeep;
