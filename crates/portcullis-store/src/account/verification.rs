//! Proving an address by a mailed code.

use portcullis_core::account::{Account, EmailVerification, Id};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::secret::Digest;

use super::{account, account_columns};
use crate::audit::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn offer_verification(
    tx: &mut Tx<'_>,
    id: Id,
    digest: &Digest<EmailVerification>,
    expires_at: Timestamp,
) -> Result<bool, Fault> {
    let sql = "INSERT INTO verifications (digest, account_id, email_normalised, expires_at)
        SELECT $2, id, email_normalised, $3 FROM accounts
        WHERE id = $1 AND email_normalised IS NOT NULL AND email_verified_at IS NULL";
    Ok(tx.execute(sql, params![id, digest, expires_at]).await? == 1)
}

pub(super) async fn redeem_verification(
    tx: &mut Tx<'_>,
    token: &Digest<EmailVerification>,
    by: &Context,
) -> Result<Option<Account>, Fault> {
    defends!("T009");
    defends!("T014");
    let sql =
        "UPDATE verifications SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND expires_at > $2
        RETURNING account_id, email_normalised";
    let Some(mut row) = tx.query_one(sql, params![token, by.at]).await? else {
        return Ok(None);
    };
    let (id, email): (Id, String) = (row.take()?, row.take()?);
    let sql = concat!(
        "UPDATE accounts SET email_verified_at = coalesce(email_verified_at, $3),
         state = CASE WHEN state = 'unverified' THEN 'active' ELSE state END
         WHERE id = $1 AND email_normalised = $2 AND state <> 'disabled' RETURNING ",
        account_columns!()
    );
    let Some(mut row) = tx.query_one(sql, params![id, &email, by.at]).await? else {
        tx.undo();
        return Ok(None);
    };
    tx.record(by, Entry::of(Action::EmailVerified).account(id));
    tx.invalidate(Invalidation::Account(id), by.at);
    account(&mut row).map(Some)
}
