//! What every enforcer of an [`Api`](crate::Api) rests on.

use std::sync::{Arc, PoisonError, RwLock};

use portcullis_core::api_key::{self, Format};
use portcullis_core::authn::{Authentication, Authenticator};
use portcullis_core::authz::{CredentialKind, Kinds, NoPolicies, Policies, explain};
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::grants::{Grants, NoGrants};
use portcullis_core::key::{MasterKey, Sealer};
use portcullis_core::organization::MemberDirectory;
use portcullis_core::session::Token;
use portcullis_core::signature::{MemoryNonces, Nonces, SignatureVerifier, Urls};
use portcullis_core::throttle::{Limiter, Rate, Throttle};
use url::{Origin, Url};

use super::csrf;
use super::denials::{self, Denials};
use super::scheme::Places;
use super::traces::Traces;
use crate::cookie::Cookies;
use crate::host::Hosts;
use crate::proxies::Proxies;
use crate::rates::LimitHeaders;
use crate::request::Realm;
use crate::route::RouteInfo;

/// Verifies and decides for all routes of an [`Api`](crate::Api). Cloning it is cheap and gives the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    authentication: Authentication,
    environment: Environment,
    denials: Denials,
    noted_limits: Limiter,
    throttle: Arc<Throttle>,
    limit_headers: LimitHeaders,
    policies: Arc<dyn Policies>,
    grants: Grants,
    organizations: Option<Arc<MemberDirectory>>,
    base_domain: Option<String>,
    own_host: Option<String>,
    hosts: Hosts,
    traces: Traces,
    realm: Realm,
    cookies: Cookies,
    sealer: Arc<Sealer>,
    csrf: csrf::Signer,
    signatures: Option<SignatureVerifier>,
    urls: Urls,
    proxies: Proxies,
    key_format: Format,
    key_places: Places,
    origin: Option<Origin>,
    https: bool,
    routes: RwLock<Vec<RouteInfo<'static>>>,
    /// Other origins whose pages count as those of this site.
    trusted: RwLock<Vec<Origin>>,
}

/// How a [`Gate`] presents itself.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What challenges call the API.
    pub realm: Realm,
    /// How cookies are called and written.
    pub cookies: Cookies,
    /// What seals cookies and signs CSRF tokens. `None` for a key that only this process knows: what it sealed
    /// ends with it.
    pub sealer: Option<Arc<Sealer>>,
    /// How API keys are written.
    pub api_key_format: Format,
    /// Where they stand in a request.
    pub api_key_places: Places,
    /// What decides where a rule names an action.
    pub policies: Arc<dyn Policies>,
    /// What is shared with whom.
    pub grants: Grants,
    /// Who is a member of which organization. Without it, nobody is a member of any.
    pub organizations: Option<Arc<MemberDirectory>>,
    /// The domain whose subdomains name organizations, such as `app.example.com`; without it, no subdomain does.
    pub base_domain: Option<String>,
    /// How many refusals of one account are recorded at once: 100. Then it is one each 30 seconds.
    pub recorded_at_once: u32,
    /// What verifies signed requests: without it, no route accepts any.
    pub signatures: Option<SignatureVerifier>,
    /// Where it is remembered which signed URLs were used that are good once. In this process's memory unless said otherwise:
    /// several nodes need something that they share.
    pub nonces: Arc<dyn Nonces>,
    /// Which proxies are believed about the client's address: none by default.
    pub proxies: Proxies,
    /// The hosts that requests may name, besides the base domain and those below it, and whatever names this machine. Without
    /// them any host is answered for.
    pub hosts: Option<Vec<String>>,
    /// What counts how often routes are called. Without it this process counts for itself; the rates of API keys are counted
    /// by the authenticator's.
    pub throttle: Option<Arc<Throttle>>,
    /// In which headers answers tell what is left of the limits of routes.
    pub limit_headers: LimitHeaders,
    /// The address by which browsers reach the API. A browser without Fetch-Metadata headers may send its cookie
    /// with unsafe methods from pages of this origin only; without it, not at all.
    pub origin: Option<Url>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: Realm::default(),
            cookies: Cookies::default(),
            sealer: None,
            api_key_format: Format::default(),
            api_key_places: Places::default(),
            policies: Arc::new(NoPolicies),
            grants: Grants::new(Arc::new(NoGrants)),
            organizations: None,
            base_domain: None,
            recorded_at_once: denials::AT_ONCE,
            signatures: None,
            nonces: Arc::new(MemoryNonces::new()),
            proxies: Proxies::default(),
            hosts: None,
            throttle: None,
            limit_headers: LimitHeaders::default(),
            origin: None,
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("realm", &self.realm)
            .field("signatures", &self.signatures)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that verifies with `authenticator` and records denials in `decisions`.
    pub fn new(
        authenticator: Arc<Authenticator>,
        environment: Environment,
        decisions: Arc<dyn explain::Store>,
        settings: Settings,
    ) -> Self {
        Self::of(
            Authentication::Embedded(authenticator),
            environment,
            decisions,
            settings,
        )
    }

    pub(crate) fn of(
        authentication: Authentication,
        environment: Environment,
        decisions: Arc<dyn explain::Store>,
        settings: Settings,
    ) -> Self {
        let origin = settings.origin.as_ref();
        let throttle = settings.throttle.unwrap_or_else(|| {
            let own = Limiter::new(Limiter::CAPACITY);
            Arc::new(Throttle::alone(own))
        });
        let sealer = settings.sealer.unwrap_or_else(|| {
            Arc::new(Sealer::new(
                MasterKey::generate(&environment),
                environment.clone(),
            ))
        });
        Self(Arc::new(Inner {
            authentication,
            traces: Traces::new(&environment),
            environment,
            denials: Denials::new(decisions, settings.recorded_at_once),
            noted_limits: Limiter::new(NOTED_LIMITS),
            throttle,
            limit_headers: settings.limit_headers,
            policies: settings.policies,
            grants: settings.grants,
            organizations: settings.organizations,
            base_domain: settings
                .base_domain
                .map(|domain| domain.trim_matches('.').to_ascii_lowercase())
                .filter(|domain| !domain.is_empty()),
            realm: settings.realm,
            cookies: settings.cookies,
            csrf: csrf::Signer::new(&sealer),
            signatures: settings.signatures,
            urls: Urls::new(&sealer, settings.nonces),
            sealer,
            proxies: settings.proxies,
            key_format: settings.api_key_format,
            key_places: settings.api_key_places,
            hosts: settings.hosts.map(Hosts::only).unwrap_or_default(),
            own_host: origin.and_then(Url::host_str).map(str::to_ascii_lowercase),
            origin: origin.map(Url::origin),
            https: origin.is_some_and(|url| url.scheme() == "https"),
            routes: RwLock::default(),
            trusted: RwLock::default(),
        }))
    }

    /// What turns the credentials of requests into principals.
    pub fn authenticator(&self) -> &Authentication {
        &self.0.authentication
    }

    /// Those of the kinds a route accepts that can be honoured here.
    pub(crate) fn kinds(&self, accepted: Kinds) -> Kinds {
        let mut here = self
            .0
            .authentication
            .kinds()
            .union(Kinds::of(&[CredentialKind::SignedUrl]));
        if self.0.signatures.is_some() {
            here = here.union(Kinds::of(&[CredentialKind::Signature]));
        }
        accepted.intersection(here)
    }

    /// The clock and the randomness.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// How cookies are called and written.
    pub fn cookies(&self) -> &Cookies {
        &self.0.cookies
    }

    /// A CSRF token for the session: what a page sends in a header beside its session cookie. Each is another text.
    pub fn csrf_token(&self, session: &Token) -> String {
        self.0.csrf.issue(&session.digest(), &self.0.environment)
    }

    /// What decides about actions on resources, and shares them.
    pub fn grants(&self) -> &Grants {
        &self.0.grants
    }

    /// What counts how often routes are called.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    pub(crate) fn limit_headers(&self) -> LimitHeaders {
        self.0.limit_headers
    }

    /// What verifies signed requests, if anything does.
    pub(crate) fn signatures(&self) -> Option<&SignatureVerifier> {
        self.0.signatures.as_ref()
    }

    /// Signs URLs that a route with `Via<SignedUrl>` opens for, and verifies them.
    pub fn signed_urls(&self) -> &Urls {
        &self.0.urls
    }

    /// Where API keys stand in a request.
    pub fn api_key_places(&self) -> &Places {
        &self.0.key_places
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    pub(crate) fn api_key_format(&self) -> &Format {
        &self.0.key_format
    }

    /// How many denials were not recorded because too many came at once.
    pub fn denials_dropped(&self) -> u64 {
        self.0.denials.dropped()
    }

    /// Waits until every denial answered before is recorded. For an orderly stop.
    pub async fn settled(&self) {
        self.0.denials.settled().await;
    }

    /// The routes of every [`Api`](crate::Api) that became a router behind this gate.
    pub fn routes(&self) -> Vec<RouteInfo<'static>> {
        self.0
            .routes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes routes in; one of the same method and path is replaced.
    pub(crate) fn know_routes(&self, new: impl Iterator<Item = RouteInfo<'static>>) {
        let mut routes = self.0.routes.write().unwrap_or_else(PoisonError::into_inner);
        for route in new {
            routes.retain(|known| (known.verb(), known.path()) != (route.verb(), route.path()));
            routes.push(route);
        }
    }

    /// Lets pages of these origins act with what a browser attaches by itself.
    pub(crate) fn trust_origins(&self, origins: impl Iterator<Item = Origin>) {
        let mut trusted = self.0.trusted.write().unwrap_or_else(PoisonError::into_inner);
        trusted.extend(origins);
    }

    /// Whether pages of this origin act with what a browser attaches by itself.
    pub(super) fn trusts(&self, origin: &str) -> bool {
        let trusted = self.0.trusted.read().unwrap_or_else(PoisonError::into_inner);
        !trusted.is_empty() && Url::parse(origin).is_ok_and(|url| trusted.contains(&url.origin()))
    }

    #[doc(hidden)]
    pub fn policies(&self) -> &dyn Policies {
        &*self.0.policies
    }

    pub(super) fn csrf(&self) -> &csrf::Signer {
        &self.0.csrf
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(super) fn organizations(&self) -> Option<&MemberDirectory> {
        self.0.organizations.as_deref()
    }

    pub(super) fn own_host(&self) -> Option<&str> {
        self.0.own_host.as_deref()
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    pub(crate) fn base_domain(&self) -> Option<&str> {
        self.0.base_domain.as_deref()
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.0.denials
    }

    /// Whether to record that the key was used too often: once a minute and key.
    pub(super) fn notes_limit_of(&self, key: api_key::Id, at: Timestamp) -> bool {
        let counted = self.0.noted_limits.count(key.as_uuid(), Rate::ONCE_A_MINUTE, at);
        counted.is_ok()
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    pub(super) fn traces(&self) -> &Traces {
        &self.0.traces
    }

    pub(crate) fn realm(&self) -> &Realm {
        &self.0.realm
    }

    /// Whether clients reach this server by TLS only.
    pub(crate) fn is_https(&self) -> bool {
        self.0.https
    }
}

/// For how many keys is remembered when it was last recorded that they were used too often.
const NOTED_LIMITS: usize = 10_000;

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("realm", &self.0.realm)
            .finish_non_exhaustive()
    }
}
