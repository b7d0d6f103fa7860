//! Gathers settings; [`assembly`] builds the roles.

mod accounts;
mod assembly;
mod edge;
mod error;
mod own;
mod records;

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::authz::{PermissionRef, RoleRef};
use portcullis_core::email::{self, Mailer};
use portcullis_core::environment::Environment;
use portcullis_core::key::{self, MasterKey};
use portcullis_core::login;
use portcullis_core::organization;
use portcullis_core::password;
use portcullis_core::roles::Declaration;
use portcullis_core::token;
use portcullis_store::Blank;
use url::Url;

use self::accounts::Own;
pub(super) use self::assembly::{declare, shared};
pub use self::error::OpenError;
use super::Portcullis;
use super::api_keys::Keys;
use super::limits::Rates;
use super::sessions::SessionStore;
use super::signed::Signatures;
use crate::cookie::{self, Cookies};
use crate::emails::organization as emails;
use crate::policies::{Keeper, PoliciesError};
use crate::proxies::Proxies;
use crate::{enforcer, environment};

/// Whether an outsider may learn which addresses have accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enumeration {
    /// Registering an address that another account has proven answers 409.
    #[default]
    Allowed,
    /// Registering by address answers 202 whether or not it is proven by another; the owner of a proven one gets an e-mail,
    /// and a refused login costs the same for every address.
    Hidden,
}

/// What HTTP needs to know beyond the rules.
#[derive(Debug, Clone)]
pub(crate) struct HttpSettings {
    /// Where people reach this server; the only source of mailed links.
    pub(crate) public_url: Option<Url>,
    /// The page that invitations lead to, where it isn't the server's.
    pub(crate) invitation_url: Option<Url>,
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
    mailer: Option<Arc<dyn Mailer>>,
    http_settings: HttpSettings,
    realm: Option<String>,
    passwords: password::Settings,
    policy: password::PasswordPolicy,
    password_rules: Vec<password::PasswordRule>,
    sessions: login::Settings,
    session_store: SessionStore,
    pub(super) rates: Rates,
    cookies: cookie::Settings,
    tokens: token::Settings,
    resources: Vec<(String, Option<Duration>)>,
    algorithm: key::Algorithm,
    key_age: Duration,
    permissions: Vec<PermissionRef>,
    roles: Vec<RoleRef>,
    declared: Declaration,
    pub(super) api_keys: Keys,
    pub(super) signatures: Signatures,
    organizations: organization::Settings,
    emails: email::Settings,
    base_domain: Option<String>,
    recorded_at_once: Option<u32>,
    proxies: Proxies,
    hosts: Vec<String>,
    policies: Keeper,
    follow: Duration,
    capacity: usize,
    blank: Blank,
    own: Own,
}

impl Builder {
    /// How long a signing key signs, unless [`Builder::key_age`] says otherwise: 90 days.
    pub const KEY_AGE: Duration = Duration::from_secs(90 * 86_400);

    pub(super) fn new() -> Self {
        Self {
            url: "sqlite:portcullis.db".to_owned(),
            master_key: None,
            environment: environment::system(),
            mailer: None,
            http_settings: HttpSettings {
                public_url: None,
                invitation_url: None,
                password_grant: true,
                enumeration: Enumeration::default(),
            },
            realm: None,
            passwords: password::Settings::default(),
            policy: password::PasswordPolicy::default(),
            password_rules: Vec::new(),
            sessions: login::Settings::default(),
            session_store: SessionStore::default(),
            rates: Rates::default(),
            cookies: cookie::Settings::default(),
            tokens: token::Settings::default(),
            resources: Vec::new(),
            algorithm: key::Algorithm::default(),
            key_age: Self::KEY_AGE,
            permissions: Vec::new(),
            roles: Vec::new(),
            declared: Declaration::default(),
            organizations: organization::Settings::default(),
            emails: email::Settings::default(),
            base_domain: None,
            recorded_at_once: None,
            proxies: Proxies::default(),
            hosts: Vec::new(),
            policies: Keeper::default(),
            api_keys: Keys::default(),
            signatures: Signatures::default(),
            follow: Duration::from_millis(250),
            capacity: 100_000,
            blank: Blank::Filled,
            own: Own::default(),
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

    /// Whether a database without anything in it is refused and left as it is, instead of filled: for a master key that has
    /// sealed one ([`Secrets::sealed`](crate::secrets::Secrets::sealed)). One that Portcullis keeps beside the database knows.
    pub fn refuse_empty(mut self, refuse: bool) -> Self {
        self.blank = if refuse { Blank::Refused } else { Blank::Filled };
        self
    }

    /// Another clock and randomness than the system's: for tests.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// What sends mail. Without one, e-mails wait until they are of no use.
    pub fn mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = Some(mailer);
        self
    }

    /// How many e-mails are sent, and how long handing one over may take.
    pub fn emails(mut self, settings: email::Settings) -> Self {
        self.emails = settings;
        self
    }

    /// Where people reach this server, such as `https://id.example.com/`. Mailed links begin with it, it is the
    /// issuer of tokens unless [`Builder::tokens`] names another, and cookies are accepted from its pages.
    pub fn public_url(mut self, url: Url) -> Self {
        self.http_settings.public_url = Some(url);
        self
    }

    /// The page that the link of an invitation leads to: `accept-invitation` below [`Builder::public_url`] unless said
    /// otherwise, which only the server has. The e-mail appends `?token=…`; the page shows that code, or sends it to
    /// `POST /auth/invitations/accept` when a person who has logged in asks for it. Looking at it must use nothing up.
    pub fn invitation_url(mut self, page: Url) -> Self {
        self.http_settings.invitation_url = Some(page);
        self
    }

    /// What challenges (`WWW-Authenticate`) call this server, such as `Blog`: `portcullis` unless said otherwise. Browsers
    /// show it where a route takes HTTP Basic. Printable ASCII without quotes and backslashes.
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// How passwords are hashed.
    pub fn passwords(mut self, settings: password::Settings) -> Self {
        self.passwords = settings;
        self
    }

    /// What new passwords must look like.
    pub fn password_policy(mut self, policy: password::PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How long sessions live.
    pub fn sessions(mut self, settings: login::Settings) -> Self {
        self.sessions = settings;
        self
    }

    /// Where opaque sessions are kept: in the database unless said otherwise.
    pub fn session_store(mut self, store: SessionStore) -> Self {
        self.session_store = store;
        self
    }

    /// How cookies are called and written.
    pub fn cookies(mut self, settings: cookie::Settings) -> Self {
        self.cookies = settings;
        self
    }

    /// How tokens are issued.
    pub fn tokens(mut self, settings: token::Settings) -> Self {
        self.tokens = settings;
        self
    }

    /// An application elsewhere that tokens may be for, such as `https://blog.example.com`: an absolute URI without
    /// fragment, which is the audience it insists on ([`Remote::builder`](crate::Remote::builder)). A client names it as `resource` when it
    /// asks for a token. Such a token is refused by every other application and by this server.
    ///
    /// Source: RFC 8707
    pub fn resource(mut self, uri: &str) -> Self {
        self.resources.push((uri.to_owned(), None));
        self
    }

    /// The same, whose access tokens live for `lifetime` instead of [`Settings::access_lifetime`](token::Settings::access_lifetime):
    /// ten seconds to a day.
    pub fn resource_living(mut self, uri: &str, lifetime: Duration) -> Self {
        self.resources.push((uri.to_owned(), Some(lifetime)));
        self
    }

    /// What tokens are signed with: ES256 unless said otherwise.
    pub fn algorithm(mut self, algorithm: key::Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// How long a signing key signs before the next one does: 90 days; at least an hour. [`Portcullis::serve`] looks
    /// hourly. What a key signed stays good until it expires.
    pub fn key_age(mut self, age: Duration) -> Self {
        self.key_age = age;
        self
    }

    /// Whether `POST /oauth/token` answers `grant_type=password`: yes unless said otherwise.
    pub fn password_grant(mut self, offered: bool) -> Self {
        self.http_settings.password_grant = offered;
        self
    }

    /// Whether an account without a proven address is refused: no unless said otherwise.
    pub fn require_verified_email(mut self, required: bool) -> Self {
        self.sessions.require_verified_email = required;
        self
    }

    /// Whether an outsider may learn which addresses have accounts.
    pub fn enumeration(mut self, enumeration: Enumeration) -> Self {
        self.http_settings.enumeration = enumeration;
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

    /// How many refusals of one account are recorded at once, for `portcullis why` and the audit log: 100. Then it is one
    /// each 30 seconds, so that nobody fills the record; how many weren't is told by the next one that is.
    pub fn recorded_refusals(mut self, at_once: u32) -> Self {
        self.recorded_at_once = Some(at_once);
        self
    }

    /// The folder with the policies that decide where a rule names an action: its files `*.cedar`, by name. They are
    /// put in force when the routes are known, by [`Portcullis::serve`], and again whenever they change; a bad
    /// change is reported and the last good policies stay. Without a folder nothing is permitted by policy.
    #[cfg(feature = "policies")]
    pub fn policies(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.policies = self.policies.folder(folder.into());
        self
    }

    /// Kinds of resources that policies may speak of, besides those of the routes ([`Authorized`](crate::Authorized),
    /// [`Visible`](crate::Visible)).
    #[cfg(feature = "policies")]
    pub fn resources(mut self, kinds: &[&'static portcullis_core::authz::ResourceKind]) -> Self {
        self.policies = self.policies.kinds(kinds);
        self
    }

    /// Opens the database and builds everything on it.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do; nothing runs then.
    pub async fn open(mut self) -> Result<Portcullis, OpenError> {
        self.tokens.require_verified_email = self.sessions.require_verified_email;
        self.sessions.hide_addresses = self.http_settings.enumeration == Enumeration::Hidden;
        if let Some(url) = &self.http_settings.public_url
            && self.tokens.issuer == token::Settings::default().issuer
        {
            self.tokens.issuer = url.as_str().trim_end_matches('/').to_owned();
        }
        if self.tokens.issuer.ends_with('/') {
            return Err(OpenError::Issuer);
        }
        if !self
            .http_settings
            .invitation_url
            .as_ref()
            .is_none_or(emails::is_page)
        {
            return Err(OpenError::InvitationUrl);
        }
        self.policies.check_functions().map_err(PoliciesError::Function)?;
        self.declared = Declaration::parse(std::mem::take(&mut self.roles))?;
        if self.key_age < LEAST_KEY_AGE {
            return Err(OpenError::KeyAge);
        }
        if self.tokens.longest_purpose() > self.key_age.saturating_mul(ROTATIONS) {
            return Err(OpenError::PurposeLifetime);
        }
        for (uri, lifetime) in &self.resources {
            let resource = token::Resource::parse(uri)?;
            let resource = match lifetime {
                Some(lifetime) => resource.living(*lifetime)?,
                None => resource,
            };
            self.tokens.resources.push(resource);
        }
        self.tokens.check()?;
        self.own.check()?;
        let realm = self.realm.as_deref().map(enforcer::Realm::parse).transpose()?;
        let cookies = Cookies::new(self.cookies.clone(), self.http_settings.public_url.as_ref())?;
        if self.api_keys.places.takes(cookies.csrf_header()) {
            return Err(OpenError::SharedHeader(cookies.csrf_header().to_string()));
        }
        self.open_records((cookies, realm.unwrap_or_default())).await
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("http", &self.http_settings)
            .finish_non_exhaustive()
    }
}

/// How often it is looked whether a key is due, and far longer than a copy of the published keys may be kept.
const LEAST_KEY_AGE: Duration = Duration::from_secs(3_600);

/// How often keys may be rotated while one that retired is kept for a purpose: fewer than a ring holds of such.
const ROTATIONS: u32 = 7;
