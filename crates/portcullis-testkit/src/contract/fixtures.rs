//! What the cases begin with: ids, moments, accounts, sessions.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::account::{
    Account, AccountState, Claim, Claimed, EmailAddress, EmailVerification, NewAccount, NewServiceAccount,
    Offer, Offered, Proof, Username, VerifyError,
};
use portcullis_core::audit::{Action, Context, Event, EventFilter};
use portcullis_core::environment::Timestamp;
use portcullis_core::password::SealedHash;
use portcullis_core::secret::{Digest, Opaque, TokenKind};
use portcullis_core::session::{Device, Method, NewSession};
use portcullis_core::token::{NewRefresh, PresentedRefresh, Refresh, RefreshError, RefreshRotation};
use portcullis_core::{account, audit, session};
use tokio::sync::Barrier;
use uuid::Uuid;

use super::{Holding, Stores};

/// How many callers meet in a race.
pub(super) const CROWD: u64 = 100;

pub(super) const MICROSECOND: Duration = Duration::from_micros(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The moment everything begins.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

static COUNT: AtomicU64 = AtomicU64::new(1);

/// A number nobody had before.
pub(super) fn fresh() -> u64 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// An id nobody had before, ordered by age.
pub(super) fn fresh_id() -> Uuid {
    let high = (0x0190_0000_0000 << 16) | 0x7000 | (fresh() >> 62);
    Uuid::from_u64_pair(high, (0b10 << 62) | fresh())
}

/// The digest of a token nobody had before.
pub(super) fn fresh_digest<K: TokenKind>() -> Digest<K> {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&fresh().to_be_bytes());
    Opaque::<K>::from_bytes(bytes).digest()
}

/// The same stored bytes under another purpose's type: what a thief who confuses purposes would present.
pub(super) fn disguised<K, L>(digest: Digest<K>) -> Digest<L> {
    Digest::from_slice(digest.as_bytes()).unwrap()
}

pub(super) fn by(at: Timestamp) -> Context {
    Context {
        ip: Some(IpAddr::from([203, 0, 113, 7])),
        user_agent: Some("Contract/1".into()),
        trace: Some(Uuid::from_u128(7)),
        ..Context::operator(at)
    }
}

pub(super) fn new_account(name: &str) -> NewAccount {
    NewAccount {
        id: account::Id::from_uuid(fresh_id()),
        email: Some(EmailAddress::parse(&format!("{name}@example.com")).unwrap()),
        claim: Claim::Open,
        username: Some(Username::parse(name).unwrap()),
        state: AccountState::Unverified,
        stamp: account::Stamp::from_uuid(fresh_id()),
        password: sealed(name),
        verification: None,
        roles: Vec::new(),
        at: START,
    }
}

pub(super) fn sealed(text: &str) -> SealedHash {
    SealedHash::from_bytes(text.as_bytes().to_vec())
}

/// Registers an account of this name.
pub(super) async fn registered<S: Stores>(db: &S, name: &str) -> Account {
    db.register(new_account(name), by(START)).await.unwrap().unwrap()
}

/// Makes a service account of this name.
pub(super) async fn service<S: Stores>(db: &S, name: &str) -> Account {
    let new = NewServiceAccount {
        id: account::Id::from_uuid(fresh_id()),
        username: Username::parse(name).unwrap(),
        stamp: account::Stamp::from_uuid(fresh_id()),
    };
    db.create_service(new, by(START)).await.unwrap().unwrap()
}

pub(super) async fn set_state<S: Stores>(db: &S, id: account::Id, state: AccountState) -> Account {
    let stamp = account::Stamp::from_uuid(fresh_id());
    let set = db.set_state(id, state, stamp, by(START)).await;
    set.unwrap().unwrap()
}

/// Proves the account's address.
pub(super) async fn verified<S: Stores>(db: &S, id: account::Id) -> Account {
    let token = offered(db, id).await;
    let account = account::Store::find(db, id).await.unwrap().unwrap();
    redeemed(db, &account, token, START).await.unwrap()
}

/// A token for the account's claim, good for an hour.
pub(super) async fn offered<S: Stores>(db: &S, id: account::Id) -> Digest<EmailVerification> {
    let token = fresh_digest();
    let offered = offer(db, id, token, START.plus(HOUR)).await;
    assert_eq!(offered.map(|claimed| claimed.account.id), Some(id));
    token
}

/// Offers the token, without an e-mail; answers what it is for.
pub(super) async fn offer<S: Stores>(
    db: &S,
    id: account::Id,
    token: Digest<EmailVerification>,
    expires_at: Timestamp,
) -> Option<Claimed> {
    let offer = Offer::new(token, expires_at);
    match db
        .offer_verification(id, offer, by(START))
        .await
        .unwrap()
        .unwrap()
    {
        Offered::Made(claimed) => Some(claimed),
        Offered::Taken | Offered::NothingToProve => None,
    }
}

/// What comes of the token in the hands of this account.
pub(super) async fn redeemed<S: Stores>(
    db: &S,
    account: &Account,
    token: Digest<EmailVerification>,
    at: Timestamp,
) -> Result<Account, VerifyError> {
    let own = Proof::Own {
        account: account.id,
        stamp: account.stamp,
    };
    let stamp = account::Stamp::from_uuid(fresh_id());
    db.redeem_verification(token, own, stamp, by(at)).await.unwrap()
}

/// Whether the token proves the address of this account, which brings it.
pub(super) async fn proves<S: Stores>(
    db: &S,
    account: &Account,
    token: Digest<EmailVerification>,
    at: Timestamp,
) -> bool {
    match redeemed(db, account, token, at).await {
        Ok(_) => true,
        Err(VerifyError::Refused) => false,
        Err(other) => panic!("{other}"),
    }
}

/// A session that idles for half an hour and ends after twelve.
pub(super) fn new_session(account: &Account) -> NewSession {
    NewSession {
        id: session::Id::from_uuid(fresh_id()),
        account: account.id,
        stamp: account.stamp,
        require_verified: false,
        token: Some(fresh_digest()),
        refresh: Some(new_refresh()),
        device: Device {
            user_agent: Some("Browser/1".into()),
            ip: Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
            name: None,
        },
        method: Method::Password,
        scopes: None,
        idle: MINUTE * 30,
        expires_at: START.plus(HOUR * 12),
        limit: 10,
        news: None,
    }
}

pub(super) fn new_refresh() -> NewRefresh {
    NewRefresh {
        digest: fresh_digest(),
        expires_at: START.plus(DAY * 7),
    }
}

/// The same, carrying what this store's cases are about.
pub(super) fn session_for<S: Stores>(db: &S, account: &Account) -> NewSession {
    let mut new = new_session(account);
    if db.holding() == Holding::Token {
        new.refresh = None;
    }
    new
}

/// Opens a session at `at`; answers what was opened.
pub(super) async fn opened<S: Stores>(db: &S, account: &Account, at: Timestamp) -> NewSession {
    let new = session_for(db, account);
    db.open(new.clone(), by(at)).await.unwrap().unwrap();
    new
}

/// The first refresh token of a session that has one.
pub(super) fn first_refresh(session: &NewSession) -> PresentedRefresh {
    presented(session.id, session.refresh.unwrap().digest)
}

/// The refresh token of a session, as its text is looked up.
pub(super) fn presented(session: session::Id, digest: Digest<Refresh>) -> PresentedRefresh {
    PresentedRefresh {
        session: Some(session),
        digest,
    }
}

/// The token that a rotation's presented one is exchanged for, as it is presented next.
pub(super) fn following(rotation: &RefreshRotation) -> PresentedRefresh {
    PresentedRefresh {
        digest: rotation.successor.digest,
        ..rotation.presented
    }
}

/// Checks that the session's refresh token, if it has one, brings nothing more.
pub(super) async fn refused<S: Stores>(db: &S, session: &NewSession, at: Timestamp) {
    if session.refresh.is_some() {
        let rotated = db
            .rotate_refresh(rotation(first_refresh(session)), by(at))
            .await
            .unwrap();
        assert_eq!(rotated, Err(RefreshError::Invalid));
    }
}

/// A rotation without any grace.
pub(super) fn rotation(presented: PresentedRefresh) -> RefreshRotation {
    RefreshRotation {
        presented,
        successor: new_refresh(),
        grace_from: Timestamp::from_micros(i64::MAX),
        require_verified: false,
    }
}

pub(super) async fn lives<S: Stores>(db: &S, id: session::Id) -> bool {
    session::Store::find(db, id).await.unwrap().is_some()
}

/// All events of an action, newest first.
pub(super) async fn events<S: Stores>(db: &S, action: Action) -> Vec<Event> {
    let filter = EventFilter {
        action: Some(action.as_str().into()),
        ..EventFilter::default()
    };
    audit::Store::list(db, filter, 1_000).await.unwrap()
}

/// How many events there are at all.
pub(super) async fn event_count<S: Stores>(db: &S) -> usize {
    audit::Store::list(db, EventFilter::default(), 10_000)
        .await
        .unwrap()
        .len()
}

/// Runs a crowd of calls that all begin at the same moment; answers what each got.
pub(super) async fn together<T, F>(call: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = std::sync::Arc::new(Barrier::new(usize::try_from(CROWD).unwrap()));
    let tasks: Vec<_> = (0..CROWD)
        .map(|n| {
            let (start, call) = (start.clone(), call(n));
            tokio::spawn(async move {
                start.wait().await;
                call.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// How many answers are as wanted.
pub(super) fn count<T>(answers: &[T], wanted: impl Fn(&T) -> bool) -> usize {
    answers.iter().filter(|answer| wanted(answer)).count()
}
