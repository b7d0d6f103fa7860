//! "Embed, then detach": the same handlers behind another issuer's tokens, without a database.
//!
//! ```
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis::{Allow, Api, Portcullis, permissions};
//!
//! permissions! { PostsRead = "posts:read": "Read posts"; }
//!
//! async fn list(_: Allow<PostsRead>) -> &'static str {
//!     "posts"
//! }
//!
//! let remote = Portcullis::remote("https://id.example.com").audience("blog").open().await?;
//! remote.serve(Api::new("Blog", "1.0").get("/posts", list), "127.0.0.1:8081").await?;
//! # Ok(())
//! # }
//! ```
//! Flow: the issuer's metadata names its key set (`discovery`), the key set is followed
//! ([`RemoteKeys`]), tokens are verified with it and become principals
//! ([`RemoteAuthenticator`]). Everything after that, the decision, the refusals, the docs, is what it is with a database.
//!
//! **Invariants:** the metadata's issuer is the one that was asked for, to the letter, and its keys are at the same
//! origin or one that was allowed (`T052`, `T055`). While no keys are known nobody is let in: 503, not 401.
//!
//! **Deployment caveat:** what the issuer revokes is refused here when the access token expires, 15 minutes after it
//! was issued at most by default. Routes that need more stay where the database is.
//!
//! **Deliberately absent:** sessions, API keys and passwords: they can't be verified from afar, and are refused with
//! 401 `credential_not_accepted`. Memberships of organizations: a route that asks for one refuses.

mod builder;
mod discovery;
mod health;
mod log;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Weak};

use portcullis_core::access::RemoteAuthenticator;
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::key::RemoteKeys;
use tokio::net::{TcpListener, ToSocketAddrs};

pub use self::builder::{Builder, RemoteError};
use crate::enforcer::Gate;
use crate::listener::{self, Limits};
use crate::portcullis::Portcullis;
use crate::serve::asked_to_stop;
use crate::{Api, ServeError};

/// Verifies another issuer's tokens: open it once, clone it freely.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    gate: Gate,
    authenticator: Arc<RemoteAuthenticator>,
    environment: Environment,
    issuer: String,
}

impl Portcullis {
    /// Verifies the tokens of the issuer at this address, such as another Portcullis', instead of having a database.
    /// It must be written exactly as in the tokens' `iss`.
    pub fn remote(issuer: &str) -> Builder {
        Builder::new(issuer)
    }
}

impl Remote {
    fn new(
        authenticator: Arc<RemoteAuthenticator>,
        environment: Environment,
        issuer: String,
        gate: Gate,
    ) -> Self {
        tokio::spawn(follow(Arc::downgrade(authenticator.keys())));
        Self(Arc::new(Inner {
            gate,
            authenticator,
            environment,
            issuer,
        }))
    }

    /// What enforces on the routes of an [`Api`].
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The clock and the randomness.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// The issuer whose tokens are honoured.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Its keys.
    pub fn keys(&self) -> &Arc<RemoteKeys> {
        self.0.authenticator.keys()
    }

    /// Whether tokens can be verified: the issuer's keys are known and not too old. Tries to get them if they aren't.
    ///
    /// # Errors
    /// What is wrong, for the log.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.keys().ready().await
    }

    /// Liveness and readiness, to be nested at `/health`.
    pub fn health_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        let routes = health::routes(Api::new("", "")).group("health", "Health");
        routes.with_state(self.clone())
    }

    /// Serves `api` at `address` until the process is asked to stop (SIGINT or SIGTERM), then lets running requests
    /// end.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(&self, api: Api, address: impl ToSocketAddrs) -> Result<(), ServeError> {
        let listener = TcpListener::bind(address).await.map_err(ServeError::Listen)?;
        self.serve_on(api, listener, Limits::default(), asked_to_stop())
            .await
    }

    /// As [`Remote::serve`], on a listener of the caller's, until `shutdown`.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve_on(
        &self,
        api: Api,
        listener: TcpListener,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let router = api.into_router(self.gate().clone())?;
        listener::serve(router, listener, shutdown, limits).await;
        self.gate().settled().await;
        Ok(())
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("issuer", &self.0.issuer)
            .field("keys", self.keys())
            .finish_non_exhaustive()
    }
}

/// Fetches the keys anew before their time is over, beside the requests, for as long as a gate uses them.
async fn follow(keys: Weak<RemoteKeys>) {
    while let Some(followed) = keys.upgrade() {
        let pause = followed.tend().await;
        drop(followed);
        tokio::time::sleep(pause).await;
    }
}
