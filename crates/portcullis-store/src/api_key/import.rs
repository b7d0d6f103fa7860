//! Keys whose text was made elsewhere.

use portcullis_core::api_key::{ApiKeysError, IMPORTS, Imported, KeyDigest, NewApiKey};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;

use super::{Made, api_key, api_key_columns, insert, owner, record, room};
use crate::Database;
use crate::tx::Tx;
use crate::value::params;

/// The same text for the same account a second time changes nothing, whoever came first and however much later.
pub(super) async fn import_key(
    tx: &mut Tx<'_>,
    new: &NewApiKey,
    by: &Context,
) -> Result<Result<Imported, ApiKeysError>, Fault> {
    defends!("T186");
    if let Err(refused) = owner(tx, new).await? {
        return Ok(Err(refused));
    }
    if let Some(present) = present(tx, new).await? {
        return Ok(present);
    }
    if let Err(refused) = room(tx, new).await? {
        return Ok(Err(refused));
    }
    let Some(key) = insert(tx, new, Made::Elsewhere, by.at).await? else {
        // Somebody imported it for another account meanwhile.
        return Ok(Err(ApiKeysError::Taken));
    };
    record(tx, Action::ApiKeyImported, &key, by);
    tx.invalidate(Invalidation::ApiKey(IMPORTS), by.at);
    Ok(Ok(Imported { key, is_new: true }))
}

/// The key that has the text, or had it before it was rotated.
async fn present(tx: &mut Tx<'_>, new: &NewApiKey) -> Result<Option<Result<Imported, ApiKeysError>>, Fault> {
    let sql = concat!(
        "SELECT ",
        api_key_columns!(),
        " FROM portcullis_api_keys WHERE digest = $1 OR previous = $1"
    );
    let Some(mut row) = tx.query_one(sql, params![&new.digest]).await? else {
        return Ok(None);
    };
    let key = api_key(&mut row)?;
    Ok(Some(if key.account == new.account {
        Ok(Imported { key, is_new: false })
    } else {
        Err(ApiKeysError::Taken)
    }))
}

pub(super) async fn imported(on: &Database) -> Result<Vec<KeyDigest>, Fault> {
    let sql = "SELECT digest, previous FROM portcullis_api_keys WHERE imported = 1";
    let mut digests = Vec::new();
    for mut row in on.read(sql, params![]).await? {
        let (digest, previous): (KeyDigest, Option<KeyDigest>) = (row.take()?, row.take()?);
        digests.push(digest);
        digests.extend(previous);
    }
    Ok(digests)
}
