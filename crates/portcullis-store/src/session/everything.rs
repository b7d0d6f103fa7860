//! Ends everything that an account was given: what "log out everywhere", disabling, and whatever else must leave nothing to
//! whoever had it before, are made of.

use portcullis_core::account::{self, Stamp};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::session::{ApiKeyHandling, Ending, Everything};

use super::end_many;
use crate::api_key::all;
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;

/// Ends every session, refresh token and access token of the account, and its API keys as `keys` says; writes the events
/// and tells every node. Nothing, if there is no such account.
///
/// The account's row is written first: it is what logins and the making of keys lock, so neither comes in between.
pub(crate) async fn end_everything(
    tx: &mut Tx<'_>,
    account: account::Id,
    stamp: Stamp,
    keys: ApiKeyHandling,
    by: &Context,
) -> Result<Everything, Fault> {
    defends!("T170");
    let sql = "UPDATE portcullis_accounts SET stamp = $2 WHERE id = $1";
    if tx.execute(sql, params![account, stamp]).await? == 0 {
        return Ok(Everything::default());
    }
    let sessions = end_many(tx, account, None, Ending::Ended, by.at).await?.living;
    tx.record(
        by,
        Entry::of(Action::SessionsEnded).account(account).detail("all"),
    );
    tx.invalidate(Invalidation::Account(account), by.at);
    let keys = match keys {
        ApiKeyHandling::Stay => 0,
        ApiKeyHandling::Disable => all::disable(tx, account, by).await?,
        ApiKeyHandling::Revoke => all::revoke(tx, account, by).await?,
    };
    Ok(Everything {
        sessions,
        keys,
        keys_left: all::honoured(tx, account, by.at).await?,
    })
}
