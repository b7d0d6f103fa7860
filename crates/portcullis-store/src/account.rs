//! Accounts, their passwords and verification tokens.

mod attributes;
mod loss;
mod names;
mod offer;
mod registration;
mod service;
mod verification;

use std::time::Duration;

use portcullis_core::account::{
    Account, AccountState, AccountsError, AgainError, EmailVerification, Id, Identifier, Login, NewAccount,
    NewServiceAccount, Offer, Offered, Proof, RegistrationError, Setup, Stamp, Store, VerifyError,
};
use portcullis_core::attribute::{AttributeChange, Attributes};
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::authz::{AccountsWrite, Permission as _};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::password::SealedHash;
use portcullis_core::secret::Digest;
use portcullis_core::session::Ending;
use portcullis_core::throttle::Budget;
use uuid::Uuid;

use self::attributes::{change_attributes, find_attributes};
use self::loss::expire_claims;
pub use self::names::Unsettled;
use self::offer::offer_verification;
use self::registration::{offer_setup, register, register_first_administrator};
use self::service::{create_service, list_services};
use self::verification::{count_verification_try, find_verification, prove_email, redeem_verification};
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::{Row, params};
use crate::{Database, access, api_key, budget, organization, session};

portcullis_core::account_port!();

async fn setup_is_open(on: &Database, token: Digest<Setup>, now: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_setup WHERE digest = $1 AND expires_at > $2";
    // Whoever has no token asks no further: the second question costs more.
    if on.read(sql, params![&token, now]).await?.is_empty() {
        return Ok(false);
    }
    let exists = on
        .write((), |tx, ()| Box::pin(access::administrator_exists(tx)))
        .await?;
    Ok(!exists)
}

async fn administrator_exists(on: &Database) -> Result<bool, Fault> {
    Ok(!on.read(access::ADMINISTRATORS, params![]).await?.is_empty())
}

async fn find(on: &Database, id: Id) -> Result<Option<Account>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id = $1"
    );
    let row = on.read(sql, params![id]).await?.into_iter().next();
    row.map(|mut row| account(&mut row)).transpose()
}

async fn find_logins(on: &Database, who: Identifier) -> Result<Vec<Login>, Fault> {
    let sql = match who {
        Identifier::Email(_) | Identifier::FormerEmail(_) => LOGINS_BY_EMAIL,
        Identifier::Username(_) | Identifier::FormerUsername(_) => LOGINS_BY_USERNAME,
    };
    let rows = on.read(sql, params![who.normalised()]).await?;
    let login = |mut row: Row| {
        Ok(Login {
            account: account(&mut row)?,
            password: row.take()?,
        })
    };
    rows.into_iter().map(login).collect()
}

async fn list(on: &Database, after: Option<Id>, limit: u32) -> Result<Vec<Account>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id > $1 ORDER BY id LIMIT $2"
    );
    let after = after.map_or(Uuid::nil(), Id::as_uuid);
    let rows = on.read(sql, params![after, limit]).await?;
    rows.into_iter().map(|mut row| account(&mut row)).collect()
}

async fn rehash(tx: &mut Tx<'_>, id: Id, old: &SealedHash, new: &SealedHash) -> Result<bool, Fault> {
    let sql = "UPDATE portcullis_passwords SET sealed = $3 WHERE account_id = $1 AND sealed = $2";
    Ok(tx
        .execute(sql, params![id, old.as_bytes(), new.as_bytes()])
        .await?
        == 1)
}

async fn spend(tx: &mut Tx<'_>, budgets: &[Budget], now: Timestamp) -> Result<Result<(), Duration>, Fault> {
    tx.alone()?;
    Ok(match budget::spend(tx, budgets, now).await? {
        None => Ok(()),
        Some(wait) => {
            tx.undo();
            Err(wait)
        }
    })
}

macro_rules! logins {
    ($which:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", portcullis_passwords.sealed FROM portcullis_accounts
                LEFT JOIN portcullis_passwords ON portcullis_passwords.account_id = portcullis_accounts.id WHERE ",
            $which
        )
    };
}

const LOGINS_BY_USERNAME: &str = logins!("username_normalised = $1");

/// The newest claimants, as many as `LOGIN_CLAIMS` says, and whoever has proven the address; that one last, so that the
/// time of a claimant's login doesn't tell whether there is one.
const LOGINS_BY_EMAIL: &str = logins!(
    "portcullis_accounts.id IN (
        SELECT id FROM portcullis_accounts WHERE email_normalised = $1
        UNION SELECT account_id FROM (SELECT account_id FROM portcullis_email_claims WHERE email_normalised = $1
            ORDER BY account_id DESC LIMIT 3) AS newest)
     ORDER BY CASE WHEN portcullis_accounts.email_verified_at IS NULL THEN 0 ELSE 1 END, portcullis_accounts.id DESC"
);

async fn set_state(
    tx: &mut Tx<'_>,
    id: Id,
    state: AccountState,
    stamp: Stamp,
    by: &Context,
) -> Result<Result<Account, AccountsError>, Fault> {
    defends!("T016");
    access::lock_roles(tx).await?;
    let who = access::of_actor(tx, by).await?;
    let missing = access::missing_over(tx, &who, AccountsWrite::PERMISSION, id, by).await?;
    if !missing.is_empty() {
        return Ok(Err(AccountsError::Forbidden { missing }));
    }
    let present = "SELECT state FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let Some(mut row) = tx.query_one(present, params![id]).await? else {
        return Ok(Err(AccountsError::UnknownAccount));
    };
    if state == AccountState::Active && row.take::<AccountState>()? == AccountState::Unverified {
        return Ok(Err(AccountsError::Unproven(id)));
    }
    let administered = access::administrator_acts(tx).await?;
    let stamp = (state == AccountState::Disabled).then_some(stamp);
    let params = params![id, state.as_str(), stamp];
    let Some(mut row) = tx.query_one(SET_STATE, params).await? else {
        return Ok(Err(AccountsError::UnknownAccount));
    };
    if administered && !access::administrator_acts(tx).await? {
        tx.undo();
        return Ok(Err(AccountsError::LastAdministrator));
    }
    if state == AccountState::Disabled {
        session::end_many(tx, id, None, Ending::Ended, by.at).await?;
        api_key::all::disable(tx, id, by).await?;
    }
    let account = account(&mut row)?;
    let event = Entry::of(Action::AccountStateSet).account(id);
    tx.record(by, event.detail(account.state.as_str()));
    if !tx.may_act(account.state) {
        organization::record_ownerless(tx, id, by).await?;
    }
    tx.invalidate(Invalidation::Account(id), by.at);
    Ok(Ok(account))
}

/// Who unlocks an account has not proven its address.
const SET_STATE: &str = concat!(
    "UPDATE portcullis_accounts SET stamp = coalesce($3, stamp), state = CASE
       WHEN $2 = 'active' AND email_verified_at IS NULL AND (email IS NOT NULL OR EXISTS (
           SELECT 1 FROM portcullis_email_claims
           WHERE portcullis_email_claims.account_id = portcullis_accounts.id)) THEN 'unverified' ELSE $2 END
     WHERE id = $1 RETURNING ",
    account_columns!()
);
