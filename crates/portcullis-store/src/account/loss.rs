//! How a claim of an address is lost, and what becomes of its account.
//!
//! An account loses its claim when another one proves the address, or when the claim expires. Whoever has a user name
//! goes on by it. Whoever has nothing else to be found by is closed, unless somebody gave the account a role: then an
//! operator decides about it.

use portcullis_core::account::{CLAIM_LIFETIME, Id, Stamp};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::session::ApiKeyHandling;

use crate::event::Entry;
use crate::session::everything;
use crate::tx::Tx;
use crate::value::params;
use crate::{access, claim};

/// Why a claim is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Proof,
    Expiry,
}

impl Loss {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Proof => "another account proved the address",
            Self::Expiry => "the claim expired",
        }
    }
}

/// Takes the address from every other account that claims it, the newest first. Beyond the limit a claim is left to
/// expire: it can't be proven any more.
pub(super) async fn take_from_others(
    tx: &mut Tx<'_>,
    address: &str,
    winner: Id,
    stamp: Stamp,
    by: &Context,
) -> Result<(), Fault> {
    defends!("T120");
    let former = "SELECT id FROM portcullis_accounts WHERE email_normalised = $1 AND email_verified_at IS NULL AND id <> $2";
    let newest =
        "SELECT account_id FROM portcullis_email_claims WHERE email_normalised = $1 AND account_id <> $2
        ORDER BY account_id DESC LIMIT 500";
    for sql in [former, newest] {
        for mut row in tx.query(sql, params![address, winner]).await? {
            lose(tx, row.take()?, stamp, Loss::Proof, by).await?;
        }
    }
    Ok(())
}

/// Ends the account's claim, and what it alone gave.
async fn lose(tx: &mut Tx<'_>, id: Id, stamp: Stamp, why: Loss, by: &Context) -> Result<(), Fault> {
    claim::forget(tx, id).await?;
    let sql = "UPDATE portcullis_accounts SET email = NULL, email_normalised = NULL,
         state = CASE WHEN state = 'unverified' THEN 'active' ELSE state END
         WHERE id = $1 AND email_verified_at IS NULL RETURNING username";
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(());
    };
    let username: Option<String> = row.take()?;
    tx.record(
        by,
        Entry::of(Action::EmailClaimLost).account(id).detail(why.as_str()),
    );
    tx.invalidate(Invalidation::Account(id), by.at);
    if username.is_none() && !holds_a_role(tx, id).await? {
        return close(tx, id, stamp, by).await;
    }
    if why == Loss::Proof {
        everything::end_everything(tx, id, stamp, ApiKeyHandling::Stay, by).await?;
    }
    Ok(())
}

pub(super) async fn holds_a_role(tx: &mut Tx<'_>, id: Id) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_account_roles WHERE account_id = $1 LIMIT 1";
    Ok(tx.query_one(sql, params![id]).await?.is_some())
}

/// Ends an account that nobody can be told by any more: no state, session, key or password is left to use.
async fn close(tx: &mut Tx<'_>, id: Id, stamp: Stamp, by: &Context) -> Result<(), Fault> {
    let sql = "UPDATE portcullis_accounts SET state = 'disabled' WHERE id = $1";
    tx.execute(sql, params![id]).await?;
    tx.execute(
        "DELETE FROM portcullis_passwords WHERE account_id = $1",
        params![id],
    )
    .await?;
    everything::end_everything(tx, id, stamp, ApiKeyHandling::Revoke, by).await?;
    let closed = Entry::of(Action::AccountStateSet).account(id);
    tx.record(by, closed.detail("disabled"));
    Ok(())
}

/// Adopts what the version before wrote, renews claims whose accounts have keys in use or a role, and ends up to `limit`
/// of the others that are over.
pub(super) async fn expire_claims(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: u32,
    stamp: Stamp,
    by: &Context,
) -> Result<u64, Fault> {
    access::lock_roles(tx).await?;
    tx.execute(ADOPT_ALL, params![now.plus(CLAIM_LIFETIME), limit])
        .await?;
    tx.execute(
        RENEW_USED,
        params![now, now.minus(CLAIM_LIFETIME), now.plus(CLAIM_LIFETIME)],
    )
    .await?;
    let sql =
        "SELECT account_id FROM portcullis_email_claims WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let over = tx.query(sql, params![now, limit]).await?;
    let ended = over.len() as u64;
    for mut row in over {
        lose(tx, row.take()?, stamp, Loss::Expiry, by).await?;
    }
    Ok(ended)
}

const ADOPT_ALL: &str =
    "INSERT INTO portcullis_email_claims (account_id, email, email_normalised, claimed_at, expires_at)
    SELECT id, email, email_normalised, created_at, $1 FROM portcullis_accounts
    WHERE email IS NOT NULL AND email_verified_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM portcullis_email_claims
      WHERE portcullis_email_claims.account_id = portcullis_accounts.id)
    LIMIT $2 ON CONFLICT DO NOTHING";

const RENEW_USED: &str = "UPDATE portcullis_email_claims SET expires_at = $3 WHERE expires_at <= $1 AND (
    EXISTS (SELECT 1 FROM portcullis_api_keys
    WHERE portcullis_api_keys.account_id = portcullis_email_claims.account_id AND last_used_at > $2)
    OR EXISTS (SELECT 1 FROM portcullis_account_roles
    WHERE portcullis_account_roles.account_id = portcullis_email_claims.account_id))";
