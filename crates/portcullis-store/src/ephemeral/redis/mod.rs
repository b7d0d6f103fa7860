//! Sessions in Redis or Valkey, for several nodes over one database.
//!
//! Keys, all under one prefix (`portcullis:` unless said otherwise):
//!
//! | key | what |
//! |---|---|
//! | `s:<session id>` | a hash: the session's record |
//! | `t:<SHA-256 of the token, hex>` | the session's id |
//! | `a:<account id>` | a sorted set of the account's session ids, by when they were last seen |
//! | `o:<SHA-256, hex>` | a nonce that was taken ([`Nonces`](portcullis_core::signature::Nonces)) |
//! | `n` | a sorted set of [`Notice`]s that the database hasn't got yet, by when they happened |
//! | `r:<name>:<limits>:<subject>` | a hash: what a subject used of its limits (`rates`) |
//!
//! Every verb that reads or writes more than one key is one Lua script: Redis runs it as a whole or not at all.
//! Moments are microseconds from the caller. Redis' own clock only deletes what is long over: a key expires a
//! minute after its session would have timed out (`GRACE_MILLIS`).
//!
//! Every call is answered within a second (`WITHIN`) or is a [`Fault`]: a session that can't be looked up lets
//! nobody in. After an outage the connection is made anew by the next calls.
//!
//! **Deployment caveats:** whoever can write to this Redis can make sessions: give it a password and `rediss://`
//! wherever the network isn't your own. Set `maxmemory-policy noeviction`: an evicted key is a person logged out. A
//! Redis that comes back without its data logs everybody out; one that comes back with *older* data (an old
//! snapshot, a failover to a replica that lagged) brings back sessions that were ended singly in the moments
//! lost, though never those of an account that logged out everywhere or was disabled. Use `appendfsync always`
//! where that matters.
//!
//! **Deliberately absent:** Redis Cluster. A script touches keys of several slots; a prefix with a hash tag, such as
//! `{portcullis}:`, would bind them to one node and gain nothing.

mod connection;
mod nonces;
mod rates;
mod record;
mod scripts;

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::secret::Digest;
use portcullis_core::session::{Id, Session, SessionToken};
use redis::{Cmd, ScriptInvocation};

use self::connection::Connection;
use self::record::Fields;
use self::scripts::Scripts;
use super::{Ephemeral, Notice};

/// An [`Ephemeral`] store in Redis 6.2 or Valkey 7.2, or newer.
pub struct Redis {
    connection: Connection,
    scripts: Scripts,
    prefix: String,
}

impl Redis {
    /// Connects to `redis://…`, `rediss://…` (TLS, checked against the system's roots) or `redis+unix://…`.
    ///
    /// # Errors
    /// [`Fault`]: the address is wrong, or nothing answers there. The address is not repeated: it may carry a
    /// password.
    pub async fn connect(url: &str) -> Result<Self, Fault> {
        Self::connect_with(url, "portcullis:").await
    }

    /// As [`Redis::connect`], with a prefix for every key: what several deployments share a Redis by.
    ///
    /// # Errors
    /// [`Fault`], as [`Redis::connect`].
    pub async fn connect_with(url: &str, prefix: &str) -> Result<Self, Fault> {
        let redis = Self::lazily(url, prefix)?;
        redis.ping().await?;
        Ok(redis)
    }

    /// The same, without a look whether anything answers: for what can do without it.
    ///
    /// # Errors
    /// [`Fault`]: the address is wrong.
    pub fn lazily(url: &str, prefix: &str) -> Result<Self, Fault> {
        Ok(Self {
            connection: Connection::new(url)?,
            scripts: Scripts::new(),
            prefix: prefix.to_owned(),
        })
    }

    fn session_key(&self, id: Id) -> String {
        format!("{}s:{id}", self.prefix)
    }

    fn token_key(&self, token: &Digest<SessionToken>) -> String {
        format!("{}t:{}", self.prefix, record::hex(token))
    }

    fn account_key(&self, account: account::Id) -> String {
        format!("{}a:{account}", self.prefix)
    }

    fn notices_key(&self) -> String {
        format!("{}n", self.prefix)
    }

    /// Adds the notice's moment and text to a script's arguments; both empty for none.
    fn add_notice(call: &mut ScriptInvocation<'_>, notice: Option<&Notice>) {
        let at = notice.map_or(String::new(), |notice| notice.at().as_micros().to_string());
        call.arg(at).arg(notice.map_or(String::new(), Notice::to_text));
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Ephemeral for Redis {
    async fn keep(&self, session: Session, token: Digest<SessionToken>) -> Result<(), Fault> {
        defends!("T015");
        let mut call = self.scripts.keep.prepare_invoke();
        call.key(self.session_key(session.id))
            .key(self.token_key(&token))
            .key(self.account_key(session.account))
            .arg(session.id.to_string())
            .arg(session.last_seen_at.as_micros())
            .arg(record::lasts_for(&session))
            .arg(record::write(&session, &token)?);
        self.connection.run(&call).await
    }

    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        let mut call = self.scripts.find_by_token.prepare_invoke();
        call.key(self.token_key(&token))
            .arg(&self.prefix)
            .arg(record::hex(&token));
        let fields: Fields = self.connection.run(&call).await?;
        record::read(fields)
    }

    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        let fields: Fields = self.connection.send(&Cmd::hgetall(self.session_key(id))).await?;
        record::read(fields)
    }

    async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        let mut call = self.scripts.list.prepare_invoke();
        call.key(self.account_key(account)).arg(&self.prefix);
        let found: Vec<Fields> = self.connection.run(&call).await?;
        found
            .into_iter()
            .filter_map(|fields| record::read(fields).transpose())
            .collect()
    }

    async fn rename(
        &self,
        account: account::Id,
        id: Id,
        name: String,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        defends!("T027");
        let mut call = self.scripts.rename.prepare_invoke();
        call.key(self.session_key(id)).key(self.notices_key());
        Self::add_notice(&mut call, Some(notice));
        call.arg(account.to_string()).arg(name);
        self.connection.run(&call).await
    }

    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        defends!("T022");
        let mut call = self.scripts.renew.prepare_invoke();
        call.key(self.session_key(id))
            .key(self.notices_key())
            .key(self.token_key(&old))
            .key(self.token_key(&new));
        Self::add_notice(&mut call, Some(notice));
        call.arg(id.to_string())
            .arg(record::hex(&old))
            .arg(record::hex(&new));
        self.connection.run(&call).await
    }

    async fn end(&self, account: account::Id, ids: &[Id], notice: Option<&Notice>) -> Result<Vec<Id>, Fault> {
        defends!("T027");
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.scripts.end.prepare_invoke();
        call.key(self.account_key(account)).key(self.notices_key());
        Self::add_notice(&mut call, notice);
        call.arg(&self.prefix).arg(account.to_string());
        for id in ids {
            call.arg(id.to_string());
        }
        let ended: Vec<String> = self.connection.run(&call).await?;
        ended.iter().map(|id| record::id(id)).collect()
    }

    async fn touch(&self, seen: &[(Id, Timestamp)]) -> Result<Vec<(Id, Timestamp)>, Fault> {
        let mut unknown = Vec::new();
        // A script holds everybody else up while it runs: it takes few at a time.
        for some in seen.chunks(TOUCHED_AT_ONCE) {
            let mut call = self.scripts.touch.prepare_invoke();
            call.arg(&self.prefix).arg(record::GRACE_MILLIS);
            for (id, at) in some {
                call.arg(id.to_string()).arg(at.as_micros());
            }
            let missing: Vec<usize> = self.connection.run(&call).await?;
            unknown.extend(missing.into_iter().filter_map(|place| some.get(place)));
        }
        Ok(unknown)
    }

    async fn notices(&self, before: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault> {
        let until = format!("({}", before.as_micros());
        let limit = isize::try_from(limit).unwrap_or(isize::MAX);
        let query = Cmd::zrangebyscore_limit(self.notices_key(), "-inf", until, 0, limit);
        let texts: Vec<String> = self.connection.send(&query).await?;
        texts.iter().map(|text| Notice::from_text(text)).collect()
    }

    async fn waits(&self, notice: &Notice) -> Result<bool, Fault> {
        let score = Cmd::zscore(self.notices_key(), notice.to_text());
        let score: Option<f64> = self.connection.send(&score).await?;
        Ok(score.is_some())
    }

    async fn settle(&self, notices: &[Notice]) -> Result<(), Fault> {
        if notices.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = notices.iter().map(Notice::to_text).collect();
        self.connection.send(&Cmd::zrem(self.notices_key(), texts)).await
    }

    /// Redis forgets what timed out by itself.
    async fn sweep(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.connection.send(&redis::cmd("PING")).await
    }
}

/// How many sessions one script generations as seen.
const TOUCHED_AT_ONCE: usize = 500;
