//! Ending all keys of an account.

use portcullis_core::account;
use portcullis_core::audit::{Action, Context};
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;

use super::{api_key, api_key_columns, record};
use crate::tx::Tx;
use crate::value::params;

/// Revokes every key of the account.
pub(crate) async fn revoke_all(tx: &mut Tx<'_>, account: account::Id, by: &Context) -> Result<(), Fault> {
    let sql = concat!(
        "DELETE FROM api_keys WHERE account_id = $1 RETURNING ",
        api_key_columns!()
    );
    for mut row in tx.query(sql, params![account]).await? {
        let key = api_key(&mut row)?;
        record(tx, Action::ApiKeyRevoked, &key, by);
        tx.invalidate(Invalidation::ApiKey(key.id), by.at);
    }
    Ok(())
}
