//! Opaque sessions outside the database: in this process's memory, or in Redis or Valkey.
//!
//! A session that carries refresh tokens stays in the database, where rotating them is one transaction. A session
//! that is nothing but an opaque token needs no table: its record changes every minute it is used ("last seen") and
//! is worth nothing after its timeout. [`SplitSessions`] is the session store that sends each kind where it
//! belongs; [`Ephemeral`] is the small port beneath it, [`Memory`] and [`Redis`] are its two kinds.
//!
//! The database stays the truth about accounts and the place of the audit log: opening a session is checked there,
//! and the account's stamp, which every session carries, ends all of them at once whatever an ephemeral store still
//! holds.
//!
//! An ephemeral store can't share a transaction with the database. So what is to be told of a change there (its
//! audit event, its invalidation) is a [`Notice`] that the store takes in with the change itself, in one step, and
//! gives up once the database has it: a crash or a lost connection in between delays the telling and loses nothing.
//!
//! **Deliberately absent:** refresh tokens, accounts and anything else that must survive the store's loss.

mod memory;
mod notice;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod split;

use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::secret::Digest;
use portcullis_core::session::{Id, Session, SessionToken};

pub use self::memory::Memory;
pub use self::notice::Notice;
#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub use self::split::SplitSessions;

/// Where opaque sessions are kept. Every verb is atomic. No verb reads a clock: the caller checks timeouts, and the
/// moments it passes are the only ones that count.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Keeps a new session under its token's digest.
    async fn keep(&self, session: Session, token: Digest<SessionToken>) -> Result<(), Fault>;

    /// The session with this token, if it has not ended.
    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault>;

    /// The session with this id, if it has not ended.
    async fn find(&self, id: Id) -> Result<Option<Session>, Fault>;

    /// The account's sessions that have not ended, in any order.
    async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault>;

    /// Names the account's session and takes the notice in. Answers `false`, and takes nothing in, if it has none.
    async fn rename(
        &self,
        account: account::Id,
        id: Id,
        name: String,
        notice: &Notice,
    ) -> Result<bool, Fault>;

    /// Replaces the token of a session that lives at the notice's moment, and takes the notice in. Answers `false`,
    /// and takes nothing in, if `old` isn't its token.
    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        notice: &Notice,
    ) -> Result<bool, Fault>;

    /// Ends those of the sessions that are the account's and takes the notice in if there were any. Answers which;
    /// of any number of parallel calls exactly one gets an id.
    async fn end(&self, account: account::Id, ids: &[Id], notice: Option<&Notice>) -> Result<Vec<Id>, Fault>;

    /// Writes down when sessions were last seen; never moves one back, never revives one. Answers those it doesn't
    /// have.
    async fn touch(&self, seen: &[(Id, Timestamp)]) -> Result<Vec<(Id, Timestamp)>, Fault>;

    /// Up to `limit` notices taken in before this moment, oldest first.
    async fn notices(&self, before: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault>;

    /// Whether this notice was taken in and not given up.
    async fn waits(&self, notice: &Notice) -> Result<bool, Fault> {
        let (text, after) = (notice.to_text(), notice.at().plus(Duration::from_micros(1)));
        let waiting = self.notices(after, u32::MAX).await?;
        Ok(waiting.iter().any(|waiting| waiting.to_text() == text))
    }

    /// Gives up notices that the database has.
    async fn settle(&self, notices: &[Notice]) -> Result<(), Fault>;

    /// Deletes sessions that timed out. Answers how many; a store that forgets them by itself answers zero.
    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault>;

    /// Whether the store answers: for readiness.
    async fn ping(&self) -> Result<(), Fault>;
}
