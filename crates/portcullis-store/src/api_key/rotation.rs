//! Giving a key another text.

use portcullis_core::account;
use portcullis_core::api_key::{ApiKeysError, Id, KeyRotation, NewEnd};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::invalidation::Invalidation;

use super::{Outcome, all, api_key, api_key_columns};
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn rotate_key(
    tx: &mut Tx<'_>,
    account: account::Id,
    id: Id,
    rotation: &KeyRotation,
    by: &Context,
) -> Outcome {
    defends!("T045");
    defends!("T027");
    let Some((_, stamp)) = all::lock_owner(tx, account).await? else {
        return Ok(Err(ApiKeysError::UnknownKey));
    };
    if rotation.stamp.is_some_and(|seen| seen != stamp) {
        return Ok(Err(ApiKeysError::LoggedOut));
    }
    let params = params![
        id,
        account,
        &rotation.digest,
        &rotation.hint,
        rotation.previous_until,
        by.at,
        &rotation.from,
        i64::from(rotation.end != NewEnd::AsBefore),
        match rotation.end {
            NewEnd::At(end) => Some(end),
            NewEnd::Never | NewEnd::AsBefore => None,
        }
    ];
    let Some(mut row) = tx.query_one(ROTATE, params).await? else {
        let sql = "SELECT previous_until FROM portcullis_api_keys WHERE id = $1 AND account_id = $2";
        let Some(mut row) = tx.query_one(sql, params![id, account]).await? else {
            return Ok(Err(ApiKeysError::UnknownKey));
        };
        // Whoever came first may have ended every overlap, or begun one that this rotation doesn't mind.
        let until: Option<Timestamp> = row.take()?;
        let running = until.filter(|until| rotation.previous_until.is_some() && *until > by.at);
        return Ok(Err(
            running.map_or(ApiKeysError::Overtaken, ApiKeysError::OverlapRuns)
        ));
    };
    let key = api_key(&mut row)?;
    let detail = match rotation.end {
        NewEnd::AsBefore => id.to_string(),
        NewEnd::Never => format!("{id}: never ends"),
        NewEnd::At(end) => format!("{id}: ends {end}"),
    };
    let entry = Entry::of(Action::ApiKeyRotated).account(account);
    tx.record(by, entry.detail(detail));
    tx.invalidate(Invalidation::ApiKey(id), by.at);
    Ok(Ok(key))
}

/// With an overlap only where none runs: a third text is never good at once. And only instead of the text that was read:
/// of several who replace one text, one must know that the others didn't.
const ROTATE: &str = concat!(
    "UPDATE portcullis_api_keys SET previous = CASE WHEN CAST($5 AS BIGINT) IS NULL THEN NULL ELSE digest END,
       previous_until = $5, digest = $3, hint = $4,
       expires_at = CASE WHEN CAST($8 AS BIGINT) = 1 THEN CAST($9 AS BIGINT) ELSE expires_at END,
       warned_at = CASE WHEN CAST($8 AS BIGINT) = 1 THEN NULL ELSE warned_at END
     WHERE id = $1 AND account_id = $2 AND digest = $7
       AND (CAST($5 AS BIGINT) IS NULL OR previous_until IS NULL OR previous_until <= $6) RETURNING ",
    api_key_columns!()
);
