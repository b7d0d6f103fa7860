//! All keys of an account at once.

use portcullis_core::account::{self, AccountState, Stamp};
use portcullis_core::api_key::Id;
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;

use crate::event::Entry;
use crate::tx::Tx;
use crate::value::{one, params};

/// Disables every key that is enabled: nothing but enabling each of them brings them back. Answers how many.
pub(crate) async fn disable(tx: &mut Tx<'_>, account: account::Id, by: &Context) -> Result<u64, Fault> {
    defends!("T170");
    let sql = "UPDATE portcullis_api_keys SET enabled = 0 WHERE account_id = $1 AND enabled = 1 RETURNING id";
    let told = |id: Id| format!("{id}: disabled with everything of the account");
    end(tx, sql, account, Action::ApiKeyChanged, told, by).await
}

/// Ends every key for ever. Answers how many.
pub(crate) async fn revoke(tx: &mut Tx<'_>, account: account::Id, by: &Context) -> Result<u64, Fault> {
    let sql = "DELETE FROM portcullis_api_keys WHERE account_id = $1 RETURNING id";
    end(tx, sql, account, Action::ApiKeyRevoked, |id| id.to_string(), by).await
}

async fn end(
    tx: &mut Tx<'_>,
    sql: &'static str,
    account: account::Id,
    action: Action,
    told: impl Fn(Id) -> String,
    by: &Context,
) -> Result<u64, Fault> {
    let mut ended = 0;
    for mut row in tx.query(sql, params![account]).await? {
        let id = row.take()?;
        tx.record(by, Entry::of(action).account(account).detail(told(id)));
        tx.invalidate(Invalidation::ApiKey(id), by.at);
        ended += 1;
    }
    Ok(ended)
}

/// How many keys of the account are honoured.
pub(crate) async fn honoured(tx: &mut Tx<'_>, account: account::Id, at: Timestamp) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM portcullis_api_keys
        WHERE account_id = $1 AND enabled = 1 AND (expires_at IS NULL OR expires_at > $2)";
    let count: i64 = one(tx.query(sql, params![account, at]).await?)?;
    Ok(count.unsigned_abs())
}

/// The owner's state and stamp, which stay so until this is written: neither a disabling nor the end of everything comes in
/// between (`T170`).
pub(super) async fn lock_owner(
    tx: &mut Tx<'_>,
    account: account::Id,
) -> Result<Option<(AccountState, Stamp)>, Fault> {
    defends!("T170");
    let sql = "SELECT state, stamp FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let row = tx.query_one(sql, params![account]).await?;
    row.map(|mut row| Ok((row.take()?, row.take()?))).transpose()
}
