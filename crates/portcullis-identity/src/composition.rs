//! The composition: one database, one key ring, one authenticator, and the services the routes call.
//!
//! Nothing is decided here. [`Builder`] gathers settings, [`Builder::open`] opens the database and builds every role
//! of `portcullis-core` once; [`Portcullis`] is a cheap handle to them.
//!
//! **Deliberately absent:** a global. A process may hold several, each with its own database.

mod api_keys;
mod builder;
mod emails;
mod limits;
mod master_key;
mod policies;
mod purpose;
mod sessions;
mod signed;
mod transaction;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::account::Registrar;
use portcullis_core::administration::{self, Accounts, Decisions, ServiceAccounts};
use portcullis_core::audit;
use portcullis_core::authn::Bus;
use portcullis_core::authz::PermissionRef;
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::{Generations, Invalidation};
use portcullis_core::issuance::ApiKeys;
use portcullis_core::key::{Keyring, KeyringError};
use portcullis_core::login::Manager;
use portcullis_core::organization::Organizations;
use portcullis_core::roles::Roles;
use portcullis_core::tier;
use portcullis_core::token::{self, Issuer, Verifier};
use portcullis_store::{Database, Follower};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) use self::builder::HttpSettings;
pub use self::builder::{Builder, Enumeration, OpenError};
use self::emails::{Emails, Words, Worker};
pub use self::limits::RateCounts;
use self::limits::TierWatch;
pub use self::sessions::SessionStore;
use self::sessions::Sessions;
use crate::enforcer::Gate;
use crate::policies::Keeper;

/// Everything of one deployment: open it once, clone it freely.
///
/// ```
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// use portcullis_identity::{Api, Portcullis};
///
/// let portcullis = Portcullis::open("sqlite:app.db").await?;
/// let api = Api::new("Blog", "1.0").nest("/auth", portcullis.routes());
/// portcullis.serve(api, "127.0.0.1:8080").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Portcullis(Arc<Inner>);

struct Inner {
    database: Database,
    session_store: Sessions,
    environment: Environment,
    gate: Gate,
    keyring: Arc<Keyring>,
    issuer: Arc<Issuer>,
    registrar: Registrar,
    sessions: Manager,
    roles: Roles,
    accounts: Accounts,
    organizations: Organizations,
    service_accounts: ServiceAccounts,
    api_keys: ApiKeys,
    words: Arc<Words>,
    audit: administration::Log,
    decisions: Decisions,
    verifier: Verifier,
    emails: Emails,
    _worker: Worker,
    http_settings: HttpSettings,
    key_age: Duration,
    transaction_limit: Duration,
    policies: Keeper,
    tiers: Option<tier::Keeper>,
    _tier_watch: Option<TierWatch>,
    _follower: Follower,
    key_watch: KeyWatch,
}

impl Portcullis {
    /// Opens the database at `url` (`sqlite:file`, `postgres://…`) with defaults for everything else. The master key
    /// is kept in a file beside a SQLite database (`app.db` → `app.db.key`, mode 0600) and made at the first start.
    ///
    /// # Errors
    /// [`OpenError`]. PostgreSQL has no file to keep a key beside: use [`Portcullis::builder`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::builder().database(url).open().await
    }

    /// Begins with every setting's default, for whoever wants to change one before it opens.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// What enforces on the routes of an [`Api`](crate::Api).
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The clock and the randomness.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// The database that everything rests on.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Creates accounts and proves their addresses.
    pub fn registrar(&self) -> &Registrar {
        &self.0.registrar
    }

    /// Logs in and out.
    pub fn sessions(&self) -> &Manager {
        &self.0.sessions
    }

    /// Makes, changes and deletes roles, and gives them to accounts.
    pub fn roles(&self) -> &Roles {
        &self.0.roles
    }

    /// Accounts, as administrators see them.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Why requests were refused, and what accounts could do.
    pub fn decisions(&self) -> &Decisions {
        &self.0.decisions
    }

    /// Organizations and who belongs to them.
    pub fn organizations(&self) -> &Organizations {
        &self.0.organizations
    }

    /// The signing keys, as administrators move them on.
    pub fn signing_keys(&self) -> administration::SigningKeys {
        administration::SigningKeys::new(Arc::clone(&self.0.keyring))
    }

    /// The ring of signing keys, for reading.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.0.keyring
    }

    /// Signs access tokens and exchanges refresh tokens.
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.0.issuer
    }

    /// The audit log, as administrators read it.
    pub fn audit(&self) -> &administration::Log {
        &self.0.audit
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    pub(crate) fn http_settings(&self) -> &HttpSettings {
        &self.0.http_settings
    }

    pub(crate) fn policies(&self) -> &Keeper {
        &self.0.policies
    }

    pub(crate) fn emails(&self) -> &Emails {
        &self.0.emails
    }

    /// Sends the e-mails that are due, and answers when none is on its way. [`Portcullis::serve`] does it by itself; for
    /// a test, or a program that serves nothing.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; what isn't sent waits.
    pub async fn send_emails(&self) -> Result<(), Fault> {
        self.emails().settled().await
    }

    /// Reads changed keys no more: before the database closes, so that nobody reads from a closed one.
    pub(crate) fn forget_key_changes(&self) {
        self.0.key_watch.0.abort();
    }

    /// Makes permissions known to the database.
    pub(crate) async fn declare<'p>(
        &self,
        permissions: impl Iterator<Item = &'p PermissionRef>,
    ) -> Result<(), Fault> {
        builder::declare(&self.0.database, permissions, &self.0.environment).await
    }

    /// Writes down when sessions were last seen and keys last used, and tends the session store. Called every few seconds by
    /// [`Portcullis::serve`].
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work; nothing is lost, the next call writes it again.
    pub async fn write_seen(&self) -> Result<(), Fault> {
        // Each for itself: the sessions may be kept elsewhere, and away, while the keys' database is there.
        let seen = self.write_sessions_seen().await;
        let used = self.write_used().await;
        let tended = self.0.session_store.tend(self.0.environment.now()).await;
        seen.and(used).and(tended)
    }

    async fn write_sessions_seen(&self) -> Result<(), Fault> {
        let authenticator = self.0.gate.authenticator();
        let seen = authenticator.take_seen();
        if seen.is_empty() {
            return Ok(());
        }
        let written = self.0.session_store.store().touch(seen.clone()).await;
        if written.is_err() {
            authenticator.put_back(seen);
        }
        written
    }

    /// Deletes rows of no further use, by what the clock says now. [`Portcullis::serve`] does so every few minutes by itself,
    /// and only by a clock that has been steady for longer than an access token lives: what is deleted protects.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; what wasn't deleted yet is by the next call.
    pub async fn sweep(&self) -> Result<(), Fault> {
        self.sweep_by(self.0.environment.now()).await
    }

    /// The same at a moment that has surely come.
    pub(crate) async fn sweep_by(&self, moment: Timestamp) -> Result<(), Fault> {
        use portcullis_core::authz::explain::{Bounds, Store as _};
        use token::Store as _;
        while self.0.database.sweep(moment, SWEEP_BATCH).await? >= u64::from(SWEEP_BATCH) {
            tokio::task::yield_now().await;
        }
        while self.registrar().expire_claims(moment, SWEEP_BATCH).await? >= u64::from(SWEEP_BATCH) {
            tokio::task::yield_now().await;
        }
        let bounds = Bounds::at(moment);
        while self.0.database.forget(bounds, SWEEP_BATCH).await? >= u64::from(SWEEP_BATCH) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Rotates the signing keys if they are due and deletes retired ones whose time has come. Called hourly by
    /// [`Portcullis::serve`].
    ///
    /// # Errors
    /// [`KeyringError`]; the next call tries it again.
    pub async fn tend_keys(&self) -> Result<(), KeyringError> {
        let by = audit::Context::system(self.0.environment.now());
        self.0.keyring.rotate_if_due(self.0.key_age, by).await?;
        self.0.keyring.delete_retired().await?;
        Ok(())
    }

    /// Retires the signing keys of a former algorithm. Called once by [`Portcullis::serve`], never by a program that only
    /// opens the database: it may have another configuration.
    ///
    /// # Errors
    /// [`KeyringError`]; the keys of a former algorithm verify as before.
    pub async fn retire_former_keys(&self) -> Result<(), KeyringError> {
        let by = audit::Context::system(self.0.environment.now());
        self.0.keyring.retire_former(by).await?;
        Ok(())
    }

    /// Moves what was written from SQLite's log into its file, so that whoever copies the file alone misses a minute at most.
    /// Called every minute by [`Portcullis::serve`].
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; the next call moves it.
    pub async fn settle(&self) -> Result<(), Fault> {
        self.0.database.settle().await
    }

    /// Whether requests can be answered: the stores answer, the database takes writes, and other nodes are heard.
    ///
    /// # Errors
    /// What is wrong, for the log.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.0.database.ping().await?;
        self.0.database.writable().await?;
        self.0.session_store.ready().await?;
        if !self.0.keyring.is_whole() {
            return Err(Fault::Other(
                "a signing key can't be opened: give all nodes the same secrets and version".to_owned(),
            ));
        }
        if self.0.gate.authenticator().silence() <= UNREADY {
            Ok(())
        } else {
            Err(Fault::Unreachable(
                "other nodes' changes can't be read".to_owned(),
            ))
        }
    }
}

impl fmt::Debug for Portcullis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portcullis")
            .field("database", &self.0.database.backend())
            .finish_non_exhaustive()
    }
}

/// Hears other nodes through the database's table of invalidations.
struct Followed(Database);

impl Bus for Followed {
    fn silence(&self) -> Duration {
        self.0.freshness()
    }
}

/// What a change anywhere moves in this process.
fn listen(database: &Database, generations: &Arc<Generations>, keyring: &Arc<Keyring>) -> KeyWatch {
    let (generations, changed) = (Arc::clone(generations), Arc::new(Notify::new()));
    let notify = Arc::clone(&changed);
    database.subscribe(Arc::new(move |what| {
        generations.apply(what);
        if what == Invalidation::Keys {
            notify.notify_one();
        }
    }));
    KeyWatch(tokio::spawn(reload(Arc::clone(keyring), changed)))
}

/// Reads the key ring again whenever a node changed it. Dropping it ends that.
struct KeyWatch(JoinHandle<()>);

impl Drop for KeyWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn reload(keyring: Arc<Keyring>, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        while let Err(error) = keyring.reload().await {
            if matches!(error, KeyringError::Store(Fault::Closed)) {
                return;
            }
            tracing::error!(%error, "the changed signing keys can't be read; trying again");
            tokio::time::sleep(KEY_RETRY).await;
        }
    }
}

/// How long after a failed reload the keys are read again.
const KEY_RETRY: Duration = Duration::from_secs(1);

/// A node that hasn't heard the others for this long is not ready. Until then it reads more and answers as always.
const UNREADY: Duration = Duration::from_secs(5);

/// How many rows one step of a sweep deletes: few enough not to delay other writers.
const SWEEP_BATCH: u32 = 500;
