mod imports;
mod keys;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::*;
use crate::account::{self, Account, AccountState};
use crate::authn::Bearer;
use crate::authz::AccountFacts;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::invalidation::Invalidation;
use crate::key::fakes::{FakeClock, SeededEntropy, environment};
use crate::key::{Algorithm, Keyring, MasterKey, Sealer, SigningKey};
use crate::secret::Digest;
use crate::session::{Device, Method, Session, SessionToken, Token};
use crate::throttle::{Limiter, Throttle};
use crate::token::{Expectation, Issuer, TokenSubject};
use crate::{checks, roles};

/// One account with one session, and a count of what was read.
#[derive(Default)]
pub(super) struct World {
    sessions: Mutex<HashMap<[u8; 32], Session>>,
    keys: Mutex<HashMap<[u8; 32], api_key::Found>>,
    pub(super) state: Mutex<Option<AccountState>>,
    permissions: Mutex<Vec<String>>,
    pub(super) reads: AtomicUsize,
    down: AtomicBool,
    /// Runs once, in the middle of the next read of facts.
    during_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Runs once, after the next session was read and before it is answered.
    during_find: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

pub(super) struct Silence(AtomicU64);

impl Bus for Silence {
    fn silence(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

pub(super) const START: Timestamp = Timestamp::from_seconds(1_000_000);
pub(super) const ACCOUNT: account::Id = account::Id::from_uuid(Uuid::from_u128(0xa));
const SESSION: session::Id = session::Id::from_uuid(Uuid::from_u128(0x5));
const STAMP: account::Stamp = account::Stamp::from_uuid(Uuid::from_u128(1));

pub(super) fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

pub(super) struct Bench {
    pub(super) world: Arc<World>,
    pub(super) generations: Arc<Generations>,
    silence: Arc<Silence>,
    pub(super) authenticator: Authenticator,
    token: Token,
    keyring: Arc<Keyring>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let world = Arc::new(World {
            state: Mutex::new(Some(AccountState::Active)),
            ..World::default()
        });
        let token = Token::from_bytes([9; 32]);
        let session = Session {
            id: SESSION,
            account: ACCOUNT,
            stamp: STAMP,
            device: Device::default(),
            method: Method::Password,
            scopes: None,
            authenticated_at: START,
            last_seen_at: START,
            idle: Duration::from_secs(1_800),
            expires_at: after(43_200),
        };
        world
            .sessions
            .lock()
            .unwrap()
            .insert(*token.digest().as_bytes(), session);
        let generations = Arc::new(Generations::new());
        let silence = Arc::new(Silence(AtomicU64::new(0)));
        let expectation = Expectation {
            issuer: "i".into(),
            audience: "a".into(),
            leeway: Duration::from_secs(30),
        };
        let signer = SigningKey::generate(Algorithm::EdDSA, &environment(1)).unwrap();
        let keyring = Arc::new(Keyring::of_keys(signer, Vec::new()));
        let authenticator = Authenticator::new(AuthenticatorParts {
            directory: Arc::new(AccountDirectory::new(
                Arc::clone(&world) as _,
                Arc::clone(&generations),
                100,
            )),
            sessions: Arc::clone(&world) as _,
            tokens: Arc::clone(&world) as _,
            api_keys: Arc::clone(&world) as _,
            verifier: Verifier::new(Arc::clone(&keyring), expectation),
            generations: Arc::clone(&generations),
            bus: Arc::clone(&silence) as _,
            require_verified_email: false,
            capacity: 100,
            throttle: Arc::new(Throttle::alone(Limiter::new(100))),
        });
        Self {
            world,
            generations,
            silence,
            authenticator,
            token,
            keyring,
        }
    }

    /// An access token of the session, for the account as it is now.
    fn jwt(&self) -> String {
        let environment = Environment::new(FakeClock::at(START), SeededEntropy::new(2));
        let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
        let mut settings = token::Settings::default();
        (settings.issuer, settings.audience) = ("i".into(), "a".into());
        let store = Arc::clone(&self.world) as _;
        let issuer = Issuer::new(Arc::clone(&self.keyring), store, &sealer, environment, settings);
        let session = self.world.sessions.lock().unwrap().values().next().cloned();
        let subject = TokenSubject {
            session: session.unwrap(),
            account: account(AccountState::Active),
        };
        let access = issuer.mint_access(&subject, serde_json::Map::new()).unwrap();
        access.token.expose().to_owned()
    }

    fn ask(&self, now: Timestamp) -> Result<Arc<Principal>, AuthenticationError> {
        let credential = Credential::Session(self.token.clone());
        self.authenticator
            .authenticate(&credential, now)
            .now_or_never()
            .expect("the fakes never wait")
    }

    fn ask_by_jwt(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, AuthenticationError> {
        self.authenticator
            .authenticate(&Credential::Jwt(Bearer(token)), now)
            .now_or_never()
            .expect("the fakes never wait")
    }

    fn refusal(&self, now: Timestamp) -> Refused {
        match self.ask(now) {
            Err(AuthenticationError::Refused(refused)) => refused,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    fn reads(&self) -> usize {
        self.world.reads.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn a_warm_credential_reads_nothing() {
    let bench = Bench::new();
    bench.ask(after(1)).unwrap();
    assert!(bench.reads() > 0);
    for second in 2..50 {
        bench.ask(after(second)).unwrap();
    }
    assert_eq!(bench.reads(), 0);
}

#[test]
fn what_was_verified_is_known_to_hold_without_a_read_until_anything_moves() {
    checks!("T180");
    let bench = Bench::new();
    let credential = Credential::Session(bench.token.clone());
    let verified = bench.authenticator.verify(&credential, None, after(1));
    let verified = verified.now_or_never().unwrap().unwrap();
    bench.reads();
    let holds = |at| bench.authenticator.holds(&verified, at);
    bench
        .generations
        .apply(Invalidation::Account(account::Id::from_uuid(Uuid::from_u128(
            0xb,
        ))));
    assert!(holds(after(1)) && holds(after(600)), "another account moved");
    assert!(!holds(after(2_000)), "it is idle for too long");
    assert!(!holds(START), "a clock that was set back");
    bench.generations.apply(Invalidation::Account(ACCOUNT));
    assert!(!holds(after(1)));
    assert_eq!(bench.reads(), 0);
    // Verified anew, it is as good as before.
    let again = bench.authenticator.verify_again(&credential, None, after(2));
    let again = again.now_or_never().unwrap().unwrap();
    assert!(bench.authenticator.holds(&again, after(2)));
    assert!(bench.reads() > 0);
}

#[test]
fn an_unknown_token_is_refused_and_nothing_is_remembered_of_it() {
    let bench = Bench::new();
    let other = Credential::Session(Token::from_bytes([1; 32]));
    for _ in 0..2 {
        let answer = bench
            .authenticator
            .authenticate(&other, after(1))
            .now_or_never()
            .unwrap();
        assert!(matches!(
            answer,
            Err(AuthenticationError::Refused(Refused::UnknownSession))
        ));
    }
    assert_eq!(bench.authenticator.verified.len(), 0);
}

// Shows: TK-5
#[test]
fn an_invalidation_ends_a_warm_credential_at_once() {
    checks!("T020");
    for what in [
        Invalidation::Session(SESSION),
        Invalidation::Account(ACCOUNT),
        Invalidation::Roles,
    ] {
        let bench = Bench::new();
        bench.ask(after(1)).unwrap();
        bench.world.sessions.lock().unwrap().clear();
        bench.ask(after(2)).expect("nothing was invalidated yet");
        bench.generations.apply(what);
        assert_eq!(bench.refusal(after(2)), Refused::UnknownSession, "{what:?}");
    }
}

#[test]
fn a_change_during_the_read_leaves_nothing_warm() {
    checks!("T021");
    let bench = Bench::new();
    let (world, generations) = (Arc::clone(&bench.world), Arc::clone(&bench.generations));
    *bench.world.during_read.lock().unwrap() = Some(Box::new(move || {
        world.sessions.lock().unwrap().clear();
        generations.apply(Invalidation::Session(SESSION));
    }));
    // Whether the request that raced is let in or not, the next one isn't.
    let _ = bench.ask(after(1));
    assert_eq!(bench.refusal(after(1)), Refused::UnknownSession);
}

#[test]
fn a_session_that_ends_while_it_is_found_is_refused() {
    checks!("T021");
    for what in [Invalidation::Session(SESSION), Invalidation::Roles] {
        let bench = Bench::new();
        let (world, generations) = (Arc::clone(&bench.world), Arc::clone(&bench.generations));
        *bench.world.during_find.lock().unwrap() = Some(Box::new(move || {
            world.sessions.lock().unwrap().clear();
            generations.apply(what);
        }));
        assert_eq!(bench.refusal(after(1)), Refused::SessionEnded, "{what:?}");
        assert_eq!(bench.authenticator.verified.len(), 0);
    }
}

#[test]
fn a_cold_session_is_read_once() {
    let bench = Bench::new();
    bench.ask(after(1)).unwrap();
    assert_eq!(bench.reads(), 2, "the session and the account's facts");
}

// Shows: PW-9
#[test]
fn an_account_that_may_not_act_is_refused() {
    checks!("T016");
    for state in [AccountState::Locked, AccountState::Disabled] {
        let bench = Bench::new();
        bench.ask(after(1)).unwrap();
        *bench.world.state.lock().unwrap() = Some(state);
        bench.generations.apply(Invalidation::Account(ACCOUNT));
        assert_eq!(bench.refusal(after(1)), Refused::Account(state));
    }
    let bench = Bench::new();
    *bench.world.state.lock().unwrap() = None;
    assert_eq!(bench.refusal(after(1)), Refused::NoAccount);
}

#[test]
fn a_session_of_an_older_stamp_is_refused_by_its_token_and_by_its_jwt() {
    checks!("T016");
    checks!("T035");
    let bench = Bench::new();
    let jwt = bench.jwt();
    bench.ask(after(1)).expect("the stamp is the account's");
    bench
        .ask_by_jwt(&jwt, after(1))
        .expect("the stamp is the account's");

    // The store still has the session: the login finished after "log out everywhere".
    let older = account::Stamp::from_uuid(Uuid::from_u128(0));
    bench
        .world
        .sessions
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|session| session.stamp = older);
    bench.generations.apply(Invalidation::Account(ACCOUNT));
    assert_eq!(bench.refusal(after(1)), Refused::StampChanged);
    assert!(matches!(
        bench.ask_by_jwt(&jwt, after(1)),
        Err(AuthenticationError::Refused(Refused::StampChanged))
    ));
}

// Shows: SE-1
#[test]
fn a_session_times_out_warm_and_cold() {
    for warm in [true, false] {
        let bench = Bench::new();
        if warm {
            bench.ask(after(0)).unwrap();
        }
        bench
            .ask(after(1_799))
            .expect("one second before the idle timeout");
        let bench = Bench::new();
        if warm {
            bench.ask(after(0)).unwrap();
        }
        assert_eq!(
            bench.refusal(after(1_800)),
            Refused::SessionTimedOut,
            "warm: {warm}"
        );
    }
    // Used all the time, it still ends.
    let bench = Bench::new();
    for second in (0..43_200).step_by(1_000) {
        bench.ask(after(second)).unwrap();
        for (id, at) in bench.authenticator.take_seen() {
            assert_eq!(id, SESSION);
            bench
                .world
                .sessions
                .lock()
                .unwrap()
                .values_mut()
                .for_each(|session| session.last_seen_at = at);
        }
    }
    bench.ask(after(43_199)).unwrap();
    assert_eq!(bench.refusal(after(43_200)), Refused::SessionTimedOut);
}

// Shows: SE-4
#[test]
fn last_seen_is_written_once_a_minute() {
    let bench = Bench::new();
    let mut written = 0;
    for second in 0..600 {
        bench.ask(after(second)).unwrap();
        written += bench.authenticator.take_seen().len();
    }
    assert_eq!(written, 9, "600 requests in ten minutes");
}

// Shows: OP-2
#[test]
fn while_others_cannot_be_heard_what_is_remembered_counts_for_a_second() {
    checks!("T020");
    let bench = Bench::new();
    bench.ask(after(1)).unwrap();
    bench.silence.0.store(1_001, Ordering::Relaxed);
    bench.reads();
    bench.ask(after(2)).unwrap();
    assert_eq!(bench.reads(), 0, "a second old");
    bench.ask(after(2).plus(Duration::from_micros(1))).unwrap();
    assert!(bench.reads() > 0, "more than a second old");
    bench.world.down.store(true, Ordering::Relaxed);
    let later = after(60);
    assert!(
        matches!(bench.ask(later), Err(AuthenticationError::Fault(_))),
        "fails closed"
    );
}

#[test]
fn what_is_made_of_something_remembered_is_as_old_as_what_was_last_heard() {
    checks!("T083");
    let bench = Bench::new();
    let jwt = bench.jwt();
    bench.ask(after(1)).unwrap();
    // The account's facts are in memory, and known to be good a second ago: no silence to worry about yet.
    bench.silence.0.store(1_000, Ordering::Relaxed);
    bench.ask_by_jwt(&jwt, after(10)).unwrap();
    bench.silence.0.store(1_001, Ordering::Relaxed);
    bench.reads();
    bench.ask_by_jwt(&jwt, after(10)).unwrap();
    assert_eq!(bench.reads(), 0, "as old as a second");
    *bench.world.state.lock().unwrap() = Some(AccountState::Disabled);
    let later = after(10).plus(Duration::from_micros(1));
    let refused = bench.ask_by_jwt(&jwt, later);
    assert!(
        matches!(
            refused,
            Err(AuthenticationError::Refused(Refused::Account(
                AccountState::Disabled
            )))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_clock_that_jumps_back_revives_nothing() {
    let bench = Bench::new();
    bench.ask(after(100)).unwrap();
    bench.reads();
    bench.ask(after(50)).unwrap();
    assert!(bench.reads() > 0, "what was read in the future is read again");
}

#[test]
fn a_fault_is_no_answer() {
    checks!("T037");
    let bench = Bench::new();
    bench.world.down.store(true, Ordering::Relaxed);
    assert!(matches!(bench.ask(after(1)), Err(AuthenticationError::Fault(_))));
}

impl World {
    pub(super) fn read(&self) -> Result<(), Fault> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.down.load(Ordering::Relaxed) {
            Err(Fault::Unreachable("down".into()))
        } else {
            Ok(())
        }
    }
}

pub(super) fn account(state: AccountState) -> Account {
    Account {
        id: ACCOUNT,
        email: None,
        username: Some("anna".into()),
        state,
        email_verified_at: None,
        stamp: STAMP,
        created_at: START,
        kind: account::AccountKind::Person,
    }
}

#[async_trait]
impl session::Stub for World {
    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        self.read()?;
        let found = self.sessions.lock().unwrap().get(token.as_bytes()).cloned();
        if let Some(interrupt) = self.during_find.lock().unwrap().take() {
            interrupt();
        }
        Ok(found)
    }
    async fn find(&self, id: session::Id) -> Result<Option<Session>, Fault> {
        self.read()?;
        Ok(self
            .sessions
            .lock()
            .unwrap()
            .values()
            .find(|session| session.id == id)
            .cloned())
    }
}

#[async_trait]
impl token::Stub for World {
    async fn is_revoked(&self, _: token::Id) -> Result<bool, Fault> {
        self.read()?;
        Ok(false)
    }
}

#[async_trait]
impl roles::Stub for World {
    async fn facts(&self, _: account::Id) -> Result<Option<AccountFacts>, Fault> {
        self.read()?;
        if let Some(interrupt) = self.during_read.lock().unwrap().take() {
            interrupt();
        }
        let state = *self.state.lock().unwrap();
        Ok(state.map(|state| AccountFacts {
            account: account(state),
            roles: Vec::new(),
            permissions: self.permissions.lock().unwrap().clone(),
            attributes: crate::attribute::Attributes::default(),
        }))
    }
}
