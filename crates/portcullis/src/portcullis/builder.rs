//! Gathers settings and builds the roles.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::access::{
    self, Authenticator, BUILT_IN, Decisions, Directory, PermissionRecord, PermissionRef, Roles,
};
use portcullis_core::account::{Accounts, Mailer, Registrar, ServiceAccounts};
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Marks;
use portcullis_core::key::{self, Keyring, KeyringError, MasterKey, Sealer};
use portcullis_core::organization::{self, Organizations};
use portcullis_core::password::{self, Hasher};
use portcullis_core::session::{self, Manager};
use portcullis_core::token::{self, Issuer, Verifier};
use portcullis_core::{api_key, audit};
use portcullis_store::Database;
use url::Url;

use super::api_keys::Keys;
use super::letters::Letters;
use super::sessions::{SessionStore, Sessions};
use super::{Followed, Inner, Portcullis, listen};
use crate::enforcer::{self, Gate};
use crate::mail::Silent;
use crate::policies::Keeper;
use crate::{environment, secrets};

/// Why Portcullis could not be opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The store of opaque sessions.
    #[error("the session store can't be opened: {0}")]
    Sessions(#[source] Fault),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The file of the master key.
    #[error(transparent)]
    Secrets(#[from] secrets::SecretsError),
    /// There is no master key and no file to keep one beside.
    #[error("a database that isn't a SQLite file needs a master key: give the builder one with `master_key`")]
    NoMasterKey,
    /// The hashing threads.
    #[error("the hashing threads can't be started: {0}")]
    Threads(#[source] std::io::Error),
}

/// Whether an outsider may learn which addresses have accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enumeration {
    /// Registering a taken address answers 409.
    #[default]
    Allowed,
    /// Registering by address answers 202 whether or not it is taken; the owner of a taken one gets a letter.
    Hidden,
}

/// What HTTP needs to know beyond the rules.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Where people reach this server; the only source of mailed links.
    pub(crate) public_url: Option<Url>,
    /// Whether `grant_type=password` is answered.
    pub(crate) password_grant: bool,
    /// Whether taken addresses are hidden.
    pub(crate) enumeration: Enumeration,
}

/// Gathers what a [`Portcullis`] is made of. Everything has a safe default.
#[must_use]
pub struct Builder {
    url: String,
    master_key: Option<MasterKey>,
    environment: Environment,
    mailer: Arc<dyn Mailer>,
    manners: Manners,
    passwords: password::Settings,
    policy: password::Policy,
    sessions: session::Settings,
    session_store: SessionStore,
    tokens: token::Settings,
    algorithm: key::Algorithm,
    permissions: Vec<PermissionRef>,
    organizations: organization::Settings,
    base_domain: Option<String>,
    policies: Keeper,
    api_keys: Keys,
    follow: Duration,
    capacity: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            url: "sqlite:portcullis.db".to_owned(),
            master_key: None,
            environment: environment::system(),
            mailer: Arc::new(Silent),
            manners: Manners {
                public_url: None,
                password_grant: true,
                enumeration: Enumeration::default(),
            },
            passwords: password::Settings::default(),
            policy: password::Policy::default(),
            sessions: session::Settings::default(),
            session_store: SessionStore::default(),
            tokens: token::Settings::default(),
            algorithm: key::Algorithm::ES256,
            permissions: Vec::new(),
            organizations: organization::Settings::default(),
            base_domain: None,
            policies: Keeper::default(),
            api_keys: Keys::default(),
            follow: Duration::from_millis(250),
            capacity: 100_000,
        }
    }

    /// Where records are kept: `sqlite:file`, `sqlite::memory:` or `postgres://…`.
    pub fn database(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// The key that everything at rest is sealed under.
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master_key = Some(key);
        self
    }

    /// Another clock and randomness than the system's: for tests.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// What sends mail. Without one, letters are lost and the log says so.
    pub fn mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = mailer;
        self
    }

    /// Where people reach this server, such as `https://id.example.com/`. Mailed links begin with it, it is the
    /// issuer of tokens unless [`Builder::tokens`] names another, and cookies are accepted from its pages.
    pub fn public_url(mut self, url: Url) -> Self {
        self.manners.public_url = Some(url);
        self
    }

    /// How passwords are hashed.
    pub fn passwords(mut self, settings: password::Settings) -> Self {
        self.passwords = settings;
        self
    }

    /// What new passwords must look like.
    pub fn password_policy(mut self, policy: password::Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long sessions live.
    pub fn sessions(mut self, settings: session::Settings) -> Self {
        self.sessions = settings;
        self
    }

    /// Where opaque sessions are kept: in the database unless said otherwise.
    pub fn session_store(mut self, store: SessionStore) -> Self {
        self.session_store = store;
        self
    }

    /// How tokens are issued.
    pub fn tokens(mut self, settings: token::Settings) -> Self {
        self.tokens = settings;
        self
    }

    /// What tokens are signed with: ES256 unless said otherwise.
    pub fn algorithm(mut self, algorithm: key::Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Whether `POST /oauth/token` answers `grant_type=password`: yes unless said otherwise.
    pub fn password_grant(mut self, offered: bool) -> Self {
        self.manners.password_grant = offered;
        self
    }

    /// Whether an account without a proven address is refused: no unless said otherwise.
    pub fn require_verified_email(mut self, required: bool) -> Self {
        self.sessions.require_verified_email = required;
        self
    }

    /// Whether an outsider may learn which addresses have accounts.
    pub fn enumeration(mut self, enumeration: Enumeration) -> Self {
        self.manners.enumeration = enumeration;
        self
    }

    /// Makes permissions known to the database before the first request, so that roles can be given them. Those
    /// that an [`Api`](crate::Api)'s routes ask for are made known when it is served.
    pub fn declare(mut self, permissions: impl IntoIterator<Item = PermissionRef>) -> Self {
        self.permissions.extend(permissions);
        self
    }

    /// Who may create organizations: everybody unless said otherwise.
    pub fn organizations(mut self, settings: organization::Settings) -> Self {
        self.organizations = settings;
        self
    }

    /// The domain whose subdomains name organizations: with `app.example.com`, a request to `acme.app.example.com` is
    /// for the organization with the slug `acme`. Without it, no subdomain names one.
    pub fn base_domain(mut self, domain: &str) -> Self {
        self.base_domain = Some(domain.to_owned());
        self
    }

    /// The folder with the policies that decide where a rule names an action: its files `*.cedar`, by name. They are
    /// put in force when the routes are known, by [`Portcullis::serve`], and again whenever they change; a bad
    /// change is reported and the last good policies stay. Without a folder nothing is permitted by policy.
    #[cfg(feature = "policies")]
    pub fn policies(mut self, folder: impl Into<PathBuf>) -> Self {
        self.policies = self.policies.folder(folder.into());
        self
    }

    /// Kinds of resources that policies may speak of, besides those of the routes ([`Authorized`](crate::Authorized),
    /// [`Visible`](crate::Visible)).
    #[cfg(feature = "policies")]
    pub fn resources(mut self, kinds: &[&'static access::ResourceKind]) -> Self {
        self.policies = self.policies.kinds(kinds);
        self
    }

    /// How API keys begin: `pk_live_` unless said otherwise. Keys made before a change are refused after it.
    pub fn api_key_format(mut self, format: api_key::Format) -> Self {
        self.api_keys.format = format;
        self
    }

    /// Where API keys stand in a request besides `Authorization: Bearer`: in `X-API-Key` unless said otherwise.
    pub fn api_key_places(mut self, places: enforcer::Places) -> Self {
        self.api_keys.places = places;
        self
    }

    /// How API keys are handled.
    pub fn api_keys(mut self, settings: api_key::Settings) -> Self {
        self.api_keys.settings = settings;
        self
    }

    /// How often other processes' changes are read: every 250 ms. The stated bound of a second needs at most 500 ms.
    pub fn follow(mut self, interval: Duration) -> Self {
        self.follow = interval;
        self
    }

    /// How many verified credentials, and how many accounts, are remembered: 100,000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Opens the database and builds everything on it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(mut self) -> Result<Portcullis, OpenError> {
        self.tokens.require_verified_email = self.sessions.require_verified_email;
        if let Some(url) = &self.manners.public_url
            && self.tokens.issuer == token::Settings::default().issuer
        {
            self.tokens.issuer = url.as_str().trim_end_matches('/').to_owned();
        }
        let master_key = match self.master_key.take() {
            Some(key) => key,
            None => master_key_beside(&self.url, &self.environment)?,
        };
        let database = Database::open(&self.url).await?;
        self.build(database, master_key).await
    }

    async fn build(self, database: Database, master_key: MasterKey) -> Result<Portcullis, OpenError> {
        let environment = self.environment.clone();
        let sealer = Arc::new(Sealer::new(master_key, environment.clone()));
        let keys = key::keyring::Settings {
            algorithm: self.algorithm,
            overlap: self.tokens.key_overlap(),
        };
        let keyring =
            Keyring::open(shared(&database), Arc::clone(&sealer), environment.clone(), keys).await?;
        let keyring = Arc::new(keyring);
        let marks = Arc::new(Marks::new());
        let key_watch = listen(&database, &marks, &keyring);
        declare(&database, BUILT_IN.iter().chain(&self.permissions), &environment).await?;

        let hasher = Hasher::start(Arc::clone(&sealer), environment.clone(), &self.passwords);
        let hasher = Arc::new(hasher.map_err(OpenError::Threads)?);
        let directory = Arc::new(Directory::new(
            shared(&database),
            Arc::clone(&marks),
            self.capacity,
        ));
        let issuer = Issuer::new(
            Arc::clone(&keyring),
            shared(&database),
            &sealer,
            environment.clone(),
            self.tokens.clone(),
        );
        let issuer = Arc::new(issuer);
        let session_store = Sessions::open(&self.session_store, &database).await;
        let session_store = session_store.map_err(OpenError::Sessions)?;
        let store = session_store.store();
        let gate = self.gate(&database, Arc::clone(&store), &keyring, &directory, marks);
        let roles = (Arc::clone(&hasher), Arc::clone(&issuer));
        let decisions = self.decisions(&database, &directory);
        let api_keys = self.api_keys.build(&database, &directory, &environment);
        let sessions = self.manager(&database, store, directory, roles);
        Ok(Portcullis(Arc::new(Inner {
            gate,
            sessions,
            session_store,
            issuer,
            registrar: Registrar::new(shared(&database), hasher, environment.clone(), self.policy),
            roles: Roles::new(shared(&database)),
            audit: audit::Log::new(shared(&database)),
            decisions,
            accounts: Accounts::new(shared(&database), environment.clone()),
            organizations: Organizations::new(shared(&database), environment.clone(), self.organizations),
            service_accounts: ServiceAccounts::new(shared(&database), environment.clone()),
            api_keys,
            verifier: Verifier::new(Arc::clone(&keyring), self.tokens.expectation()),
            keyring,
            letters: Letters::new(self.mailer),
            manners: self.manners,
            policies: self.policies,
            environment,
            _follower: database.follow(self.follow),
            _key_watch: key_watch,
            database,
        })))
    }

    /// What verifies and decides on every route.
    fn gate(
        &self,
        database: &Database,
        sessions: Arc<dyn session::Store>,
        keyring: &Arc<Keyring>,
        directory: &Arc<Directory>,
        marks: Arc<Marks>,
    ) -> Gate {
        let bus: Arc<dyn access::Bus> = Arc::new(Followed(database.clone()));
        let organizations = organization::Directory::new(
            shared(database),
            Arc::clone(&marks),
            Arc::clone(&bus),
            self.capacity,
        );
        let authenticator = Authenticator::new(access::Foundation {
            directory: Arc::clone(directory),
            sessions,
            tokens: shared(database),
            api_keys: shared(database),
            verifier: Verifier::new(Arc::clone(keyring), self.tokens.expectation()),
            marks,
            bus,
            require_verified_email: self.sessions.require_verified_email,
            capacity: self.capacity,
        });
        let mut settings = enforcer::Settings::default();
        settings.origin.clone_from(&self.manners.public_url);
        settings.organizations = Some(Arc::new(organizations));
        settings.base_domain.clone_from(&self.base_domain);
        settings.policies = self.policies.provider();
        settings.grants = access::grant::Grants::new(shared(database));
        settings.api_key_format = self.api_keys.format.clone();
        settings.api_key_places = self.api_keys.places.clone();
        Gate::new(
            Arc::new(authenticator),
            self.environment.clone(),
            shared(database),
            settings,
        )
    }

    /// What explains refusals.
    fn decisions(&self, database: &Database, directory: &Arc<Directory>) -> Decisions {
        let verified = self.sessions.require_verified_email;
        Decisions::new(shared(database), Arc::clone(directory), verified)
    }

    /// What logs in and out.
    fn manager(
        &self,
        database: &Database,
        sessions: Arc<dyn session::Store>,
        directory: Arc<Directory>,
        (hasher, issuer): (Arc<Hasher>, Arc<Issuer>),
    ) -> Manager {
        Manager::new(session::Foundation {
            accounts: shared(database),
            sessions,
            tokens: shared(database),
            audit: shared(database),
            directory,
            hasher,
            issuer,
            environment: self.environment.clone(),
            settings: self.sessions.clone(),
        })
    }
}

/// Makes permissions known to the database.
pub(super) async fn declare<'p>(
    database: &Database,
    permissions: impl Iterator<Item = &'p PermissionRef>,
    environment: &Environment,
) -> Result<(), Fault> {
    use access::Store as _;
    let records = permissions.map(|permission| {
        // Deciding about a name needs its bit, also where no rule of a route was asked yet.
        (permission.id)();
        PermissionRecord::from(permission)
    });
    database.declare(records.collect(), environment.now()).await
}

pub(super) fn shared(database: &Database) -> Arc<Database> {
    Arc::new(database.clone())
}

/// The master key in the file beside a SQLite database.
fn master_key_beside(url: &str, environment: &Environment) -> Result<MasterKey, OpenError> {
    let file = url.strip_prefix("sqlite:").filter(|file| *file != ":memory:");
    if url == "sqlite::memory:" {
        return Ok(MasterKey::generate(environment));
    }
    let file = Path::new(file.ok_or(OpenError::NoMasterKey)?);
    let mut key = file.as_os_str().to_owned();
    key.push(".key");
    let database = if file.exists() {
        secrets::Database::Existing(file.display().to_string())
    } else {
        secrets::Database::New
    };
    Ok(secrets::load_or_create(&PathBuf::from(key), &database, environment)?.master_key)
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}
