//! A world in memory: one account, its sessions, a clock moved by hand, and a router around them.

mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use portcullis::core::authn::{AccountDirectory, Alone, Authenticator, AuthenticatorParts};
use portcullis::core::environment::{Clock, Entropy, Environment, Timestamp};
use portcullis::core::invalidation::{Generations, Invalidation};
use portcullis::core::key::{Algorithm, Keyring, MasterKey, Sealer, SigningKey};
use portcullis::core::session::{Device, Session, Token};
use portcullis::core::throttle::{Limiter, Throttle};
use portcullis::core::token::{Issuer, Settings, TokenSubject, Verifier};
use portcullis::core::{account, session};
use portcullis::enforcer;
use portcullis::{Api, Gate};
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) use self::world::{ACCOUNT, World};

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A clock that only tests move.
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// "Randomness" that is the same in every run.
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Everything a test of a route needs.
pub(crate) struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) generations: Arc<Generations>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) environment: Environment,
    pub(crate) gate: Gate,
    issuer: Issuer,
}

impl Default for Bench {
    fn default() -> Self {
        Self::with(|_| {})
    }
}

impl Bench {
    /// A bench whose gate is set up by `change`.
    pub(crate) fn with(change: impl FnOnce(&mut enforcer::Settings)) -> Self {
        let world = Arc::new(World::default());
        let clock = Arc::new(Hand(AtomicI64::new(START.as_micros())));
        let environment = Environment::new(Arc::clone(&clock) as _, Arc::new(Counter(AtomicU64::new(7))));
        let generations = Arc::new(Generations::new());
        let signer = SigningKey::generate(Algorithm::EdDSA, &environment).unwrap();
        let keyring = Arc::new(Keyring::of_keys(signer, Vec::new()));
        let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
        let settings = Settings::default();
        let mut http_settings = enforcer::Settings::default();
        change(&mut http_settings);
        let throttle = http_settings
            .throttle
            .get_or_insert_with(|| Arc::new(Throttle::alone(Limiter::new(1_000))));
        let throttle = Arc::clone(throttle);
        let authenticator = Arc::new(Authenticator::new(AuthenticatorParts {
            directory: Arc::new(AccountDirectory::new(
                Arc::clone(&world) as _,
                Arc::clone(&generations),
                100,
            )),
            sessions: Arc::clone(&world) as _,
            tokens: Arc::clone(&world) as _,
            api_keys: Arc::clone(&world) as _,
            verifier: Verifier::new(Arc::clone(&keyring), settings.expectation()),
            generations: Arc::clone(&generations),
            bus: Arc::new(Alone),
            require_verified_email: false,
            capacity: 100,
            throttle,
        }));
        let issuer = Issuer::new(
            keyring,
            Arc::clone(&world) as _,
            &sealer,
            environment.clone(),
            settings,
        );
        let gate = Gate::new(
            authenticator,
            environment.clone(),
            Arc::clone(&world) as _,
            http_settings,
        );
        Self {
            world,
            generations,
            clock,
            environment,
            gate,
            issuer,
        }
    }

    /// Moves the clock forward by `time`.
    pub(crate) fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// A new session of the account, and its token's text.
    pub(crate) fn session(&self, scopes: Option<&[&str]>) -> (session::Id, String) {
        let token = Token::mint(&self.environment);
        let now = self.environment.now();
        let session = Session {
            id: session::Id::new(&self.environment),
            account: ACCOUNT,
            stamp: self.world.account().stamp,
            device: Device::default(),
            method: session::Method::Password,
            scopes: scopes.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            authenticated_at: now,
            last_seen_at: now,
            idle: Duration::from_secs(1_800),
            expires_at: now.plus(Duration::from_secs(43_200)),
        };
        let id = session.id;
        self.world
            .sessions
            .lock()
            .unwrap()
            .insert(*token.digest().as_bytes(), session);
        (id, token.expose().to_string())
    }

    /// A token of a new session with everything the account may do.
    pub(crate) fn token(&self) -> String {
        self.session(None).1
    }

    /// A CSRF token of the session with this token.
    pub(crate) fn csrf(&self, token: &str) -> String {
        self.gate.csrf_token(&Token::parse(token).unwrap())
    }

    /// An access token of a new session.
    pub(crate) fn jwt(&self, scopes: Option<&[&str]>) -> String {
        let (id, _) = self.session(scopes);
        let session = self.world.session(id).unwrap();
        let subject = TokenSubject {
            session,
            account: self.world.account(),
        };
        let access = self.issuer.mint_access(&subject, serde_json::Map::new()).unwrap();
        access.token.expose().to_owned()
    }

    /// Ends a session, as a node does that is told of it.
    pub(crate) fn end(&self, id: session::Id) {
        self.world
            .sessions
            .lock()
            .unwrap()
            .retain(|_, session| session.id != id);
        self.generations.apply(Invalidation::Session(id));
    }

    /// Sets the account's state.
    pub(crate) fn set_state(&self, state: account::AccountState) {
        *self.world.state.lock().unwrap() = state;
        self.generations.apply(Invalidation::Account(ACCOUNT));
    }

    /// Gives the account exactly these permissions and roles.
    pub(crate) fn grant(&self, permissions: &[&str], roles: &[&str]) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        *self.world.permissions.lock().unwrap() = owned(permissions);
        *self.world.roles.lock().unwrap() = owned(roles);
        self.generations.apply(Invalidation::Account(ACCOUNT));
    }

    /// The router of `api` behind this bench's gate.
    pub(crate) fn client(&self, api: Api) -> Client {
        Client(api.into_router(self.gate.clone()).unwrap())
    }
}

/// Sends requests into a router.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Router);

/// An answer, with its whole body as text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    /// The problem's code; empty if it is no problem.
    pub(crate) fn code(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem without its trace id, which every request has its own.
    pub(crate) fn problem(&self) -> Value {
        let mut json = self.json();
        let trace = json
            .as_object_mut()
            .unwrap()
            .remove("trace_id")
            .expect("a trace id");
        assert_eq!(trace, self.header("x-request-id"));
        json
    }
}

impl Client {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        let peer = SocketAddr::from(([192, 0, 2, 7], 4_711));
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, path, headers, "").await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &str) -> Answer {
        self.call(Method::POST, path, &[("content-type", "application/json")], body)
            .await
    }
}

/// The value of `Authorization` with this token: `Bearer …`.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The value of `Cookie` with this session token.
pub(crate) fn cookie(token: &str) -> String {
    format!("__Host-portcullis={token}")
}
