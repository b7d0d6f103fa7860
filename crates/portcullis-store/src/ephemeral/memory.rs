//! Sessions in this process's memory.
//!
//! Three tables: records by account, and two directories that lead from an id or a token's digest to the account.
//! Each table is cut into shards with a lock of their own. A change holds its account's shard, so whatever is
//! changed of one account is changed in a row; a directory is only a hint, and what it leads to is checked against
//! the record.
//!
//! **Deployment caveat:** the sessions end with the process, and another process knows nothing of them. It is meant
//! for one process: a single server, or tests.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::secret::Digest;
use portcullis_core::session::{Id, Session, SessionToken};

use super::{Ephemeral, Notice};

/// An [`Ephemeral`] store in memory, bounded.
pub struct Memory {
    accounts: Table<account::Id, HashMap<Id, Kept>>,
    owners: Table<Id, account::Id>,
    tokens: Table<Digest<SessionToken>, Id>,
    notices: Mutex<Vec<Notice>>,
    count: AtomicUsize,
    capacity: usize,
    swept_at: AtomicI64,
}

struct Kept {
    session: Session,
    token: Digest<SessionToken>,
}

impl Memory {
    /// Room for 100,000 sessions.
    pub fn new() -> Self {
        Self::with_capacity(100_000)
    }

    /// Room for `capacity` sessions. When it is full, and nothing in it timed out, new sessions are refused
    /// ([`Fault::Busy`]): a flood of logins takes nobody's session away.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            accounts: Table::new(),
            owners: Table::new(),
            tokens: Table::new(),
            notices: Mutex::default(),
            count: AtomicUsize::new(0),
            capacity,
            swept_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Takes room for one session, if there is any.
    fn reserve(&self) -> bool {
        let one_more = |count| (count < self.capacity).then_some(count + 1);
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .is_ok()
    }

    /// Deletes what timed out, at most once in [`SWEEP_EVERY`]: a full store doesn't look through itself at each
    /// login.
    fn sweep_if_due(&self, now: Timestamp) {
        let last = Timestamp::from_micros(self.swept_at.load(Ordering::Acquire));
        if now >= last.plus(SWEEP_EVERY) {
            self.sweep_all(now);
        }
    }

    fn sweep_all(&self, now: Timestamp) -> u64 {
        self.swept_at.store(now.as_micros(), Ordering::Release);
        let mut swept = 0;
        for shard in self.accounts.shards() {
            lock(shard).retain(|_, sessions| {
                sessions.retain(|id, kept| {
                    let lives = kept.session.lives_at(now);
                    if !lives {
                        self.unlist(*id, &kept.token);
                        swept += 1;
                    }
                    lives
                });
                !sessions.is_empty()
            });
        }
        swept
    }

    /// Takes a session that was removed from its account's record out of the directories.
    fn unlist(&self, id: Id, token: &Digest<SessionToken>) {
        lock(self.owners.shard(&id)).remove(&id);
        lock(self.tokens.shard(token)).remove(token);
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    fn owner(&self, id: Id) -> Option<account::Id> {
        lock(self.owners.shard(&id)).get(&id).copied()
    }

    /// What `read` makes of the session, if there is one.
    fn with<T>(&self, id: Id, read: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let account = self.owner(id)?;
        let mut shard = lock(self.accounts.shard(&account));
        shard.get_mut(&account)?.get_mut(&id).map(read)
    }

    fn take_in(&self, notice: &Notice) {
        lock(&self.notices).push(notice.clone());
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("sessions", &self.count.load(Ordering::Relaxed))
            .field("capacity", &self.capacity)
            .finish()
    }
}

#[async_trait]
impl Ephemeral for Memory {
    async fn keep(&self, session: Session, token: Digest<SessionToken>) -> Result<(), Fault> {
        defends!("T015");
        if !self.reserve() {
            self.sweep_if_due(session.last_seen_at);
            if !self.reserve() {
                return Err(Fault::Busy(format!(
                    "there is room for {} sessions in memory, and all of them live",
                    self.capacity
                )));
            }
        }
        let (account, id) = (session.account, session.id);
        let mut shard = lock(self.accounts.shard(&account));
        lock(self.owners.shard(&id)).insert(id, account);
        lock(self.tokens.shard(&token)).insert(token, id);
        shard
            .entry(account)
            .or_default()
            .insert(id, Kept { session, token });
        Ok(())
    }

    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        let id = lock(self.tokens.shard(&token)).get(&token).copied();
        let found =
            id.and_then(|id| self.with(id, |kept| (kept.token == token).then(|| kept.session.clone())));
        Ok(found.flatten())
    }

    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        Ok(self.with(id, |kept| kept.session.clone()))
    }

    async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        let shard = lock(self.accounts.shard(&account));
        let sessions = shard.get(&account).into_iter().flat_map(HashMap::values);
        Ok(sessions.map(|kept| kept.session.clone()).collect())
    }

    async fn rename(
        &self,
        account: account::Id,
        id: Id,
        name: String,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        defends!("T027");
        let named = self.with(id, |kept| {
            let own = kept.session.account == account;
            if own {
                kept.session.device.name = Some(name);
                self.take_in(notice);
            }
            own
        });
        Ok(named.unwrap_or(false))
    }

    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        defends!("T022");
        let renewed = self.with(id, |kept| {
            let good = kept.token == old && kept.session.lives_at(notice.at());
            if good {
                kept.token = new;
                lock(self.tokens.shard(&old)).remove(&old);
                lock(self.tokens.shard(&new)).insert(new, id);
                self.take_in(notice);
            }
            good
        });
        Ok(renewed.unwrap_or(false))
    }

    async fn end(&self, account: account::Id, ids: &[Id], notice: Option<&Notice>) -> Result<Vec<Id>, Fault> {
        defends!("T027");
        let mut shard = lock(self.accounts.shard(&account));
        let Some(sessions) = shard.get_mut(&account) else {
            return Ok(Vec::new());
        };
        let mut ended = Vec::new();
        for id in ids {
            if let Some(kept) = sessions.remove(id) {
                self.unlist(*id, &kept.token);
                ended.push(*id);
            }
        }
        if sessions.is_empty() {
            shard.remove(&account);
        }
        if let (Some(notice), false) = (notice, ended.is_empty()) {
            self.take_in(notice);
        }
        Ok(ended)
    }

    async fn touch(&self, seen: &[(Id, Timestamp)]) -> Result<Vec<(Id, Timestamp)>, Fault> {
        let unknown = seen.iter().filter(|(id, at)| {
            let touched = self.with(*id, |kept| {
                if kept.session.lives_at(*at) {
                    kept.session.last_seen_at = kept.session.last_seen_at.max(*at);
                }
            });
            touched.is_none()
        });
        Ok(unknown.copied().collect())
    }

    async fn notices(&self, before: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault> {
        let notices = lock(&self.notices);
        let waiting = notices.iter().filter(|notice| notice.at() < before);
        Ok(waiting
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn waits(&self, notice: &Notice) -> Result<bool, Fault> {
        let text = notice.to_text();
        Ok(lock(&self.notices)
            .iter()
            .any(|waiting| waiting.to_text() == text))
    }

    async fn settle(&self, settled: &[Notice]) -> Result<(), Fault> {
        let settled: Vec<_> = settled.iter().map(Notice::to_text).collect();
        lock(&self.notices).retain(|notice| !settled.contains(&notice.to_text()));
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        Ok(self.sweep_all(now))
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// A map in shards, each with its own lock.
struct Table<K, V> {
    shards: Box<[Mutex<HashMap<K, V>>; SHARDS]>,
    hasher: RandomState,
}

impl<K: Eq + Hash, V> Table<K, V> {
    fn new() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Mutex::default())),
            hasher: RandomState::new(),
        }
    }

    fn shards(&self) -> &[Mutex<HashMap<K, V>>; SHARDS] {
        &self.shards
    }

    fn shard(&self, key: &K) -> &Mutex<HashMap<K, V>> {
        let [first, ..] = self.shards();
        let slot = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards.get(slot).unwrap_or(first)
    }
}

/// No change is left half done by a panic: every lock is held over plain moves of values.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 32;
const SWEEP_EVERY: Duration = Duration::from_secs(1);
