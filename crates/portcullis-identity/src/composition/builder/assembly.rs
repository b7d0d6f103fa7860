//! Builds every role from the settings, once.

use std::sync::Arc;

use portcullis_core::account::{Passwords, Registrar};
use portcullis_core::administration::{self, Accounts, Decisions, ServiceAccounts};
use portcullis_core::authn::{self, AccountDirectory, Authenticator};
use portcullis_core::authz::{BUILT_IN, PermissionRef};
use portcullis_core::defends;
use portcullis_core::email::Outbox;
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::grants;
use portcullis_core::invalidation::Generations;
use portcullis_core::key::{self, Keyring, KeyringError, MasterKey, Sealer};
use portcullis_core::login::{self, Manager};
use portcullis_core::organization::{self, Organizations};
use portcullis_core::password::{self, Hasher};
use portcullis_core::roles::{PermissionRecord, Roles};
use portcullis_core::session;
use portcullis_core::throttle::Throttle;
use portcullis_core::token::{InvalidClaim, Issuer, Verifier};
use portcullis_store::{Blank, Database};

use super::super::emails::{Emails, Words};
use super::super::limits::TierWatch;
use super::super::sessions::Sessions;
use super::super::{Followed, Inner, Portcullis, listen};
use super::{Builder, OpenError};
use crate::cookie::Cookies;
use crate::enforcer::{self, Gate, Realm};

impl Builder {
    #[allow(clippy::too_many_lines, reason = "the composition, a part a line")]
    pub(super) async fn build(
        mut self,
        database: Database,
        master_key: MasterKey,
        appearance: (Cookies, Realm),
    ) -> Result<Portcullis, OpenError> {
        let environment = self.environment.clone();
        let sealer = Arc::new(Sealer::new(master_key, environment.clone()));
        self.refuse_emptied(&database).await?;
        let keyring = Arc::new(self.keyring(&database, &sealer).await?);
        let generations = Arc::new(Generations::new());
        let key_watch = listen(&database, &generations, &keyring);
        self.declare_all(&database).await?;

        let hasher = Hasher::start(Arc::clone(&sealer), environment.clone(), &self.passwords);
        let hasher = Arc::new(hasher.map_err(OpenError::Threads)?);
        // What remembers its answers takes part in no transaction: they could be undone.
        let apart = database.apart();
        let directory = Arc::new(AccountDirectory::new(
            shared(&apart),
            Arc::clone(&generations),
            // A verified credential holds its account's facts itself: these are for the next one of the same account.
            self.capacity.div_ceil(4),
        ));
        let issuer = Arc::new(self.issuer(&database, &keyring, &sealer));
        let session_store = Sessions::open(&self.session_store, &database).await;
        let session_store = session_store.map_err(OpenError::Sessions)?;
        let store = session_store.store();
        let emails = self.outbox(&database, &sealer);
        let declared = self.own.attributes()?;
        self.policies = self.policies.attributes(&declared);
        let accounts = Accounts::new(shared(&database), environment.clone()).with_attributes(declared);
        let mut http_settings = self.http_settings(&database, &generations, appearance, sealer);
        let throttle = self.rates.counts.open().map_err(OpenError::Rates)?;
        let tiers = self.rates.keep_tiers(&apart).await?;
        http_settings.throttle = Some(Arc::clone(&throttle));
        let counted = (generations, throttle);
        (http_settings.nonces, http_settings.signatures) = self.signatures.build(&database)?;
        let authenticator = self
            .authenticator(&apart, session_store.apart(), &keyring, &directory, counted)
            .with_passwords(self.passwords_of(&database, &hasher), &environment);
        let gate = Gate::new(
            Arc::new(authenticator),
            environment.clone(),
            shared(&database),
            http_settings,
        );
        let words = self.words(&emails);
        let roles = (Arc::clone(&hasher), Arc::clone(&issuer));
        let registrar = self.registrar((&database, &accounts), hasher, &words);
        let decisions = self.decisions(&apart, &directory);
        let api_keys = self.api_keys.build(&database, &directory, &environment);
        let news = Arc::clone(&words) as _;
        let sessions = self.manager((&database, &accounts), store, directory, roles, news)?;
        Ok(Portcullis(Arc::new(Inner {
            gate,
            sessions,
            session_store,
            issuer,
            registrar,
            roles: Roles::new(shared(&database)).declaring(self.declared),
            audit: administration::Log::new(shared(&database)),
            decisions,
            accounts,
            organizations: Organizations::new(shared(&database), environment.clone(), self.organizations),
            service_accounts: ServiceAccounts::new(shared(&database), environment.clone()),
            api_keys,
            words,
            verifier: Verifier::new(Arc::clone(&keyring), self.tokens.expectation()),
            keyring,
            _worker: emails.work(),
            emails,
            http_settings: self.http_settings,
            key_age: self.key_age,
            transaction_limit: self.own.transaction_limit(),
            policies: self.policies,
            environment,
            _tier_watch: tiers.clone().map(|tiers| TierWatch::start(&database, tiers)),
            tiers,
            _follower: database.follow(self.follow),
            key_watch,
            database,
        })))
    }

    /// Makes the permissions and roles of the code known to the database.
    async fn declare_all(&self, database: &Database) -> Result<(), OpenError> {
        use portcullis_core::roles::Store as _;
        let permissions = BUILT_IN
            .iter()
            .chain(&self.permissions)
            .chain(self.declared.permissions());
        declare(database, permissions, &self.environment).await?;
        if self.declared.is_empty() {
            return Ok(());
        }
        let now = self.environment.now();
        for role in database.declare_roles(self.declared.records(), now).await?? {
            tracing::warn!(
                role,
                "this role was declared in a program's code and isn't in this one's: it stays as it is, with whoever has it; \
                 delete it if nobody needs it"
            );
        }
        Ok(())
    }

    fn registrar(
        &self,
        (database, accounts): (&Database, &Accounts),
        hasher: Arc<Hasher>,
        words: &Arc<Words>,
    ) -> Registrar {
        let environment = self.environment.clone();
        let rules = self.password_rules.iter().cloned();
        let policy = rules.fold(self.policy.clone(), password::PasswordPolicy::with_rule);
        let registrar = Registrar::new(shared(database), hasher, environment, policy);
        let registrar = registrar.writing(Arc::clone(words) as _);
        let registrar = if self.sessions.hide_addresses {
            registrar.hiding_addresses()
        } else {
            registrar
        };
        registrar.hooked(self.own.at_registration(accounts, database))
    }

    /// Every database that was sealed has signing keys; one that has none lost them, whatever else it has.
    async fn refuse_emptied(&self, database: &Database) -> Result<(), Fault> {
        defends!("T165");
        if self.blank == Blank::Refused && key::Store::load(database).await?.is_empty() {
            return Err(Fault::Empty("there is no signing key in it".to_owned()));
        }
        Ok(())
    }

    /// The signing keys of the database, opened under the master key; the first ones are made.
    async fn keyring(&self, database: &Database, sealer: &Arc<Sealer>) -> Result<Keyring, KeyringError> {
        let settings = key::keyring::Settings {
            algorithm: self.algorithm,
            overlap: self.tokens.key_overlap(),
        };
        let environment = self.environment.clone();
        Keyring::open(shared(database), Arc::clone(sealer), environment, settings).await
    }

    /// What makes and exchanges tokens.
    fn issuer(&self, database: &Database, keyring: &Arc<Keyring>, sealer: &Sealer) -> Issuer {
        Issuer::new(
            Arc::clone(keyring),
            shared(database),
            sealer,
            self.environment.clone(),
            self.tokens.clone(),
        )
    }

    /// What writes e-mails down and sends them.
    fn outbox(&self, database: &Database, sealer: &Arc<Sealer>) -> Emails {
        let environment = self.environment.clone();
        let outbox = Outbox::new(Arc::clone(sealer), environment.clone(), self.emails);
        let limit = self.emails.limit;
        Emails::new(self.mailer.clone(), outbox, shared(database), environment, limit)
    }

    /// What is told about addresses, sessions and keys.
    fn words(&self, emails: &Emails) -> Arc<Words> {
        Arc::new(Words {
            emails: emails.clone(),
            public_url: self.http_settings.public_url.clone(),
        })
    }

    /// What checks passwords that come with every request.
    fn passwords_of(&self, database: &Database, hasher: &Arc<Hasher>) -> Passwords {
        let passwords = Passwords::new(
            shared(database),
            Arc::clone(hasher),
            self.sessions.require_verified_email,
        );
        if self.sessions.hide_addresses {
            passwords.hiding_addresses()
        } else {
            passwords
        }
    }

    /// What explains refusals, and what accounts could do.
    fn decisions(&self, database: &Database, directory: &Arc<AccountDirectory>) -> Decisions {
        Decisions::new(
            shared(database),
            Arc::clone(directory),
            self.sessions.require_verified_email,
        )
    }

    /// What verifies on every route.
    fn authenticator(
        &self,
        database: &Database,
        sessions: Arc<dyn session::Store>,
        keyring: &Arc<Keyring>,
        directory: &Arc<AccountDirectory>,
        (generations, throttle): (Arc<Generations>, Arc<Throttle>),
    ) -> Authenticator {
        Authenticator::new(authn::AuthenticatorParts {
            directory: Arc::clone(directory),
            sessions,
            tokens: shared(database),
            api_keys: shared(database),
            verifier: Verifier::new(Arc::clone(keyring), self.tokens.expectation()),
            generations,
            bus: Arc::new(Followed(database.clone())),
            require_verified_email: self.sessions.require_verified_email,
            capacity: self.capacity,
            throttle,
        })
    }

    /// How the gate presents itself, and what it decides by.
    fn http_settings(
        &self,
        database: &Database,
        generations: &Arc<Generations>,
        (cookies, realm): (Cookies, Realm),
        sealer: Arc<Sealer>,
    ) -> enforcer::Settings {
        let organizations = organization::MemberDirectory::new(
            shared(&database.apart()),
            Arc::clone(generations),
            Arc::new(Followed(database.clone())),
            self.capacity,
        );
        let mut settings = enforcer::Settings::default();
        settings.origin.clone_from(&self.http_settings.public_url);
        settings.cookies = cookies;
        settings.realm = realm;
        settings.sealer = Some(sealer);
        settings.organizations = Some(Arc::new(organizations));
        settings.base_domain.clone_from(&self.base_domain);
        settings.proxies.clone_from(&self.proxies);
        settings.hosts = self.known_hosts();
        settings.limit_headers = self.rates.headers;
        if let Some(at_once) = self.recorded_at_once {
            settings.recorded_at_once = at_once;
        }
        settings.policies = self.policies.provider();
        settings.grants = grants::Grants::new(shared(database));
        settings.api_key_format = self.api_keys.format.clone();
        settings.api_key_places = self.api_keys.places.clone();
        settings
    }

    /// What logs in and out.
    fn manager(
        &self,
        (database, accounts): (&Database, &Accounts),
        sessions: Arc<dyn session::Store>,
        directory: Arc<AccountDirectory>,
        (hasher, issuer): (Arc<Hasher>, Arc<Issuer>),
        words: Arc<dyn session::News>,
    ) -> Result<Manager, InvalidClaim> {
        Ok(Manager::new(login::ManagerParts {
            accounts: shared(database),
            sessions,
            tokens: shared(database),
            audit: shared(database),
            directory,
            hasher,
            issuer,
            environment: self.environment.clone(),
            settings: self.sessions.clone(),
            news: Some(words),
            claims: self.own.claims(&self.tokens)?,
            hooks: self.own.at_login(accounts, database),
        }))
    }
}

/// Makes permissions known to the database.
pub(in super::super) async fn declare<'p>(
    database: &Database,
    permissions: impl Iterator<Item = &'p PermissionRef>,
    environment: &Environment,
) -> Result<(), Fault> {
    use portcullis_core::roles::Store as _;
    let records = permissions.map(|permission| {
        // Deciding about a name needs its bit, also where no rule of a route was asked yet.
        (permission.id)();
        PermissionRecord::from(permission)
    });
    database.declare(records.collect(), environment.now()).await
}

pub(in super::super) fn shared(database: &Database) -> Arc<Database> {
    Arc::new(database.clone())
}
