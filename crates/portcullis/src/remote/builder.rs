//! Gathers settings for a resource server that honours another issuer's tokens.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_core::attribute::{Declared, Definition, InvalidAttribute};
use portcullis_core::authn::{Authentication, MAX_LIFETIME, RemoteAuthenticator};
#[cfg(feature = "policies")]
use portcullis_core::authz::ResourceKind;
use portcullis_core::authz::Verdict;
use portcullis_core::authz::function::{InvalidFunction, PolicyFunction, Question};
use portcullis_core::environment::Environment;
use portcullis_core::key::remote::{self, Fetch, RemoteKeys};
use portcullis_core::key::{Algorithm, MasterKey, Sealer};
use portcullis_core::token::{self, Expectation};
use url::Url;

use super::Remote;
use super::discovery::{Discovery, Issuer};
use super::log::LogOnly;
use crate::enforcer::{self, Gate};
use crate::environment;
use crate::outbound::{self, Client, InvalidRoots, Limits};
use crate::policies::Keeper;
use crate::proxies::Proxies;

/// Why another issuer's tokens can't be verified. An issuer that can't be reached is no such reason: it is asked
/// again and again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The issuer isn't an address that keys could be had from.
    #[error(
        "{0:?} is no issuer's address: write it as the tokens' `iss` says it, https, without query and fragment; for \
         one on this machine call `dangerous_allow_loopback`"
    )]
    Issuer(String),
    /// The policies that are functions.
    #[error(transparent)]
    Policies(#[from] InvalidFunction),
    /// A shared secret is never published.
    #[error("{0} is an algorithm of shared secrets, which nobody publishes; name algorithms of public keys")]
    Symmetric(Algorithm),
    /// No algorithm is left.
    #[error("no algorithm is allowed: no token could be valid")]
    NoAlgorithm,
    /// What challenges call this server.
    #[error(transparent)]
    Realm(#[from] enforcer::InvalidRealm),
    /// An attribute.
    #[error(transparent)]
    Attribute(#[from] InvalidAttribute),
    /// The certificates to trust.
    #[error(transparent)]
    Roots(#[from] InvalidRoots),
}

/// Gathers what a [`Remote`] is made of. Everything has a safe default.
#[must_use]
pub struct Builder {
    issuer: String,
    expectation: Expectation,
    keys: remote::Settings,
    outbound: outbound::Settings,
    origins: Vec<Url>,
    gate: enforcer::Settings,
    realm: Option<String>,
    environment: Environment,
    capacity: usize,
    max_lifetime: Duration,
    policies: Keeper,
    attributes: Vec<Definition>,
    master_key: Option<MasterKey>,
    keys_from: Option<Arc<dyn Fetch>>,
}

impl Builder {
    pub(super) fn new(issuer: &str) -> Self {
        let tokens = token::Settings::default();
        Self {
            issuer: issuer.to_owned(),
            expectation: Expectation {
                issuer: issuer.to_owned(),
                ..tokens.expectation()
            },
            keys: remote::Settings::default(),
            outbound: outbound::Settings::default(),
            origins: Vec::new(),
            gate: enforcer::Settings::default(),
            realm: None,
            environment: environment::system(),
            capacity: 100_000,
            max_lifetime: MAX_LIFETIME,
            policies: Keeper::default(),
            attributes: Vec::new(),
            master_key: None,
            keys_from: None,
        }
    }

    /// Whom tokens must be for: the resource by which this application is registered at the issuer
    /// (`Builder::resource`), to the letter, such as `https://blog.example.com`.
    ///
    /// Unless it is said, tokens for the issuer itself (`portcullis`) are honoured. Then whoever is shown a token here
    /// could use it at the issuer as well.
    pub fn audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.expectation.audience);
        self
    }

    /// The algorithms that are honoured: all of public keys unless said otherwise.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.keys.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far clocks may differ: 30 s, at most 60 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.expectation.leeway = leeway;
        self
    }

    /// How long keys are kept and how often they are asked for.
    pub fn keys(mut self, change: impl FnOnce(&mut remote::Settings)) -> Self {
        change(&mut self.keys);
        self
    }

    /// What one fetch may cost.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.outbound.limits);
        self
    }

    /// Another origin, such as `https://keys.example.com`, at which the issuer may publish its keys.
    pub fn keys_at(mut self, origin: Url) -> Self {
        self.origins.push(origin);
        self
    }

    /// Another source of the issuer's key sets than its address: for tests without a socket. Dangerous because nothing
    /// is asked then whether the keys are that issuer's: whoever supplies them decides who everybody is.
    pub fn dangerous_keys_from(mut self, source: Arc<dyn Fetch>) -> Self {
        self.keys_from = Some(source);
        self
    }

    /// A network of one's own in which the issuer may be: private addresses are refused otherwise.
    pub fn private_network(mut self, network: IpNet) -> Self {
        self.outbound.networks.push(network);
        self
    }

    /// Lets the issuer be on this machine, and be asked there without TLS. For development and tests: any program on
    /// the machine could answer in its place.
    pub fn dangerous_allow_loopback(mut self) -> Self {
        self.outbound.loopback = true;
        self
    }

    /// The certificates to trust instead of the system's, in PEM: of an authority of one's own.
    pub fn root_certificates(mut self, pem: &[u8]) -> Self {
        self.outbound.roots = Some(pem.to_vec());
        self
    }

    /// For how long after it was issued a token is honoured at most, whatever its issuer says: 24 hours.
    pub fn max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = most;
        self
    }

    /// A claim of the issuer's tokens that is an attribute of their accounts here: handlers read it, and policies may name it if
    /// it says so. Where the issuer is a Portcullis it declares the same attribute, or a claim of that name. A claim of another
    /// type isn't there.
    pub fn attribute(mut self, attribute: impl Into<Definition>) -> Self {
        self.attributes.push(attribute.into());
        self
    }

    /// The folder with the policies that decide where a rule names an action: its files `*.cedar`. They are put in force
    /// when the routes are known, by [`Remote::serve`], and again whenever they change; a bad change is reported and the
    /// last good policies stay. Without a folder nothing is permitted by policy.
    #[cfg(feature = "policies")]
    pub fn policies(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.policies = self.policies.folder(folder.into());
        self
    }

    /// Kinds of resources that policies may speak of, besides those of the routes.
    #[cfg(feature = "policies")]
    pub fn resources(mut self, kinds: &[&'static ResourceKind]) -> Self {
        self.policies = self.policies.kinds(kinds);
        self
    }

    /// A policy that is a function of the program, for these actions. It decides together with the policies of the folder, if there are
    /// any: one that forbids outweighs all that permit, and one that panics forbids. It answers at once, and the same question in the same
    /// way. An action by which a route lists ([`Visible`](crate::Visible)), or that no route asks for, is refused when the routes are known.
    pub fn policy(
        mut self,
        name: &'static str,
        actions: &[&'static str],
        function: impl Fn(&Question<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.policies = self
            .policies
            .function(PolicyFunction::new(name, actions, function));
        self
    }

    /// What seals the data of cookie sessions: with the same key they outlive a restart, and another node reads them.
    /// Unless one is given it is made anew at each start.
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master_key = Some(key);
        self
    }

    /// Where people reach this server.
    pub fn public_url(mut self, url: Url) -> Self {
        self.gate.origin = Some(url);
        self
    }

    /// Which proxies are believed about the client's address: none unless said otherwise, so that it is the peer's.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.gate.proxies = proxies;
        self
    }

    /// What challenges (`WWW-Authenticate`) call this server, such as `Blog`: `portcullis` unless said otherwise. Printable
    /// ASCII without quotes and backslashes.
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// Another clock and randomness than the system's: for tests.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// How many verified tokens of usual size, a KiB each, are remembered: 100,000. Of larger ones fewer.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Begins to follow the issuer's keys. Doesn't wait for them: requests do, and answer 503 while there are none.
    ///
    /// # Errors
    /// [`RemoteError`]; nothing was begun then.
    // Async like its sibling that opens a database: it must run where tasks can be spawned.
    pub async fn open(mut self) -> Result<Remote, RemoteError> {
        let issuer = Issuer::parse(&self.issuer, self.outbound.loopback);
        let issuer = issuer.ok_or_else(|| RemoteError::Issuer(self.issuer.clone()))?;
        if let Some(secret) = self
            .keys
            .algorithms
            .iter()
            .find(|algorithm| algorithm.is_symmetric())
        {
            return Err(RemoteError::Symmetric(*secret));
        }
        if self.keys.algorithms.is_empty() {
            return Err(RemoteError::NoAlgorithm);
        }
        self.policies.check_functions()?;
        if let Some(realm) = &self.realm {
            self.gate.realm = enforcer::Realm::parse(realm)?;
        }
        let source: Arc<dyn Fetch> = match self.keys_from {
            Some(source) => source,
            None => Arc::new(Discovery {
                client: Client::new(self.outbound)?,
                origins: self.origins.iter().map(Url::origin).collect(),
                issuer: issuer.clone(),
            }),
        };
        let keys = RemoteKeys::new(source, self.environment.clone(), self.keys);
        if self.expectation.audience == token::Settings::default().audience {
            tracing::warn!(
                audience = self.expectation.audience,
                "tokens for the issuer itself are honoured, so whoever reads one here could use it there: register this \
                 application as a resource at the issuer and name it as the audience"
            );
        }
        let authenticator = RemoteAuthenticator::new(Arc::new(keys), self.expectation, self.capacity);
        let declared = Declared::new(self.attributes)?;
        self.policies = self.policies.attributes(&declared);
        let authenticator = authenticator.with_max_lifetime(self.max_lifetime);
        let authenticator = Arc::new(authenticator.with_attributes(declared));
        self.gate.policies = self.policies.provider();
        let environment = &self.environment;
        let sealer = |key| Arc::new(Sealer::new(key, environment.clone()));
        self.gate.sealer = self.master_key.map(sealer);
        let gate = Gate::of(
            Authentication::Remote(Arc::clone(&authenticator)),
            self.environment.clone(),
            Arc::new(LogOnly),
            self.gate,
        );
        Ok(Remote::new(
            authenticator,
            self.environment,
            issuer.as_str().to_owned(),
            gate,
            self.policies,
        ))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("expectation", &self.expectation)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
