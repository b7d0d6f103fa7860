//! Serves an API: declares what its routes ask for, answers requests, and keeps the upkeep going beside them.

use std::sync::OnceLock;
use std::time::Duration;

use portcullis_core::authz::PermissionRef;
use portcullis_core::fault::Fault;
use portcullis_core::password::is_unoptimised;
use portcullis_store::Unsettled;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::time::Instant;

use crate::composition::Portcullis;
use crate::listener::{self, Limits};
use crate::upkeep::Upkeep;
use crate::{Api, ServeError, access, account, api_key, organization, readiness, session, token};
use portcullis::serving::{asked_to_stop, tell_where};

/// Tells whoever starts a program for debugging why each login takes a second of processor time, and what to write. On stderr:
/// a program of a few lines has no subscriber of a log.
#[allow(
    clippy::print_stderr,
    reason = "for whoever starts a program under development"
)]
async fn tell_if_slow() {
    let measured = tokio::task::spawn_blocking(is_unoptimised).await;
    if measured.unwrap_or(false) {
        eprintln!("{SLOW}");
    }
}

/// What is said, with the lines to paste.
const SLOW: &str = "portcullis: Argon2 is compiled without optimisation, so each login takes about a second; add to Cargo.toml:

[profile.dev.package]
argon2.opt-level = 3
";

impl Portcullis {
    /// The routes for users, to be nested at `/auth`: register, log in and out, sessions, organizations.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        let accounts = account::routes(Api::new("", "")).own_group("account", "Accounts");
        let sessions = session::routes(Api::new("", "")).own_group("session", "Logging in and out");
        let organizations = organization::routes(Api::new("", "")).own_group("organization", "Organizations");
        let api_keys = api_key::routes(Api::new("", "")).own_group("api_key", "API keys");
        self.finish(accounts.merge(sessions).merge(api_keys).merge(organizations))
    }

    /// The token endpoint and revocation, to be nested at `/oauth`.
    pub fn oauth_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        self.finish(token::routes(Api::new("", "")).own_group("token", "OAuth 2 tokens"))
    }

    /// The published documents, to be nested at `/.well-known`.
    pub fn well_known_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        self.finish(token::well_known(Api::new("", "")).own_group("discovery", "Published documents"))
    }

    /// The administrators' routes, to be nested at `/admin/api/v1`.
    pub fn admin_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        let routes = organization::admin_routes(access::routes(Api::new("", ""), self));
        self.finish(routes.own_group("admin", "Administration"))
    }

    /// Liveness and readiness, to be nested at `/health`.
    pub fn health_routes<S: Clone + Send + Sync + 'static>(&self) -> Api<S> {
        self.finish(readiness::routes(Api::new("", "")).own_group("health", "Health"))
    }

    /// Everything above at the paths that clients rely on, with docs: what the server serves.
    pub fn api(&self) -> Api {
        Api::new("Portcullis", env!("CARGO_PKG_VERSION"))
            .about("Accounts, sessions, tokens and roles for every app.")
            .nest("/auth", self.routes())
            .nest("/oauth", self.oauth_routes())
            .nest("/.well-known", self.well_known_routes())
            .nest("/admin/api/v1", self.admin_routes())
            .nest("/health", self.health_routes())
    }

    fn finish<S: Clone + Send + Sync + 'static>(&self, api: Api<Self>) -> Api<S> {
        api.with_state(self.clone())
    }

    /// Serves `api` at `address` until the process is asked to stop (SIGINT or SIGTERM), then lets running requests
    /// end and writes down what is to be written.
    ///
    /// # Errors
    /// [`ServeError`]; nothing was served then.
    pub async fn serve(&self, api: Api, address: impl ToSocketAddrs) -> Result<(), ServeError> {
        let listener = TcpListener::bind(address).await.map_err(ServeError::Listen)?;
        self.serve_on(api, listener, Limits::default(), asked_to_stop())
            .await
    }

    /// As [`Portcullis::serve`], on a listener of the caller's, until `shutdown`.
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
        tell_if_slow().await;
        let upkeep = self.upkeep();
        let began = OnceLock::new();
        let shutdown = async {
            shutdown.await;
            let _ = began.set(Instant::now());
        };
        listener::serve(router, listener, shutdown, limits).await;
        upkeep.stop().await;
        // One bound for all: requests and e-mails together.
        let spent = began.get().map_or(Duration::ZERO, Instant::elapsed);
        self.close_within(limits.drain.saturating_sub(spent)).await;
        Ok(())
    }

    /// The router of `api`, for a server of one's own or a test: the database knows the permissions that its routes ask
    /// for, the policies what is left to them. Whoever serves it keeps [`Portcullis::upkeep`] going beside it.
    ///
    /// # Errors
    /// [`ServeError`]: the routes contradict each other, the policies are wrong, or the database can't do its work.
    pub async fn router(&self, api: Api) -> Result<axum::Router, ServeError> {
        self.declare_permissions(&api).await?;
        self.declare_actions(&api).await?;
        self.settle_names().await?;
        Ok(api.into_router(self.gate().clone())?)
    }

    /// Begins what runs beside the requests: writing down who was seen, sweeping, rotating keys, watching the policies.
    /// [`Portcullis::serve`] does it by itself.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep::start(self)
    }

    /// Ends what was begun (refusals are written down, e-mails that are due handed over, for ten seconds at most) and closes
    /// the database. An e-mail that isn't sent by then waits in it. [`Portcullis::serve`] does it by itself; a program that
    /// serves nothing calls it before it ends.
    pub async fn close(&self) {
        self.close_within(Limits::default().drain).await;
    }

    async fn close_within(&self, limit: Duration) {
        self.gate().settled().await;
        self.emails().close(limit).await;
        self.forget_key_changes();
        self.database().close().await;
    }

    /// Settles what an earlier version left of names, and tells the operator of what can't be.
    async fn settle_names(&self) -> Result<(), Fault> {
        for unsettled in self.database().settle_names().await? {
            match unsettled {
                Unsettled::Alike {
                    account,
                    username,
                    like,
                } => tracing::warn!(
                    %account,
                    username,
                    like,
                    "two user names look alike and were registered before that was refused: both keep working; tell them \
                     apart by their ids"
                ),
                Unsettled::Address { account, email } => tracing::warn!(
                    %account,
                    email,
                    "this address isn't mailed in the form that is compared: name the account by its id where you give it \
                     something"
                ),
            }
        }
        Ok(())
    }

    /// Makes every permission that a route of `api` asks for known to the database, so that roles can be given it.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; no permission was made known then.
    pub async fn declare_permissions(&self, api: &Api) -> Result<(), Fault> {
        let mut asked: Vec<PermissionRef> = Vec::new();
        for route in api.routes() {
            route.each_permission(&mut |permission| asked.push(*permission));
        }
        self.declare(asked.iter()).await
    }
}
