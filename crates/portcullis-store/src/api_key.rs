//! API keys, as the database keeps them.
//!
//! A key has one row: its text's hash, and beside it the hash of the text before while a rotation's overlap runs.
//! A revoked key's row is gone; the audit log remembers it.

pub(crate) mod all;
mod expiry;
mod import;
mod rotation;

use std::net::IpAddr;
use std::sync::Arc;

use portcullis_core::account::{self, AccountState, Stamp};
use portcullis_core::api_key::{
    ApiKey, ApiKeysError, Change, ExpiryWindow, ExpiryWording, Found, Id, Imported, KeyDigest, KeyName,
    KeyRotation, Networks, NewApiKey, Store, Warning,
};
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::throttle::Rate;

use self::expiry::warn_expiring;
use self::import::{import_key, imported};
use self::rotation::rotate_key;
use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, one, params};

/// The columns [`api_key`] reads.
macro_rules! api_key_columns {
    () => {
        "id, account_id, name, permissions, digest, hint, expires_at, enabled, networks, rate, previous_until, created_at, \
         last_used_at, last_used_ip"
    };
}

use api_key_columns;

/// The key in a row of [`api_key_columns`].
fn api_key(row: &mut Row) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: row.take()?,
        account: row.take()?,
        name: row.take()?,
        permissions: row.take::<List>()?.0,
        digest: row.take()?,
        hint: row.take()?,
        expires_at: row.take()?,
        enabled: row.take()?,
        networks: row.take()?,
        limit: row.take()?,
        previous_until: row.take()?,
        created_at: row.take()?,
        last_used: {
            let (at, from): (Option<Timestamp>, Option<IpAddr>) = (row.take()?, row.take()?);
            at.map(|at| (at, from))
        },
    })
}

/// A list of texts, stored as JSON: no text can make two of one.
struct List(Vec<String>);

impl Stored for List {
    fn read(value: Value<'static>) -> Option<Self> {
        serde_json::from_str(&String::read(value)?).ok().map(Self)
    }
}

impl Stored for Networks {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&List::read(value)?.0).ok()
    }
}

impl Stored for Rate {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?).ok()
    }
}

fn json(texts: &[String]) -> Result<String, Fault> {
    serde_json::to_string(texts).map_err(|e| Fault::Other(format!("a list can't be written: {e}")))
}

portcullis_core::api_key_port!();

async fn list(on: &Database, account: account::Id) -> Result<Vec<ApiKey>, Fault> {
    defends!("T027");
    let sql = concat!(
        "SELECT ",
        api_key_columns!(),
        " FROM portcullis_api_keys WHERE account_id = $1 ORDER BY id"
    );
    let rows = on.read(sql, params![account]).await?;
    rows.into_iter().map(|mut row| api_key(&mut row)).collect()
}

async fn find(on: &Database, account: account::Id, id: Id) -> Result<Option<ApiKey>, Fault> {
    let row = on.read(FIND, params![account, id]).await?.into_iter().next();
    row.map(|mut row| api_key(&mut row)).transpose()
}

async fn find_by_digest(on: &Database, digest: KeyDigest) -> Result<Option<Found>, Fault> {
    let sql = concat!(
        "SELECT ",
        api_key_columns!(),
        ", CASE WHEN digest = $1 THEN NULL ELSE previous_until END
         FROM portcullis_api_keys WHERE digest = $1 OR previous = $1"
    );
    let row = on.read(sql, params![&digest]).await?.into_iter().next();
    let found = |mut row: Row| {
        Ok(Found {
            key: api_key(&mut row)?,
            until: row.take()?,
        })
    };
    row.map(found).transpose()
}

async fn note_used(tx: &mut Tx<'_>, used: &[(Id, Timestamp, Option<IpAddr>)]) -> Result<(), Fault> {
    // In one order everywhere: two nodes that touch the same keys don't lock each other out.
    let mut used = used.to_vec();
    used.sort_unstable();
    let sets: Vec<_> = used
        .iter()
        .map(|(id, at, from)| params![*id, *at, *from].to_vec())
        .collect();
    tx.execute_many(TOUCH, &sets).await
}

const FIND: &str = concat!(
    "SELECT ",
    api_key_columns!(),
    " FROM portcullis_api_keys WHERE account_id = $1 AND id = $2"
);

const TOUCH: &str = "UPDATE portcullis_api_keys SET last_used_at = $2, last_used_ip = $3
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

type Outcome = Result<Result<ApiKey, ApiKeysError>, Fault>;

async fn create_key(tx: &mut Tx<'_>, new: &NewApiKey, by: &Context) -> Outcome {
    // The lock puts what is made for one account in a row, so that none is made beyond the limit.
    if let Err(refused) = owner(tx, new).await? {
        return Ok(Err(refused));
    }
    if let Err(refused) = room(tx, new).await? {
        return Ok(Err(refused));
    }
    let key = insert(tx, new, Made::Here, by.at).await?;
    let key = key.ok_or_else(|| Fault::Corrupt("two texts have one hash".into()))?;
    record(tx, Action::ApiKeyCreated, &key, by);
    Ok(Ok(key))
}

/// Locks the owner, who must be one that may act, and as they were when they were let in.
async fn owner(tx: &mut Tx<'_>, new: &NewApiKey) -> Result<Result<(), ApiKeysError>, Fault> {
    let Some((state, stamp)) = all::lock_owner(tx, new.account).await? else {
        return Ok(Err(ApiKeysError::UnknownAccount));
    };
    if !tx.may_act(state) {
        return Ok(Err(ApiKeysError::OwnerMayNotAct(state)));
    }
    if new.stamp.is_some_and(|seen| seen != stamp) {
        return Ok(Err(ApiKeysError::LoggedOut));
    }
    Ok(Ok(()))
}

/// Whether the account may have one more key.
async fn room(tx: &mut Tx<'_>, new: &NewApiKey) -> Result<Result<(), ApiKeysError>, Fault> {
    let sql = "SELECT count(*) FROM portcullis_api_keys WHERE account_id = $1";
    let rows = tx.query(sql, params![new.account]).await?;
    if one::<i64>(rows)? >= i64::from(new.most) {
        return Ok(Err(ApiKeysError::TooMany(new.most)));
    }
    Ok(Ok(()))
}

/// Where a key's text was made.
#[derive(Clone, Copy)]
enum Made {
    Here,
    Elsewhere,
}

/// The new key; `None` if another has its text.
async fn insert(
    tx: &mut Tx<'_>,
    new: &NewApiKey,
    made: Made,
    at: Timestamp,
) -> Result<Option<ApiKey>, Fault> {
    defends!("T015");
    let sql = concat!(
        "INSERT INTO portcullis_api_keys (id, account_id, name, permissions, hint, digest, expires_at, networks, rate, created_at,
           imported)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (digest) DO NOTHING RETURNING ",
        api_key_columns!()
    );
    let params = params![
        new.id,
        new.account,
        new.name.as_str(),
        json(&new.permissions)?,
        &new.hint,
        &new.digest,
        new.expires_at,
        json(&new.networks.to_texts())?,
        new.limit.map(|rate| rate.to_string()),
        at,
        i64::from(matches!(made, Made::Elsewhere)),
    ];
    let row = tx.query_one(sql, params).await?;
    row.map(|mut row| api_key(&mut row)).transpose()
}

/// The event names the account and, in its detail, the key.
fn record(tx: &mut Tx<'_>, action: Action, key: &ApiKey, by: &Context) {
    let entry = Entry::of(action).account(key.account);
    tx.record(by, entry.detail(key.id.to_string()));
}

async fn change_key(
    tx: &mut Tx<'_>,
    account: account::Id,
    id: Id,
    change: &Change,
    seen: Option<Stamp>,
    by: &Context,
) -> Outcome {
    defends!("T027");
    let Change {
        name,
        enabled,
        networks,
        limit,
    } = change;
    if name.is_none() && enabled.is_none() && networks.is_none() && limit.is_none() {
        let row = tx.query_one(FIND, params![account, id]).await?;
        let key = row.map(|mut row| api_key(&mut row)).transpose()?;
        return Ok(key.ok_or(ApiKeysError::UnknownKey));
    }
    let Some((state, stamp)) = all::lock_owner(tx, account).await? else {
        return Ok(Err(ApiKeysError::UnknownKey));
    };
    if *enabled == Some(true) && state == AccountState::Disabled {
        return Ok(Err(ApiKeysError::UnknownKey));
    }
    if seen.is_some_and(|seen| seen != stamp) {
        return Ok(Err(ApiKeysError::LoggedOut));
    }
    let networks = networks.as_ref().map(|networks| json(&networks.to_texts()));
    let params = params![
        id,
        account,
        name.as_ref().map(KeyName::as_str),
        enabled.map(i64::from),
        networks.transpose()?,
        i64::from(limit.is_some()),
        limit.flatten().map(|rate| rate.to_string()),
    ];
    let Some(mut row) = tx.query_one(CHANGE, params).await? else {
        return Ok(Err(ApiKeysError::UnknownKey));
    };
    let key = api_key(&mut row)?;
    let entry = Entry::of(Action::ApiKeyChanged).account(account);
    tx.record(by, entry.detail(format!("{id}: {}", describe(change))));
    tx.invalidate(Invalidation::ApiKey(id), by.at);
    Ok(Ok(key))
}

/// What was changed, and to what.
fn describe(change: &Change) -> String {
    let Change {
        name,
        enabled,
        networks,
        limit,
    } = change;
    let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
    let told = [
        enabled.map(|enabled| if enabled { "enabled" } else { "disabled" }.to_owned()),
        networks
            .as_ref()
            .map(|networks| format!("from {}", or(networks.to_texts().join(" "), "everywhere"))),
        limit.map(|limit| {
            format!(
                "limit {}",
                limit.map_or("none".to_owned(), |rate| rate.to_string())
            )
        }),
        name.as_ref().map(|name| format!("named {}", name.as_str())),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const CHANGE: &str = concat!(
    "UPDATE portcullis_api_keys SET name = coalesce($3, name), enabled = coalesce($4, enabled),
       networks = coalesce($5, networks), rate = CASE WHEN CAST($6 AS BIGINT) = 1 THEN $7 ELSE rate END
     WHERE id = $1 AND account_id = $2 RETURNING ",
    api_key_columns!()
);

async fn revoke_key(tx: &mut Tx<'_>, account: account::Id, id: Id, by: &Context) -> Result<bool, Fault> {
    defends!("T027");
    let sql = concat!(
        "DELETE FROM portcullis_api_keys WHERE id = $1 AND account_id = $2 RETURNING ",
        api_key_columns!()
    );
    let Some(mut row) = tx.query_one(sql, params![id, account]).await? else {
        return Ok(false);
    };
    record(tx, Action::ApiKeyRevoked, &api_key(&mut row)?, by);
    tx.invalidate(Invalidation::ApiKey(id), by.at);
    Ok(true)
}
