//! What the tests of ephemeral sessions begin with.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use portcullis_core::account::{self, Account, AccountState, EmailAddress, NewAccount, Stamp};
use portcullis_core::audit::{self, Context, Event, EventFilter};
use portcullis_core::environment::Timestamp;
use portcullis_core::password::SealedHash;
use portcullis_core::session::{self, Device, Method, NewSession, Token};
use portcullis_core::token::{NewRefresh, RefreshToken};
use portcullis_store::Database;
use portcullis_store::ephemeral::{Ephemeral, Memory, Redis, SplitSessions};
use uuid::Uuid;

pub(crate) const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const MICROSECOND: Duration = Duration::from_micros(1);
pub(crate) const IDLE: Duration = Duration::from_secs(1_800);

static COUNT: AtomicU64 = AtomicU64::new(1);

pub(crate) fn fresh() -> u64 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn fresh_id() -> Uuid {
    Uuid::from_u64_pair((0x0190_0000_0000 << 16) | 0x7000, (0b10 << 62) | fresh())
}

pub(crate) fn fresh_token() -> Token {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&fresh().to_be_bytes());
    Token::from_bytes(bytes)
}

pub(crate) fn by(at: Timestamp) -> Context {
    Context {
        user_agent: Some("Tests/1".into()),
        ..Context::system(at)
    }
}

pub(crate) async fn registered(database: &Database, name: &str) -> Account {
    let new = NewAccount {
        id: account::Id::from_uuid(fresh_id()),
        email: Some(EmailAddress::parse(&format!("{name}@example.com")).unwrap()),
        claim: account::Claim::Open,
        username: None,
        state: AccountState::Active,
        stamp: Stamp::from_uuid(fresh_id()),
        password: SealedHash::from_bytes(vec![1]),
        verification: None,
        roles: Vec::new(),
        at: START,
    };
    account::Store::register(database, new, by(START))
        .await
        .unwrap()
        .unwrap()
}

pub(crate) async fn set_state(database: &Database, id: account::Id, state: AccountState) -> Account {
    let stamp = Stamp::from_uuid(fresh_id());
    let set = account::Store::set_state(database, id, state, stamp, Context::operator(START)).await;
    set.unwrap().unwrap()
}

/// What a browser's login of the account opens: a session with an opaque token alone.
pub(crate) fn opaque(account: &Account) -> NewSession {
    NewSession {
        id: session::Id::from_uuid(fresh_id()),
        account: account.id,
        stamp: account.stamp,
        require_verified: false,
        token: Some(fresh_token().digest()),
        refresh: None,
        device: Device {
            user_agent: Some("Browser/1".into()),
            ..Device::default()
        },
        method: Method::Password,
        scopes: None,
        idle: IDLE,
        expires_at: START.plus(IDLE * 24),
        limit: 10,
        news: None,
    }
}

/// A session with refresh tokens.
pub(crate) fn refreshing(account: &Account) -> NewSession {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&fresh().to_be_bytes());
    NewSession {
        token: None,
        refresh: Some(NewRefresh {
            digest: RefreshToken::from_bytes(bytes).digest(),
            expires_at: START.plus(IDLE * 24),
        }),
        ..opaque(account)
    }
}

/// Opens it; answers whether from a new device.
pub(crate) async fn open(sessions: &SplitSessions, new: &NewSession, at: Timestamp) -> bool {
    let opened = session::Store::open(sessions, new.clone(), by(at)).await;
    opened.unwrap().unwrap().new_device
}

pub(crate) async fn lives(sessions: &SplitSessions, new: &NewSession) -> bool {
    let by_id = session::Store::find(sessions, new.id).await.unwrap().is_some();
    if let Some(token) = new.token {
        let by_token = session::Store::find_by_token(sessions, token).await.unwrap();
        assert_eq!(by_token.is_some(), by_id);
    }
    by_id
}

pub(crate) async fn events(database: &Database, action: audit::Action) -> Vec<Event> {
    let filter = EventFilter {
        action: Some(action.as_str().into()),
        ..EventFilter::default()
    };
    audit::Store::list(database, filter, 1_000).await.unwrap()
}

/// The Redis of the tests, if there is one.
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "this is where the tests are told of their server, or tell that there is none"
)]
pub(crate) fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = std::env::var("PORTCULLIS_TEST_REDIS").ok();
    if server.is_none() {
        SAID.call_once(|| {
            eprintln!(
                "skipped: no Redis; run `cargo xtask test`, or set PORTCULLIS_TEST_REDIS to an address such as \
                 redis://127.0.0.1:6379/"
            );
        });
    }
    server
}

/// A prefix of one test's own; its keys are deleted when it is dropped.
pub(crate) struct Keys {
    pub(crate) server: String,
    pub(crate) prefix: String,
}

impl Keys {
    pub(crate) fn new(server: String) -> Self {
        let prefix = format!("portcullis-test:{}:{}:", std::process::id(), fresh());
        Self { server, prefix }
    }

    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(&*self.server)
            .unwrap()
            .get_connection()
            .unwrap()
    }

    /// All keys of the test.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut connection = self.connection();
        let keys = redis::Commands::scan_match(&mut connection, format!("{}*", self.prefix)).unwrap();
        keys.map(Result::unwrap).collect()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        for key in self.all() {
            let _: () = redis::Commands::del(&mut self.connection(), key).unwrap();
        }
    }
}

/// An ephemeral store in memory.
pub(crate) async fn memory() -> Option<(Arc<dyn Ephemeral>, ())> {
    Some((Arc::new(Memory::new()), ()))
}

/// One in Redis, if the tests have one.
pub(crate) async fn in_redis() -> Option<(Arc<dyn Ephemeral>, Keys)> {
    let keys = Keys::new(server()?);
    let redis = Redis::connect_with(&keys.server, &keys.prefix).await.unwrap();
    Some((Arc::new(redis), keys))
}
