//! Sessions, as the database keeps them.
//!
//! A session that timed out stays a row until it is swept. The verbs that end sessions end such rows too, because
//! `last seen` is written behind and the row may be the last to know that a session lives; their count is of those
//! that live by the row.

pub(crate) mod everything;
pub(crate) mod refresh;

use portcullis_core::account::{self, AccountKind, AccountState, Stamp};
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::secret::Digest;
use portcullis_core::session::{
    ApiKeyHandling, Device, Ending, Everything, Id, Method, NewSession, NotOpened, Opened, Session,
    SessionToken, Store,
};
use uuid::Uuid;

use self::everything::end_everything;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, params};
use crate::{Database, claim, job};

/// The columns [`session`] reads.
macro_rules! session_columns {
    () => {
        "id, account_id, stamp, user_agent, ip, name, method, scopes, authenticated_at, last_seen_at, idle, expires_at"
    };
}
pub(crate) use session_columns;

/// The session in a row of [`session_columns`].
pub(crate) fn session(row: &mut Row) -> Result<Session, Fault> {
    Ok(Session {
        id: row.take()?,
        account: row.take()?,
        stamp: row.take()?,
        device: Device {
            user_agent: row.take()?,
            ip: row.take()?,
            name: row.take()?,
        },
        method: row.take()?,
        scopes: row.take::<Option<Scopes>>()?.map(|Scopes(names)| names),
        authenticated_at: row.take()?,
        last_seen_at: row.take()?,
        idle: row.take()?,
        expires_at: row.take()?,
    })
}

/// A list of scopes, stored as JSON: no scope's text can make two of one.
struct Scopes(Vec<String>);

impl Stored for Scopes {
    fn read(value: Value<'static>) -> Option<Self> {
        serde_json::from_str(&String::read(value)?).ok().map(Self)
    }
}

impl Stored for Method {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

portcullis_core::session_port!();

async fn find_by_token(on: &Database, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM portcullis_sessions WHERE token = $1 AND ended_at IS NULL"
    );
    let row = on.read(sql, params![&token]).await?.into_iter().next();
    row.map(|mut row| session(&mut row)).transpose()
}

async fn find(on: &Database, id: Id) -> Result<Option<Session>, Fault> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM portcullis_sessions WHERE id = $1 AND ended_at IS NULL"
    );
    let row = on.read(sql, params![id]).await?.into_iter().next();
    row.map(|mut row| session(&mut row)).transpose()
}

async fn list(on: &Database, account: account::Id, now: Timestamp) -> Result<Vec<Session>, Fault> {
    defends!("T027");
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM portcullis_sessions WHERE account_id = $1 AND ended_at IS NULL
           AND expires_at > $2 AND $2 - last_seen_at < idle
         ORDER BY last_seen_at DESC, id DESC"
    );
    let rows = on.read(sql, params![account, now]).await?;
    rows.into_iter().map(|mut row| session(&mut row)).collect()
}

async fn end_others(tx: &mut Tx<'_>, account: account::Id, keep: Id, by: &Context) -> Result<u64, Fault> {
    let ended = end_many(tx, account, Some(keep), Ending::Ended, by.at).await?;
    if ended.rows > 0 {
        let all = Entry::of(Action::SessionsEnded).account(account).session(keep);
        tx.record(by, all.detail("others"));
    }
    Ok(ended.living)
}

async fn touch(tx: &mut Tx<'_>, seen: &[(Id, Timestamp)]) -> Result<(), Fault> {
    // In one order everywhere: two nodes that touch the same sessions don't lock each other out.
    let mut seen = seen.to_vec();
    seen.sort_unstable();
    let sets: Vec<_> = seen.iter().map(|(id, at)| params![*id, *at].to_vec()).collect();
    tx.execute_many(TOUCH, &sets).await
}

/// A session that timed out in between stays timed out.
const TOUCH: &str = "UPDATE portcullis_sessions SET last_seen_at = $2
    WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL AND expires_at > $2 AND $2 - last_seen_at < idle";

async fn open(tx: &mut Tx<'_>, new: &NewSession, by: &Context) -> Result<Result<Opened, NotOpened>, Fault> {
    if let Err(state) = check_account(tx, new).await? {
        return Ok(Err(NotOpened(state)));
    }
    let new_device = is_new_device(tx, new).await?;
    tell(tx, new, new_device, by).await?;
    let ended = make_room(tx, new, by).await?;
    insert(tx, new, by.at).await?;
    if let Some(refresh) = &new.refresh {
        refresh::insert(tx, new.id, refresh).await?;
    }
    tx.record(
        by,
        Entry::of(Action::SessionOpened)
            .account(new.account)
            .session(new.id),
    );
    Ok(Ok(Opened { new_device, ended }))
}

/// Whether the account may have this session; the state it is in if not.
pub(crate) async fn check_account(
    tx: &mut Tx<'_>,
    new: &NewSession,
) -> Result<Result<(), AccountState>, Fault> {
    defends!("T035");
    // The lock puts openings, state changes and "log out everywhere" of one account in a row.
    let sql = "SELECT state, stamp, kind FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let Some(mut row) = tx.query_one(sql, params![new.account]).await? else {
        return Ok(Err(AccountState::Disabled));
    };
    let (state, stamp, kind): (AccountState, Stamp, AccountKind) = (row.take()?, row.take()?, row.take()?);
    let unverified = new.require_verified && state == AccountState::Unverified;
    defends!("T042");
    if !state.may_act() || unverified || stamp != new.stamp || kind == AccountKind::Service {
        return Ok(Err(state));
    }
    if state == AccountState::Unverified {
        claim::renew(tx, new.account, new.expires_at).await?;
    }
    Ok(Ok(()))
}

/// Whether the account has had sessions before, and none with this user agent.
pub(crate) async fn is_new_device(tx: &mut Tx<'_>, new: &NewSession) -> Result<bool, Fault> {
    let sql = "SELECT count(*), count(CASE WHEN user_agent IS NOT DISTINCT FROM $2 THEN 1 END)
        FROM portcullis_sessions WHERE account_id = $1";
    let params = params![new.account, new.device.user_agent.as_ref()];
    let Some(mut row) = tx.query_one(sql, params).await? else {
        return Ok(false);
    };
    let (all, same): (i64, i64) = (row.take()?, row.take()?);
    Ok(all > 0 && same == 0)
}

/// Writes what its owner is told of a new device.
pub(crate) async fn tell(
    tx: &mut Tx<'_>,
    new: &NewSession,
    new_device: bool,
    by: &Context,
) -> Result<(), Fault> {
    if let (true, Some(news)) = (new_device, &new.news) {
        // An e-mail that is withheld keeps nobody out.
        let _ = job::enqueue(tx, news, by).await?;
    }
    Ok(())
}

/// Ends the least recently seen sessions until one more has room.
async fn make_room(tx: &mut Tx<'_>, new: &NewSession, by: &Context) -> Result<Vec<Id>, Fault> {
    let sql = "SELECT id FROM portcullis_sessions
        WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2 AND $2 - last_seen_at < idle
        ORDER BY last_seen_at DESC, id DESC LIMIT 9223372036854775807 OFFSET $3";
    let keep = new.limit.saturating_sub(1);
    let rows = tx.query(sql, params![new.account, by.at, keep]).await?;
    let mut ended = Vec::with_capacity(rows.len());
    for mut row in rows {
        let id = row.take()?;
        if end(tx, new.account, id, Ending::Evicted, by).await? {
            ended.push(id);
        }
    }
    Ok(ended)
}

async fn insert(tx: &mut Tx<'_>, new: &NewSession, at: Timestamp) -> Result<(), Fault> {
    defends!("T015");
    let sql =
        "INSERT INTO portcullis_sessions (id, account_id, stamp, token, user_agent, ip, name, method, scopes,
        authenticated_at, last_seen_at, idle, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)";
    let scopes = new.scopes.as_ref().map(serde_json::to_string).transpose();
    let scopes = scopes.map_err(|e| Fault::Other(format!("scopes can't be written: {e}")))?;
    let params = params![
        new.id,
        new.account,
        new.stamp,
        new.token.as_ref(),
        new.device.user_agent.as_ref(),
        new.device.ip,
        new.device.name.as_ref(),
        new.method.amr(),
        scopes,
        at,
        new.idle,
        new.expires_at,
    ];
    tx.execute(sql, params).await.map(drop)
}

async fn rename(
    tx: &mut Tx<'_>,
    account: account::Id,
    id: Id,
    name: &str,
    by: &Context,
) -> Result<bool, Fault> {
    defends!("T027");
    let sql =
        "UPDATE portcullis_sessions SET name = $3 WHERE id = $1 AND account_id = $2 AND ended_at IS NULL";
    let named = tx.execute(sql, params![id, account, name]).await? == 1;
    if named {
        tx.record(by, Entry::of(Action::SessionNamed).account(account).session(id));
    }
    Ok(named)
}

async fn renew(
    tx: &mut Tx<'_>,
    id: Id,
    old: Digest<SessionToken>,
    new: Digest<SessionToken>,
    by: &Context,
) -> Result<bool, Fault> {
    defends!("T022");
    let sql = "UPDATE portcullis_sessions SET token = $3
        WHERE id = $1 AND token = $2 AND ended_at IS NULL AND expires_at > $4 AND $4 - last_seen_at < idle
        RETURNING account_id";
    let Some(mut row) = tx.query_one(sql, params![id, &old, &new, by.at]).await? else {
        return Ok(false);
    };
    tx.record(
        by,
        Entry::of(Action::SessionRenewed).account(row.take()?).session(id),
    );
    tx.invalidate(Invalidation::Session(id), by.at);
    Ok(true)
}

/// Ends the account's session, if it has not ended.
pub(crate) async fn end(
    tx: &mut Tx<'_>,
    account: account::Id,
    id: Id,
    why: Ending,
    by: &Context,
) -> Result<bool, Fault> {
    defends!("T027");
    let sql = "UPDATE portcullis_sessions SET ended_at = $3, ended_why = $4
        WHERE id = $1 AND account_id = $2 AND ended_at IS NULL";
    let ended = tx.execute(sql, params![id, account, by.at, why.as_str()]).await? == 1;
    if ended {
        let action = match why {
            Ending::Replay => Action::RefreshReplayed,
            Ending::Logout | Ending::Ended | Ending::Evicted => Action::SessionEnded,
        };
        tx.record(
            by,
            Entry::of(action)
                .account(account)
                .session(id)
                .detail(why.as_str()),
        );
        tx.invalidate(Invalidation::Session(id), by.at);
    }
    Ok(ended)
}

/// How many sessions ended.
pub(crate) struct Ended {
    /// How many rows were ended, timed out or not.
    pub(crate) rows: u64,
    /// Those that had not timed out.
    pub(crate) living: u64,
}

/// Ends all sessions of the account but `keep`; the event is the caller's to write.
pub(crate) async fn end_many(
    tx: &mut Tx<'_>,
    account: account::Id,
    keep: Option<Id>,
    why: Ending,
    at: Timestamp,
) -> Result<Ended, Fault> {
    let sql = "UPDATE portcullis_sessions SET ended_at = $3, ended_why = $4
        WHERE account_id = $1 AND id <> $2 AND ended_at IS NULL
        RETURNING id, (expires_at > $3 AND $3 - last_seen_at < idle)";
    let keep = keep.map_or(Uuid::nil(), Id::as_uuid);
    let mut ended = Ended { rows: 0, living: 0 };
    for mut row in tx.query(sql, params![account, keep, at, why.as_str()]).await? {
        tx.invalidate(Invalidation::Session(row.take()?), at);
        ended.rows += 1;
        ended.living += u64::from(row.take::<bool>()?);
    }
    Ok(ended)
}
