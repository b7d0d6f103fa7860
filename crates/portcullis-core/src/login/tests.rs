//! What a login and the session manager ask of the stores, and what they refuse by themselves.

mod attempts;
mod ends;
mod tokens;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::account::{Account, AccountKind, AccountState, Identifier, Login, Stamp};
use crate::authz::AccountFacts;
use crate::environment::{Entropy, Timestamp};
use crate::invalidation::Generations;
use crate::job::{JobKind, NewJob};
use crate::key::fakes::{FakeClock, START, SeededEntropy, environment, signing_key};
use crate::key::{Algorithm, Keyring, MasterKey, Sealer};
use crate::password::{Cost, Password, SealedHash};
use crate::roles::{self, PermissionRecord};
use crate::secret::{Digest, SecretText};
use crate::session::{Device, NewSession, NotOpened, Opened, SessionToken};
use crate::token::{AccessClaims, PresentedRefresh, RefreshRotation, Rotated, Verifier};

const READ: &str = "login-test:read";
const WRITE: &str = "login-test:write";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// What a verb of the sessions' store was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    End(account::Id, Id, Ending),
    EndOthers(account::Id, Id),
    EndEverything(account::Id, ApiKeyHandling),
    Rename(account::Id, Id, String),
    List(account::Id, Timestamp),
}

/// Every store that a manager rests on: each field says what one of them answers, or keeps what it was asked.
struct World {
    logins: Mutex<Vec<Login>>,
    facts: Mutex<Option<AccountFacts>>,
    /// How often the facts were read.
    read: AtomicUsize,
    /// What [`session::Store::open`](Store::open) answers.
    opens: Mutex<Result<bool, AccountState>>,
    opened: Mutex<Vec<NewSession>>,
    /// Refusals in the audit log: whom they are about, and why.
    refused: Mutex<Vec<(Option<account::Id>, String)>>,
    /// Who asked for the last change.
    signed: Mutex<Option<audit::Context>>,
    asked: Mutex<Vec<Asked>>,
    stamps: Mutex<Vec<Stamp>>,
    /// The session that tokens lead to, and whether its refresh token is known.
    session: Mutex<Option<Session>>,
    knows_refresh: bool,
    renewals: Mutex<Vec<(Id, Digest<SessionToken>, Digest<SessionToken>)>>,
    /// Whether the token that is renewed is the session's.
    renews: bool,
    /// How often news were worded.
    worded: AtomicUsize,
    /// How many hashes were computed.
    hashes: Arc<AtomicUsize>,
}

/// Randomness that counts how often it is asked: once for each hash.
struct Counted(Arc<AtomicUsize>);

impl Entropy for Counted {
    fn fill(&self, out: &mut [u8]) {
        self.0.fetch_add(1, Ordering::Relaxed);
        out.fill(7);
    }
}

#[async_trait]
impl account::Stub for World {
    async fn find_logins(&self, _: Identifier) -> Result<Vec<Login>, Fault> {
        Ok(self.logins.lock().unwrap().clone())
    }
}

#[async_trait]
impl roles::Stub for World {
    async fn facts(&self, _: account::Id) -> Result<Option<AccountFacts>, Fault> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Ok(self.facts.lock().unwrap().clone())
    }

    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault> {
        let record = |name: &str, action: bool| PermissionRecord {
            name: name.to_owned(),
            description: String::new(),
            action,
        };
        Ok(vec![
            record(ACTION, true),
            record(PLAIN, false),
            record("org:members:read", true),
        ])
    }
}

/// Declared as an action, and as a permission; the account has neither.
const ACTION: &str = "notes:read";
const PLAIN: &str = "notes:all";

#[async_trait]
impl audit::Stub for World {
    async fn append(&self, occurrence: audit::Occurrence, by: audit::Context) -> Result<(), Fault> {
        assert_eq!(occurrence.action, audit::Action::LoginRefused);
        assert_eq!(occurrence.session, None);
        *self.signed.lock().unwrap() = Some(by);
        let about = (occurrence.account, occurrence.detail);
        self.refused.lock().unwrap().push(about);
        Ok(())
    }
}

#[async_trait]
impl token::Stub for World {
    async fn rotate_refresh(
        &self,
        _: RefreshRotation,
        _: audit::Context,
    ) -> Result<Result<Rotated, RefreshError>, Fault> {
        let Some(session) = self.session.lock().unwrap().clone() else {
            return Ok(Err(RefreshError::Invalid));
        };
        let account = account(1, AccountState::Active);
        Ok(Ok(Rotated::Fresh(Box::new(token::TokenSubject {
            session,
            account,
        }))))
    }

    async fn find_refresh(&self, _: PresentedRefresh) -> Result<Option<Id>, Fault> {
        Ok(self.knows_refresh.then_some(SESSION))
    }
}

#[async_trait]
impl crate::session::Stub for World {
    async fn open(&self, new: NewSession, _: audit::Context) -> Result<Result<Opened, NotOpened>, Fault> {
        self.opened.lock().unwrap().push(new);
        let opens = *self.opens.lock().unwrap();
        Ok(opens.map_err(NotOpened).map(|new_device| Opened {
            new_device,
            ended: Vec::new(),
        }))
    }

    async fn find_by_token(&self, _: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        Ok(self.session.lock().unwrap().clone())
    }

    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        assert_eq!(id, SESSION);
        Ok(self.session.lock().unwrap().clone())
    }

    async fn list(&self, whose: account::Id, now: Timestamp) -> Result<Vec<Session>, Fault> {
        self.asked.lock().unwrap().push(Asked::List(whose, now));
        Ok(self.session.lock().unwrap().iter().cloned().collect())
    }

    async fn rename(
        &self,
        whose: account::Id,
        id: Id,
        name: String,
        _: audit::Context,
    ) -> Result<bool, Fault> {
        self.asked.lock().unwrap().push(Asked::Rename(whose, id, name));
        Ok(self.renews)
    }

    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        _: audit::Context,
    ) -> Result<bool, Fault> {
        self.renewals.lock().unwrap().push((id, old, new));
        Ok(self.renews)
    }

    async fn end(&self, whose: account::Id, id: Id, why: Ending, _: audit::Context) -> Result<bool, Fault> {
        self.asked.lock().unwrap().push(Asked::End(whose, id, why));
        Ok(self.renews)
    }

    async fn end_others(&self, whose: account::Id, keep: Id, _: audit::Context) -> Result<u64, Fault> {
        self.asked.lock().unwrap().push(Asked::EndOthers(whose, keep));
        Ok(3)
    }

    async fn end_everything(
        &self,
        whose: account::Id,
        stamp: Stamp,
        keys: ApiKeyHandling,
        by: audit::Context,
    ) -> Result<Everything, Fault> {
        self.asked.lock().unwrap().push(Asked::EndEverything(whose, keys));
        self.stamps.lock().unwrap().push(stamp);
        *self.signed.lock().unwrap() = Some(by);
        Ok(Everything {
            sessions: 2,
            keys: 4,
            keys_left: 6,
        })
    }
}

impl News for World {
    fn new_device(&self, to: &Account, on: &Device, _: &audit::Context) -> Result<Option<NewJob>, Fault> {
        self.worded.fetch_add(1, Ordering::Relaxed);
        assert_eq!(*on, device());
        let sealer = Sealer::new(master(), environment(9));
        Ok(Some(NewJob {
            id: crate::job::Id::from_uuid(Uuid::from_u128(5)),
            kind: JobKind::Email,
            label: "a new device",
            account: Some(to.id),
            payload: sealer.seal("test", &[], b"news").unwrap(),
            run_at: START,
            ends_at: START.plus(HOUR),
            budgets: Vec::new(),
        }))
    }
}

const SESSION: Id = Id::from_uuid(Uuid::from_u128(50));

fn id(number: u128) -> account::Id {
    account::Id::from_uuid(Uuid::from_u128(number))
}

fn account(number: u128, state: AccountState) -> Account {
    Account {
        id: id(number),
        email: Some("anna@example.com".into()),
        username: None,
        state,
        email_verified_at: None,
        stamp: Stamp::from_uuid(Uuid::from_u128(number + 100)),
        created_at: START,
        kind: AccountKind::Person,
    }
}

fn session(scopes: Option<&[&str]>) -> Session {
    Session {
        id: SESSION,
        account: id(1),
        stamp: account(1, AccountState::Active).stamp,
        device: device(),
        method: crate::session::Method::Password,
        scopes: scopes.map(owned),
        authenticated_at: START,
        last_seen_at: START,
        idle: HOUR,
        expires_at: START.plus(HOUR * 24),
    }
}

fn device() -> Device {
    Device {
        user_agent: Some("curl/8".into()),
        ip: Some([192, 0, 2, 7].into()),
        name: None,
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn master() -> MasterKey {
    MasterKey::parse("a = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}

fn hasher(hashes: &Arc<AtomicUsize>) -> Hasher {
    let settings = crate::password::Settings {
        cost: Cost::DANGEROUSLY_CHEAP,
        threads: 1,
        waiting: 8,
    };
    let counted = Environment::new(FakeClock::at(START), Arc::new(Counted(Arc::clone(hashes))));
    let sealer = Arc::new(Sealer::new(master(), environment(1)));
    Hasher::start(sealer, counted, &settings).unwrap()
}

/// A deployment whose one account, number 1, has these permissions and the password `right`.
struct Deployment {
    world: World,
    hasher: Arc<Hasher>,
    settings: Settings,
    issuing: token::Settings,
    news: bool,
}

impl Deployment {
    async fn new(permissions: &[&str]) -> Self {
        let hashes = Arc::default();
        let hasher = Arc::new(hasher(&hashes));
        let anna = account(1, AccountState::Active);
        let facts = AccountFacts {
            account: anna.clone(),
            roles: owned(&["editor"]),
            permissions: owned(permissions),
            attributes: crate::attribute::Attributes::default(),
        };
        let login = login(&hasher, anna, Some("right")).await;
        hashes.store(0, Ordering::Relaxed);
        let world = World {
            logins: Mutex::new(vec![login]),
            facts: Mutex::new(Some(facts)),
            read: AtomicUsize::new(0),
            opens: Mutex::new(Ok(false)),
            opened: Mutex::default(),
            refused: Mutex::default(),
            signed: Mutex::default(),
            asked: Mutex::default(),
            stamps: Mutex::default(),
            session: Mutex::new(Some(session(None))),
            knows_refresh: true,
            renewals: Mutex::default(),
            renews: true,
            worded: AtomicUsize::new(0),
            hashes,
        };
        Self {
            world,
            hasher,
            settings: Settings::default(),
            issuing: token::Settings::default(),
            news: false,
        }
    }

    fn start(self) -> (Arc<World>, Manager) {
        let world = Arc::new(self.world);
        let sealer = Sealer::new(master(), environment(2));
        let store = Arc::clone(&world) as Arc<dyn roles::Store>;
        let issuer = Issuer::new(
            keyring(),
            Arc::clone(&world) as _,
            &sealer,
            environment(3),
            self.issuing,
        );
        let manager = Manager::new(ManagerParts {
            accounts: Arc::clone(&world) as _,
            sessions: Arc::clone(&world) as _,
            tokens: Arc::clone(&world) as _,
            audit: Arc::clone(&world) as _,
            directory: Arc::new(AccountDirectory::new(store, Arc::new(Generations::new()), 10)),
            hasher: self.hasher,
            issuer: Arc::new(issuer),
            environment: Environment::new(FakeClock::at(START), SeededEntropy::new(4)),
            settings: self.settings,
            news: self.news.then(|| Arc::clone(&world) as _),
            claims: OwnClaims::default(),
            hooks: None,
        });
        (world, manager)
    }
}

async fn login(hasher: &Hasher, account: Account, password: Option<&str>) -> Login {
    let sealed: Option<SealedHash> = match password {
        None => None,
        Some(text) => {
            let password = Password::new(&SecretText::new(text.into())).unwrap();
            Some(hasher.hash(account.id, password).await.unwrap())
        }
    };
    Login {
        account,
        password: sealed,
    }
}

fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::of_keys(signing_key(Algorithm::EdDSA, 1), Vec::new()))
}

/// What stands in an access token for this audience.
fn claims(token: &SecretText, audience: &str) -> AccessClaims {
    let expectation = token::Expectation {
        audience: audience.to_owned(),
        ..token::Settings::default().expectation()
    };
    Verifier::new(keyring(), expectation)
        .verify(token.expose(), START)
        .unwrap()
}

fn form(delivery: Delivery, scopes: Option<&[&str]>) -> LoginForm {
    LoginForm {
        identifier: "anna@example.com".into(),
        password: SecretText::new("right".into()),
        delivery,
        scopes: scopes.map(owned),
        audience: None,
        device: device(),
    }
}

fn by() -> audit::Context {
    audit::Context {
        actor: audit::Actor::Anonymous,
        trace: Some(Uuid::from_u128(77)),
        ..audit::Context::system(START)
    }
}
