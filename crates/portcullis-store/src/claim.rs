//! Claims: addresses that accounts say are theirs and haven't proven.
//!
//! A claim stands in a table of its own, one for each account, any number for each address; `accounts.email` is unique
//! and holds what was proven. A process of the version before writes unproven addresses there: such a row counts as a
//! claim, too, and [`adopt`] gives it its row here. How a claim is lost is the business of accounts.

use portcullis_core::account::{CLAIM_LIFETIME, EmailAddress, Id, NewAccount};
use portcullis_core::audit::Context;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;

use crate::tx::Tx;
use crate::value::params;

/// Claims the address for a new account.
pub(crate) async fn make(
    tx: &mut Tx<'_>,
    new: &NewAccount,
    email: &EmailAddress,
    by: &Context,
) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_email_claims
        (account_id, email, email_normalised, claimed_at, claimed_from, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let params = params![
        new.id,
        email.as_str(),
        email.normalised(),
        new.at,
        by.ip,
        new.at.plus(CLAIM_LIFETIME),
    ];
    tx.execute(sql, params).await.map(drop)
}

/// Whether an account has proven the address.
pub(crate) async fn is_proven(tx: &mut Tx<'_>, address: &str) -> Result<bool, Fault> {
    let sql =
        "SELECT 1 FROM portcullis_accounts WHERE email_normalised = $1 AND email_verified_at IS NOT NULL";
    Ok(tx.query_one(sql, params![address]).await?.is_some())
}

/// Gives the account's unproven address its row if the version before wrote it.
pub(crate) async fn adopt(tx: &mut Tx<'_>, id: Id, at: Timestamp) -> Result<(), Fault> {
    let sql =
        "INSERT INTO portcullis_email_claims (account_id, email, email_normalised, claimed_at, expires_at)
        SELECT id, email, email_normalised, created_at, $2 FROM portcullis_accounts
        WHERE id = $1 AND email IS NOT NULL AND email_verified_at IS NULL ON CONFLICT DO NOTHING";
    tx.execute(sql, params![id, at.plus(CLAIM_LIFETIME)])
        .await
        .map(drop)
}

/// Lets claims live on while their accounts are in use.
pub(crate) async fn renew(tx: &mut Tx<'_>, id: Id, session_ends: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE portcullis_email_claims SET expires_at = $2 WHERE account_id = $1 AND expires_at < $2";
    tx.execute(sql, params![id, session_ends.plus(CLAIM_LIFETIME)])
        .await
        .map(drop)
}

/// Forgets the account's claim and the codes that would have proven it.
pub(crate) async fn forget(tx: &mut Tx<'_>, id: Id) -> Result<(), Fault> {
    tx.execute(
        "DELETE FROM portcullis_email_claims WHERE account_id = $1",
        params![id],
    )
    .await?;
    tx.execute(
        "DELETE FROM portcullis_verifications WHERE account_id = $1",
        params![id],
    )
    .await
    .map(drop)
}
