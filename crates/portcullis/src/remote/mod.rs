//! "Embed, then detach": the same handlers behind another issuer's tokens, without a database.
//!
//! ```
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis::{Allow, Api, Remote, permissions};
//!
//! permissions! { PostsRead = "posts:read": "Read posts"; }
//!
//! async fn list(_: Allow<PostsRead>) -> &'static str {
//!     "posts"
//! }
//!
//! let remote = Remote::builder("https://id.example.com")
//!     .audience("https://blog.example.com")
//!     .open()
//!     .await?;
//! remote.serve(Api::new("Blog", "1.0").get("/posts", list), "127.0.0.1:8081").await?;
//! # Ok(())
//! # }
//! ```
//! The audience is what the issuer knows the application by: `Builder::resource("https://blog.example.com")`, or
//! `tokens.resources` of the server's configuration. A token for it is good nowhere else, so whoever runs this
//! application can't use at the issuer, or at another application, what its users send (`T094`).
//!
//! Flow: the issuer's metadata names its key set (`discovery`), the key set is followed
//! ([`RemoteKeys`]), tokens are verified with it and become principals
//! ([`RemoteAuthenticator`]). Everything after that, the decision, the refusals, the docs, is what it is with a database.
//!
//! **Invariants:** the metadata's issuer is the one that was asked for, to the letter, and its keys are at the same
//! origin or one that was allowed (`T052`, `T055`). While no keys are known nobody is let in: 503, not 401.
//!
//! **Deployment caveat:** what the issuer revokes is refused here when the access token expires, by default 15 minutes and
//! 30 s of leeway after it was issued at most. Routes that need more stay where the database is.
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
use std::time::Duration;

use portcullis_core::authn::RemoteAuthenticator;
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::key::RemoteKeys;
use portcullis_core::token::{Purpose, RemotePurposeTokens};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;

pub use self::builder::{Builder, RemoteError};
use self::log::LogOnly;
use crate::enforcer::Gate;
use crate::listener::{self, Limits};
use crate::policies::{Asked, Keeper, PoliciesError, PolicyStatus};
use crate::serving::{asked_to_stop, tell_where};
use crate::{Api, ServeError};

/// Verifies another issuer's tokens: open it once, clone it freely.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    gate: Gate,
    authenticator: Arc<RemoteAuthenticator>,
    environment: Environment,
    issuer: String,
    policies: Keeper,
}

impl Remote {
    /// Verifies the tokens of the issuer at this address, such as a Portcullis server's, instead of having a database.
    /// It must be written exactly as in the tokens' `iss`.
    pub fn builder(issuer: &str) -> Builder {
        Builder::new(issuer)
    }

    fn new(
        authenticator: Arc<RemoteAuthenticator>,
        environment: Environment,
        issuer: String,
        gate: Gate,
        policies: Keeper,
    ) -> Self {
        tokio::spawn(follow(Arc::downgrade(authenticator.keys())));
        Self(Arc::new(Inner {
            gate,
            authenticator,
            environment,
            issuer,
            policies,
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

    /// The issuer's public keys, as they are followed.
    pub fn keys(&self) -> &Arc<RemoteKeys> {
        self.0.authenticator.keys()
    }

    /// Verifies tokens of a purpose that the issuer's program signed for it (`Portcullis::tokens_for`), by the keys that the issuer
    /// publishes: none are, where it signs with a shared secret. What is good once, or can be revoked, is verified where the database is.
    ///
    /// ```
    /// use portcullis::core::token::{Purpose, RemoteTokenError};
    /// use portcullis::{Problem, Remote};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Download {
    ///     file: String,
    /// }
    ///
    /// const DOWNLOAD: Purpose<Download> = Purpose::new("download");
    ///
    /// async fn file(remote: &Remote, token: &str) -> Result<String, Problem> {
    ///     match remote.tokens_for(DOWNLOAD).verify(token).await {
    ///         Ok(download) => Ok(download.claims.file),
    ///         Err(RemoteTokenError::Fault(fault)) => Err(fault.into()),
    ///         Err(RemoteTokenError::Invalid(_)) => Err(Problem::not_found()),
    ///     }
    /// }
    /// ```
    pub fn tokens_for<C>(&self, purpose: Purpose<C>) -> RemotePurposeTokens<C> {
        let (keys, environment) = (Arc::clone(self.keys()), self.0.environment.clone());
        RemotePurposeTokens::new(purpose, keys, environment, &self.0.issuer)
    }

    /// Whether tokens can be verified: the issuer's keys are known and not too old. Tries to get them if they aren't.
    ///
    /// # Errors
    /// What is wrong, for the log.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.keys().ready().await
    }

    /// Makes every action and every kind of resource that a route of `api` leaves to the policies known to them and
    /// puts them in force. [`Remote::serve`] does it by itself.
    ///
    /// # Errors
    /// [`PoliciesError`]: nothing is in force then, and everything the policies decide is refused.
    pub async fn declare_actions(&self, api: &Api) -> Result<(), PoliciesError> {
        let now = self.0.environment.now();
        self.0
            .policies
            .declare(&Asked::by(api.routes()), &LogOnly, now)
            .await
    }

    /// Looks whether the policies changed; a change that is the same at two looks is loaded. Called every second by
    /// [`Remote::serve`].
    ///
    /// # Errors
    /// [`PoliciesError`], once for each bad change: the last good policies stay in force.
    pub async fn watch_policies(&self) -> Result<(), PoliciesError> {
        self.0.policies.watch(&LogOnly, self.0.environment.now()).await
    }

    /// Which policies are in force.
    pub fn policy_status(&self) -> PolicyStatus {
        self.0.policies.status()
    }

    /// Liveness and readiness, to be nested at `/health`.
    pub fn health_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        let routes = health::routes(Api::new("", "")).own_group("health", "Health");
        routes.with_state(self.clone())
    }

    /// The router of `api`, for a server of one's own or a test: the policies know what its routes leave to them.
    /// Whoever serves it calls [`Remote::watch_policies`] every second if there are any.
    ///
    /// # Errors
    /// [`ServeError`]: the routes contradict each other, or the policies are wrong.
    pub async fn router(&self, api: Api) -> Result<axum::Router, ServeError> {
        self.declare_actions(&api).await?;
        Ok(api.into_router(self.gate().clone())?)
    }

    /// Serves `api` at `address` until the process is asked to stop (SIGINT or SIGTERM), then lets running requests
    /// end.
    ///
    /// # Errors
    /// [`ServeError`]; nothing was served then.
    pub async fn serve(&self, api: Api, address: impl ToSocketAddrs) -> Result<(), ServeError> {
        let listener = TcpListener::bind(address).await.map_err(ServeError::Listen)?;
        self.serve_on(api, listener, Limits::default(), asked_to_stop())
            .await
    }

    /// As [`Remote::serve`], on a listener of the caller's, until `shutdown`.
    ///
    /// # Errors
    /// [`ServeError`]; nothing was served then.
    pub async fn serve_on(
        &self,
        api: Api,
        listener: TcpListener,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let router = self.router(api).await?;
        tell_where(&listener);
        let watching = AbortOnDrop(tokio::spawn(watch(self.clone())));
        listener::serve(router, listener, shutdown, limits).await;
        drop(watching);
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

/// Looks for changed policies, beside the requests.
async fn watch(remote: Remote) {
    loop {
        tokio::time::sleep(WATCH).await;
        if let Err(error) = remote.watch_policies().await {
            tracing::error!(%error, "the changed policies are invalid; the last valid ones stay in force");
        }
    }
}

/// A task that ends with what it was begun for.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const WATCH: Duration = Duration::from_secs(1);

/// Fetches the keys anew before their time is over, beside the requests, for as long as a gate uses them.
async fn follow(keys: Weak<RemoteKeys>) {
    while let Some(followed) = keys.upgrade() {
        let pause = followed.tend().await;
        drop(followed);
        tokio::time::sleep(pause).await;
    }
}
