//! Refresh tokens, revocations, and the sweep.
//!
//! A refresh token is used up by one `UPDATE … WHERE used_at IS NULL`; the digest of its successor is
//! kept beside it, so that the same call can be given the same answer until that successor is used.
//!
//! The tokens of one session are side by side: their key begins with its id. So a refresh finds its token, writes it and adds
//! the successor in one place of one tree.

use std::time::Duration;

use portcullis_core::account::{self, Account, AccountState};
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::secret::Digest;
use portcullis_core::session::{self, Ending, Session};
use portcullis_core::token::{
    Id, MAX_LEEWAY, PresentedRefresh, Refresh, RefreshError, RefreshRotation, Rotated, Store, TokenSubject,
};
use uuid::Uuid;

use crate::database::{Database, KEPT};
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::row::{account, account_columns};
use crate::session::{end, refresh, session, session_columns};
use crate::tx::Tx;
use crate::value::params;

portcullis_core::token_port!();

async fn find_refresh(on: &Database, token: PresentedRefresh) -> Result<Option<session::Id>, Fault> {
    defends!("T250");
    let rows = match token.session {
        Some(id) => {
            let sql =
                "SELECT session_id FROM portcullis_refresh_tokens WHERE session_id = $1 AND digest = $2";
            on.read(sql, params![id, &token.digest]).await?
        }
        None => on.read(BARE, params![&token.digest]).await?,
    };
    rows.into_iter().next().map(|mut row| row.take()).transpose()
}

/// The session of a token whose text doesn't say it: one that was stored up to schema 14.
const BARE: &str = "SELECT session_id FROM portcullis_refresh_tokens WHERE digest = $1 AND bare = 1";

/// The session whose token this may be. What its text says is believed as far as the token is looked for there.
async fn session_of(tx: &mut Tx<'_>, token: &PresentedRefresh) -> Result<Option<session::Id>, Fault> {
    if token.session.is_some() {
        return Ok(token.session);
    }
    let row = tx.query_one(BARE, params![&token.digest]).await?;
    row.map(|mut row| row.take()).transpose()
}

async fn is_revoked(on: &Database, id: Id) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_revocations WHERE id = $1";
    Ok(!on.read(sql, params![id]).await?.is_empty())
}

type Outcome = Result<Result<Rotated, RefreshError>, Fault>;

async fn rotate_refresh(tx: &mut Tx<'_>, rotation: RefreshRotation, by: &Context) -> Outcome {
    tx.alone()?;
    let Some(id) = session_of(tx, &rotation.presented).await? else {
        return Ok(Err(RefreshError::Invalid));
    };
    defends!("T008");
    let sql = "UPDATE portcullis_refresh_tokens SET used_at = $3, successor = $4
        WHERE session_id = $1 AND digest = $2 AND used_at IS NULL AND expires_at > $3";
    let RefreshRotation {
        presented, successor, ..
    } = &rotation;
    let params = params![id, &presented.digest, by.at, &successor.digest];
    if tx.execute(sql, params).await? == 0 {
        return not_fresh(tx, id, rotation, by).await;
    }
    let Some(subject) = subject(tx, id, rotation, by).await? else {
        return Ok(Err(RefreshError::Invalid));
    };
    refresh::insert(tx, id, &rotation.successor).await?;
    Ok(Ok(Rotated::Fresh(Box::new(subject))))
}

/// The presented token is unknown, expired or used.
///
/// A used one says nothing of theft while its successor was never used: whoever presents it holds what its first user
/// held, nobody has gone on, and the answer may have been lost. It gets the same successor, however late. Once the
/// successor was used, two hold the family, or one holds it twice.
async fn not_fresh(tx: &mut Tx<'_>, id: session::Id, rotation: RefreshRotation, by: &Context) -> Outcome {
    defends!("T007");
    let sql =
        "SELECT used_at, successor FROM portcullis_refresh_tokens WHERE session_id = $1 AND digest = $2";
    let Some(mut row) = tx.query_one(sql, params![id, &rotation.presented.digest]).await? else {
        return Ok(Err(RefreshError::Invalid));
    };
    let Some(used_at) = row.take::<Option<Timestamp>>()? else {
        return Ok(Err(RefreshError::Invalid));
    };
    let same = row.take::<Option<Digest<Refresh>>>()? == Some(rotation.successor.digest);
    let graced = in_grace(used_at, rotation, by.at);
    match successor(tx, id, &rotation.successor.digest, by.at).await? {
        Successor::Unused if same => again(tx, id, rotation, graced, by).await,
        // Nobody went on, and nobody can any more.
        Successor::Expired if same => Ok(Err(RefreshError::Invalid)),
        // Whoever has it already went on: a slow tab is told so, and nothing else.
        Successor::Used if same && graced => Ok(Err(RefreshError::Invalid)),
        _ => replayed(tx, id, by).await,
    }
}

/// Whether a token was used so lately that its return is a race. One that was used by a clock further ahead than clocks
/// may differ was not used lately: this clock, or that one, was set.
fn in_grace(used_at: Timestamp, rotation: RefreshRotation, now: Timestamp) -> bool {
    defends!("T172");
    used_at >= rotation.grace_from && used_at <= now.plus(MAX_LEEWAY)
}

/// What became of the token that another was exchanged for.
enum Successor {
    Unused,
    /// It was never used, and its time is over.
    Expired,
    Used,
    /// It was swept away, or never was: nobody knows whether it was used.
    Unknown,
}

async fn successor(
    tx: &mut Tx<'_>,
    id: session::Id,
    digest: &Digest<Refresh>,
    now: Timestamp,
) -> Result<Successor, Fault> {
    let sql =
        "SELECT used_at, expires_at FROM portcullis_refresh_tokens WHERE session_id = $1 AND digest = $2";
    let Some(mut row) = tx.query_one(sql, params![id, digest]).await? else {
        return Ok(Successor::Unknown);
    };
    let (used_at, expires_at): (Option<Timestamp>, Timestamp) = (row.take()?, row.take()?);
    Ok(match used_at {
        Some(_) => Successor::Used,
        None if expires_at > now => Successor::Unused,
        None => Successor::Expired,
    })
}

/// The same answer once more. One that is asked for late is on record: an answer was lost, or somebody has a copy.
async fn again(
    tx: &mut Tx<'_>,
    id: session::Id,
    rotation: RefreshRotation,
    graced: bool,
    by: &Context,
) -> Outcome {
    let Some(subject) = subject(tx, id, rotation, by).await? else {
        return Ok(Err(RefreshError::Invalid));
    };
    if !graced {
        let entry = Entry::of(Action::RefreshRepeated).account(subject.account.id);
        tx.record(by, entry.session(id));
    }
    defends!("T173");
    Ok(Ok(Rotated::Again(Box::new(subject))))
}

/// Ends the session of a token that came back; one that ended before is merely refused.
async fn replayed(tx: &mut Tx<'_>, id: session::Id, by: &Context) -> Outcome {
    let sql = "SELECT account_id FROM portcullis_sessions WHERE id = $1";
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(Err(RefreshError::Invalid));
    };
    let ended = end(tx, row.take()?, id, Ending::Replay, by).await?;
    Ok(if ended {
        Err(RefreshError::Replayed(id))
    } else {
        Err(RefreshError::Invalid)
    })
}

/// Session and account, if both are still good; marks the session as seen. If not, nothing of the verb is kept.
async fn subject(
    tx: &mut Tx<'_>,
    id: session::Id,
    rotation: RefreshRotation,
    by: &Context,
) -> Result<Option<TokenSubject>, Fault> {
    defends!("T016");
    let Some(session) = seen(tx, id, by.at).await? else {
        tx.undo();
        return Ok(None);
    };
    let account = account_of(tx, &session).await?;
    let unverified = rotation.require_verified && account.state == AccountState::Unverified;
    if !account.state.may_act() || unverified || session.stamp != account.stamp {
        tx.undo();
        return Ok(None);
    }
    Ok(Some(TokenSubject { session, account }))
}

async fn seen(tx: &mut Tx<'_>, id: session::Id, at: Timestamp) -> Result<Option<Session>, Fault> {
    let sql = concat!(
        "UPDATE portcullis_sessions SET last_seen_at = CASE WHEN last_seen_at < $2 THEN $2 ELSE last_seen_at END
         WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND $2 - last_seen_at < idle RETURNING ",
        session_columns!()
    );
    let row = tx.query_one(sql, params![id, at]).await?;
    row.map(|mut row| session(&mut row)).transpose()
}

async fn account_of(tx: &mut Tx<'_>, session: &Session) -> Result<Account, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id = $1"
    );
    let row = tx.query_one(sql, params![session.account]).await?;
    let mut row = row.ok_or_else(|| Fault::Corrupt(format!("session {} has no account", session.id)))?;
    account(&mut row)
}

async fn revoke(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    expires_at: Timestamp,
    by: &Context,
) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_revocations (id, account_id, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
        WHERE portcullis_revocations.expires_at < excluded.expires_at";
    if tx.execute(sql, params![id, account, expires_at]).await? == 1 {
        tx.record(
            by,
            Entry::of(Action::TokenRevoked)
                .account(account)
                .detail(id.to_string()),
        );
        tx.invalidate(Invalidation::Token(id), by.at);
    }
    Ok(())
}

/// One row for each, whoever comes first.
const VOID: &str = "INSERT INTO portcullis_revocations (id, account_id, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO NOTHING";

async fn use_up(tx: &mut Tx<'_>, id: Id, expires_at: Timestamp) -> Result<bool, Fault> {
    defends!("T241");
    Ok(tx.execute(VOID, params![id, NO_ACCOUNT, expires_at]).await? == 1)
}

async fn revoke_purpose(tx: &mut Tx<'_>, id: Id, expires_at: Timestamp, by: &Context) -> Result<(), Fault> {
    if tx.execute(VOID, params![id, NO_ACCOUNT, expires_at]).await? == 1 {
        tx.record(by, Entry::of(Action::TokenRevoked).detail(id.to_string()));
    }
    Ok(())
}

/// Whose a token of a program's purpose is, is said in its claims alone, if it is anybody's.
const NO_ACCOUNT: Uuid = Uuid::nil();

/// Verifiers allow for clocks that differ: a revocation outlives its token by more than that.
const LEEWAY: Duration = Duration::from_secs(300);

/// How long a session is remembered after its end, for "a new device".
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

macro_rules! delete_some {
    ($table:literal, $key:literal, $condition:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $condition,
            " <= $1 LIMIT $2)"
        )
    };
}

/// Refresh tokens have a key of two parts.
const REFRESH_TOKENS: &str = "DELETE FROM portcullis_refresh_tokens WHERE (session_id, digest) IN
    (SELECT session_id, digest FROM portcullis_refresh_tokens WHERE expires_at <= $1 LIMIT $2)";

/// Grants have a key of four parts.
const GRANTS: &str = "DELETE FROM portcullis_grants WHERE (kind, resource, subject, action) IN
    (SELECT kind, resource, subject, action FROM portcullis_grants WHERE expires_at <= $1 LIMIT $2)";

/// A key stays, and forgets the text before its last rotation: a clock that is set back makes it good no more.
const FORMER_TEXTS: &str = "UPDATE portcullis_api_keys SET previous = NULL, previous_until = NULL
    WHERE id IN (SELECT id FROM portcullis_api_keys WHERE previous_until <= $1 LIMIT $2)";

/// What is deleted, and how long after the moment in its column.
const SWEEPS: [(&str, Duration); 10] = [
    (delete_some!("portcullis_revocations", "id", "expires_at"), LEEWAY),
    (REFRESH_TOKENS, Duration::ZERO),
    (
        delete_some!("portcullis_verifications", "digest", "expires_at"),
        Duration::ZERO,
    ),
    (
        delete_some!("portcullis_organization_invitations", "id", "expires_at"),
        Duration::ZERO,
    ),
    (GRANTS, Duration::ZERO),
    (FORMER_TEXTS, Duration::ZERO),
    (
        delete_some!("portcullis_budgets", "subject", "due"),
        Duration::ZERO,
    ),
    (delete_some!("portcullis_invalidations", "seq", "at"), KEPT),
    (delete_some!("portcullis_sessions", "id", "ended_at"), REMEMBERED),
    (
        delete_some!("portcullis_sessions", "id", "expires_at"),
        REMEMBERED,
    ),
];

async fn sweep(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> Result<u64, Fault> {
    let mut left = u64::from(limit);
    for (sql, kept) in SWEEPS {
        let room = i64::try_from(left).unwrap_or(i64::MAX);
        left -= tx.execute(sql, params![now.minus(kept), room]).await?.min(left);
    }
    Ok(u64::from(limit) - left)
}
