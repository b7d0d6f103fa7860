//! Registering accounts, the first administrator among them.

use portcullis_core::account::{
    Account, Claim, EmailAddress, Id, NewAccount, RegistrationError, Setup, Username,
};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::scopes::ADMINISTRATOR;
use portcullis_core::secret::Digest;

use super::verification::WITHOUT_A_CODE;
use super::{loss, names, offer};
use crate::event::Entry;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::params;
use crate::{access, claim};

type Outcome = Result<Result<Account, RegistrationError>, Fault>;

pub(super) async fn register(tx: &mut Tx<'_>, new: &NewAccount, by: &Context) -> Outcome {
    let registered = register_with(tx, new, &[], by).await?;
    if registered.is_err() {
        // Others may have lost a claim of the address to an account that there isn't.
        tx.undo();
    }
    Ok(registered)
}

/// Registers an account that has these roles from the beginning.
async fn register_with(tx: &mut Tx<'_>, new: &NewAccount, more_roles: &[&str], by: &Context) -> Outcome {
    defends!("T010");
    if let Some(taken) = taken_email(tx, new).await? {
        return Ok(Err(taken));
    }
    if !insert(tx, new, by).await? {
        return taken(tx, new).await.map(Err);
    }
    let looks = new.username.as_ref().map(Username::looks).unwrap_or_default();
    if !names::take(tx, new.id, &looks).await? {
        tx.undo();
        return Ok(Err(RegistrationError::Taken {
            email: false,
            username: true,
        }));
    }
    let sql = "INSERT INTO portcullis_passwords (account_id, sealed) VALUES ($1, $2)";
    tx.execute(sql, params![new.id, new.password.as_bytes()]).await?;
    tx.record(by, Entry::of(Action::AccountRegistered).account(new.id));
    if new.claim == Claim::Vouched && new.email.is_some() {
        let entry = Entry::of(Action::EmailVerified).account(new.id);
        tx.record(by, entry.detail(WITHOUT_A_CODE));
    }
    for role in new
        .roles
        .iter()
        .map(String::as_str)
        .chain(more_roles.iter().copied())
    {
        begin_with_role(tx, new.id, role, by).await?;
    }
    // Last: whoever is written to at the same domain waits for the budgets that this holds.
    if let Some(verification) = &new.verification {
        // An e-mail that is withheld hinders nothing.
        let _ = offer::offer(tx, new.id, verification, by).await?;
    }
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id = $1"
    );
    let row = tx.query_one(sql, params![new.id]).await?;
    let mut row = row.ok_or_else(|| Fault::Corrupt("an answer has no row".into()))?;
    account(&mut row).map(Ok)
}

/// Writes the account with its claim; `false` if its user name is somebody's.
async fn insert(tx: &mut Tx<'_>, new: &NewAccount, by: &Context) -> Result<bool, Fault> {
    let vouched = new.email.as_ref().filter(|_| new.claim == Claim::Vouched);
    if let Some(email) = vouched {
        loss::take_from_others(tx, email.normalised(), new.id, new.stamp, by).await?;
    }
    let sql =
        "INSERT INTO portcullis_accounts (id, email, email_normalised, username, username_normalised, state,
            email_verified_at, stamp, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let username = new.username.as_ref();
    let params = params![
        new.id,
        vouched.map(EmailAddress::as_str),
        vouched.map(EmailAddress::normalised),
        username.map(Username::as_str),
        username.map(Username::normalised),
        new.state.as_str(),
        vouched.map(|_| new.at),
        new.stamp,
        new.at,
    ];
    if tx.execute(sql, params).await? == 0 {
        return Ok(false);
    }
    if let Some(email) = new.email.as_ref().filter(|_| vouched.is_none()) {
        claim::make(tx, new, email, by).await?;
    }
    Ok(true)
}

/// Why nobody is registered where another account has proven the address.
async fn taken_email(tx: &mut Tx<'_>, new: &NewAccount) -> Result<Option<RegistrationError>, Fault> {
    let Some(email) = new.email.as_ref().filter(|_| new.claim != Claim::Hidden) else {
        return Ok(None);
    };
    if !claim::is_proven(tx, email.normalised()).await? {
        return Ok(None);
    }
    let username = has_username(tx, new).await?;
    Ok(Some(RegistrationError::Taken {
        email: true,
        username,
    }))
}

/// Which of the identifiers is somebody's, if the account could not be written.
async fn taken(tx: &mut Tx<'_>, new: &NewAccount) -> Result<RegistrationError, Fault> {
    if let Some(taken) = taken_email(tx, new).await? {
        return Ok(taken);
    }
    if !has_username(tx, new).await? {
        return Err(Fault::Other(format!("an account with the id {} exists", new.id)));
    }
    Ok(RegistrationError::Taken {
        email: false,
        username: true,
    })
}

async fn has_username(tx: &mut Tx<'_>, new: &NewAccount) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_accounts WHERE username_normalised = $1";
    let name = new.username.as_ref().map(Username::normalised);
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn begin_with_role(tx: &mut Tx<'_>, id: Id, role: &str, by: &Context) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_account_roles (account_id, role) SELECT $1, name FROM portcullis_roles WHERE name = $2
        ON CONFLICT DO NOTHING";
    let known = "SELECT name FROM portcullis_roles WHERE name = $1";
    if tx.query_one(known, params![role]).await?.is_none() {
        return Err(Fault::Other(format!("there is no role {role:?} to begin with")));
    }
    if tx.execute(sql, params![id, role]).await? == 1 {
        tx.record(by, Entry::of(Action::RoleAssigned).account(id).detail(role));
    }
    Ok(())
}

pub(super) async fn offer_setup(
    tx: &mut Tx<'_>,
    digest: Digest<Setup>,
    expires_at: Timestamp,
    by: &Context,
) -> Result<bool, Fault> {
    access::lock_roles(tx).await?;
    if access::administrator_exists(tx).await? {
        return Ok(false);
    }
    let sql = "INSERT INTO portcullis_setup (id, digest, expires_at) VALUES (1, $1, $2)
        ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";
    tx.execute(sql, params![&digest, expires_at]).await?;
    tx.record(
        by,
        Entry::of(Action::SetupOffered).detail(format!("until {expires_at}")),
    );
    Ok(true)
}

pub(super) async fn register_first_administrator(
    tx: &mut Tx<'_>,
    token: Digest<Setup>,
    new: &NewAccount,
    by: &Context,
) -> Outcome {
    defends!("T031");
    access::lock_roles(tx).await?;
    let sql = "DELETE FROM portcullis_setup WHERE digest = $1 AND expires_at > $2";
    let redeemed = tx.execute(sql, params![&token, by.at]).await? == 1;
    if !redeemed || access::administrator_exists(tx).await? {
        tx.undo();
        return Ok(Err(RegistrationError::SetupClosed));
    }
    let registered = register_with(tx, new, &[ADMINISTRATOR], by).await?;
    if registered.is_err() {
        tx.undo();
    }
    Ok(registered)
}
