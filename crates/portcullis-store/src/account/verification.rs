//! Proving an address by a mailed code.
//!
//! A code belongs to one account's claim. It proves nothing alone: whoever brings it is that account, or takes it over
//! with a new password, which ends everything that was made before (`T120`). Proofs run under the lock of the roles, one
//! after the other, so that one address has one first proof.

use portcullis_core::account::{
    Account, AccountState, AccountsError, EmailVerification, Id, Login, Proof, Stamp, VerifyError,
};
use portcullis_core::audit::{Action, Context};
use portcullis_core::authz::{AccountsWrite, Permission as _};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::password::SealedHash;
use portcullis_core::secret::Digest;
use portcullis_core::session::ApiKeyHandling;

use super::loss;
use crate::event::Entry;
use crate::row::{account, account_columns};
use crate::session::everything;
use crate::tx::Tx;
use crate::value::{Row, params};
use crate::{Database, access, claim};

/// Whose claim the code is about, if it is good.
pub(super) async fn find_verification(
    database: &Database,
    token: Digest<EmailVerification>,
    now: Timestamp,
) -> Result<Option<Login>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        ", portcullis_passwords.sealed FROM portcullis_verifications
            JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_verifications.account_id
        LEFT JOIN portcullis_passwords ON portcullis_passwords.account_id = portcullis_accounts.id
        WHERE portcullis_verifications.digest = $1 AND portcullis_verifications.used_at IS NULL
        AND portcullis_verifications.expires_at > $2
        AND portcullis_accounts.state <> 'disabled'"
    );
    let row = database.read(sql, params![&token, now]).await?.into_iter().next();
    let login = |mut row: Row| {
        Ok(Login {
            account: account(&mut row)?,
            password: row.take()?,
        })
    };
    row.map(login).transpose()
}

pub(super) async fn count_verification_try(
    tx: &mut Tx<'_>,
    token: Digest<EmailVerification>,
    most: u32,
    now: Timestamp,
) -> Result<bool, Fault> {
    tx.alone()?;
    defends!("T121");
    let sql = "UPDATE portcullis_verifications SET tries = tries + 1
        WHERE digest = $1 AND used_at IS NULL AND expires_at > $2 AND tries < $3";
    Ok(tx.execute(sql, params![&token, now, most]).await? == 1)
}

pub(super) async fn redeem_verification(
    tx: &mut Tx<'_>,
    token: Digest<EmailVerification>,
    proof: &Proof,
    stamp: Stamp,
    by: &Context,
) -> Result<Result<Account, VerifyError>, Fault> {
    defends!("T009");
    defends!("T014");
    access::lock_roles(tx).await?;
    let sql =
        "UPDATE portcullis_verifications SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND expires_at > $2
        RETURNING account_id, email_normalised";
    let Some(mut row) = tx.query_one(sql, params![&token, by.at]).await? else {
        return Ok(Err(VerifyError::Refused));
    };
    let (id, address): (Id, String) = (row.take()?, row.take()?);
    let redeemed = match check_proof(tx, id, &address, proof, by.at).await? {
        Checked::Refused(refused) => Err(refused),
        Checked::AlreadyProven(account) => return Ok(Ok(account)),
        Checked::Good => credit(tx, id, &address, proof, stamp, by).await?,
    };
    if redeemed.is_err() {
        // Nothing is used up by whoever may not.
        tx.undo();
    }
    Ok(redeemed)
}

enum Checked {
    Good,
    AlreadyProven(Account),
    Refused(VerifyError),
}

/// Whether this proof is good for this account's claim.
async fn check_proof(
    tx: &mut Tx<'_>,
    id: Id,
    address: &str,
    proof: &Proof,
    now: Timestamp,
) -> Result<Checked, Fault> {
    defends!("T120");
    claim::adopt(tx, id, now).await?;
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE"
    );
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(Checked::Refused(VerifyError::Refused));
    };
    let account = account(&mut row)?;
    let refused = Ok(Checked::Refused(VerifyError::Refused));
    if account.state == AccountState::Disabled {
        return refused;
    }
    match proof {
        Proof::Own { account: own, .. } if *own != id => {
            return Ok(Checked::Refused(VerifyError::AnotherAccount));
        }
        Proof::Own { stamp, .. } if *stamp != account.stamp => return refused,
        Proof::Own { .. } | Proof::TakeOver { .. } => {}
    }
    if account.email_verified_at.is_some() {
        // A second e-mail to whoever proved the address by the first one; it takes nothing over any more.
        let sql = "SELECT 1 FROM portcullis_accounts WHERE id = $1 AND email_normalised = $2";
        let same = tx.query_one(sql, params![id, address]).await?.is_some();
        return match proof {
            Proof::Own { .. } if same => Ok(Checked::AlreadyProven(account)),
            Proof::Own { .. } | Proof::TakeOver { .. } => refused,
        };
    }
    let sql = "SELECT 1 FROM portcullis_email_claims WHERE account_id = $1 AND email_normalised = $2 AND expires_at > $3";
    if tx.query_one(sql, params![id, address, now]).await?.is_none() || claim::is_proven(tx, address).await? {
        return refused;
    }
    if matches!(proof, Proof::TakeOver { .. }) && loss::holds_a_role(tx, id).await? {
        return Ok(Checked::Refused(VerifyError::HasRoles));
    }
    Ok(Checked::Good)
}

/// Credits the account with the address and takes it from all others.
async fn credit(
    tx: &mut Tx<'_>,
    id: Id,
    address: &str,
    proof: &Proof,
    stamp: Stamp,
    by: &Context,
) -> Result<Result<Account, VerifyError>, Fault> {
    let how = match proof {
        Proof::Own { .. } => "by its own login or password",
        Proof::TakeOver { password } => {
            replace_everything(tx, id, stamp, password, by).await?;
            "taken over with a new password"
        }
    };
    let proven = prove(tx, id, address, stamp, how, by).await?;
    Ok(proven.ok_or(VerifyError::Refused))
}

/// Ends every session, refresh token and API key made before, and sets the password.
async fn replace_everything(
    tx: &mut Tx<'_>,
    id: Id,
    stamp: Stamp,
    password: &SealedHash,
    by: &Context,
) -> Result<(), Fault> {
    everything::end_everything(tx, id, stamp, ApiKeyHandling::Revoke, by).await?;
    let sql = "INSERT INTO portcullis_passwords (account_id, sealed) VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed";
    tx.execute(sql, params![id, password.as_bytes()]).await.map(drop)
}

async fn prove(
    tx: &mut Tx<'_>,
    id: Id,
    address: &str,
    stamp: Stamp,
    how: &str,
    by: &Context,
) -> Result<Option<Account>, Fault> {
    loss::take_from_others(tx, address, id, stamp, by).await?;
    let sql = concat!(
        "UPDATE portcullis_accounts SET
           email = (SELECT portcullis_email_claims.email FROM portcullis_email_claims WHERE account_id = $1),
           email_normalised = (SELECT portcullis_email_claims.email_normalised FROM portcullis_email_claims
           WHERE account_id = $1),
           email_verified_at = $2,
           state = CASE WHEN state = 'unverified' THEN 'active' ELSE state END
         WHERE id = $1 AND EXISTS (SELECT 1 FROM portcullis_email_claims WHERE account_id = $1) RETURNING ",
        account_columns!()
    );
    let Some(mut row) = tx.query_one(sql, params![id, by.at]).await? else {
        return Ok(None);
    };
    let account = account(&mut row)?;
    let sql = "DELETE FROM portcullis_email_claims WHERE account_id = $1";
    tx.execute(sql, params![id]).await?;
    tx.record(by, Entry::of(Action::EmailVerified).account(id).detail(how));
    tx.invalidate(Invalidation::Account(id), by.at);
    Ok(Some(account))
}

/// Proves the account's address in the name of whoever acts.
pub(super) async fn prove_email(
    tx: &mut Tx<'_>,
    id: Id,
    stamp: Stamp,
    by: &Context,
) -> Result<Result<Account, AccountsError>, Fault> {
    access::lock_roles(tx).await?;
    let who = access::of_actor(tx, by).await?;
    let missing = access::missing_over(tx, &who, AccountsWrite::PERMISSION, id, by).await?;
    if !missing.is_empty() {
        return Ok(Err(AccountsError::Forbidden { missing }));
    }
    claim::adopt(tx, id, by.at).await?;
    let known =
        "SELECT email_verified_at IS NOT NULL FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let Some(mut row) = tx.query_one(known, params![id]).await? else {
        return Ok(Err(AccountsError::UnknownAccount));
    };
    if row.take::<bool>()? {
        return Ok(Err(AccountsError::NothingToProve));
    }
    let sql = "SELECT email_normalised FROM portcullis_email_claims WHERE account_id = $1";
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(Err(AccountsError::NothingToProve));
    };
    let address: String = row.take()?;
    if claim::is_proven(tx, &address).await? {
        return Ok(Err(AccountsError::AddressTaken));
    }
    let proven = prove(tx, id, &address, stamp, WITHOUT_A_CODE, by).await?;
    Ok(proven.ok_or(AccountsError::NothingToProve))
}

/// How an address was proven that whoever acts vouches for.
pub(super) const WITHOUT_A_CODE: &str = "by whoever acts, without a code";
