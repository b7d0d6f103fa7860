//! Accounts, their passwords and verification tokens.

mod claim;
mod names;
mod service;
mod verification;

use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::access::{ADMINISTRATOR, AccountsWrite, Permission as _};
use portcullis_core::account::{
    Account, Claim, Claimed, EmailAddress, EmailVerification, Id, Identifier, Kind, Login, NewAccount,
    NewServiceAccount, Outcome, Proof, Proving, Redeemed, Setup, Stamp, State, StateSet, Store, Username,
};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::password::SealedHash;
use portcullis_core::secret::Digest;
use portcullis_core::session::Ending;
use portcullis_core::throttle::Budget;
use uuid::Uuid;

pub use self::names::Unsettled;
use crate::audit::Entry;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, params};
use crate::{Database, access, budget, session};

pub(crate) use self::claim::renew as renew_claim;

/// The address that the account has proven, or the one that it claims.
macro_rules! email_column {
    () => {
        "coalesce(accounts.email, \
         (SELECT email_claims.email FROM email_claims WHERE email_claims.account_id = accounts.id))"
    };
}
pub(crate) use email_column;

/// The columns [`account`] reads.
macro_rules! account_columns {
    () => {
        concat!(
            "accounts.id, ",
            $crate::account::email_column!(),
            ", accounts.username, accounts.state, accounts.email_verified_at, accounts.stamp, accounts.created_at, \
             accounts.kind"
        )
    };
}
pub(crate) use account_columns;

/// Reads [`account_columns`].
pub(crate) fn account(row: &mut Row) -> Result<Account, Fault> {
    Ok(Account {
        id: row.take()?,
        email: row.take()?,
        username: row.take()?,
        state: row.take()?,
        email_verified_at: row.take()?,
        stamp: row.take()?,
        created_at: row.take()?,
        kind: row.take()?,
    })
}

impl Stored for State {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

impl Stored for Kind {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

impl Stored for SealedHash {
    fn read(value: Value<'static>) -> Option<Self> {
        Vec::read(value).map(Self::from_bytes)
    }
}

#[async_trait]
impl Store for Database {
    async fn register(&self, new: NewAccount, by: Context) -> Result<Outcome, Fault> {
        self.write((new, by), |tx, (new, by)| Box::pin(register(tx, new, &[], by)))
            .await
    }

    async fn offer_setup(&self, digest: Digest<Setup>, expires_at: Timestamp) -> Result<bool, Fault> {
        self.write((digest, expires_at), |tx, (digest, expires_at)| {
            Box::pin(offer_setup(tx, digest, *expires_at))
        })
        .await
    }

    async fn setup_is_open(&self, token: Digest<Setup>, now: Timestamp) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM setup WHERE digest = $1 AND expires_at > $2";
        // Whoever has no token asks no further: the second question costs more.
        if self.read(sql, params![&token, now]).await?.is_empty() {
            return Ok(false);
        }
        let exists = self
            .write((), |tx, ()| Box::pin(access::administrator_exists(tx)))
            .await?;
        Ok(!exists)
    }

    async fn register_first_administrator(
        &self,
        token: Digest<Setup>,
        new: NewAccount,
        by: Context,
    ) -> Result<Outcome, Fault> {
        self.write((token, new, by), |tx, (token, new, by)| {
            Box::pin(register_first_administrator(tx, token, new, by))
        })
        .await
    }

    async fn create_service(&self, new: NewServiceAccount, by: Context) -> Result<Outcome, Fault> {
        self.write((new, by), |tx, (new, by)| Box::pin(service::create(tx, new, by)))
            .await
    }

    async fn list_services(&self, after: Option<Id>, limit: u32) -> Result<Vec<Account>, Fault> {
        service::list(self, after, limit).await
    }

    async fn find(&self, id: Id) -> Result<Option<Account>, Fault> {
        let sql = concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1");
        let row = self.read(sql, params![id]).await?.into_iter().next();
        row.map(|mut row| account(&mut row)).transpose()
    }

    async fn find_logins(&self, who: Identifier) -> Result<Vec<Login>, Fault> {
        let sql = match who {
            Identifier::Email(_) | Identifier::FormerEmail(_) => LOGINS_BY_EMAIL,
            Identifier::Username(_) | Identifier::FormerUsername(_) => LOGINS_BY_USERNAME,
        };
        let rows = self.read(sql, params![who.normalised()]).await?;
        let login = |mut row: Row| {
            Ok(Login {
                account: account(&mut row)?,
                password: row.take()?,
            })
        };
        rows.into_iter().map(login).collect()
    }

    async fn list(&self, after: Option<Id>, limit: u32) -> Result<Vec<Account>, Fault> {
        let sql = concat!(
            "SELECT ",
            account_columns!(),
            " FROM accounts WHERE id > $1 ORDER BY id LIMIT $2"
        );
        let after = after.map_or(Uuid::nil(), Id::as_uuid);
        let rows = self.read(sql, params![after, limit]).await?;
        rows.into_iter().map(|mut row| account(&mut row)).collect()
    }

    async fn rehash(&self, id: Id, old: SealedHash, new: SealedHash) -> Result<bool, Fault> {
        self.write((id, old, new), |tx, (id, old, new)| {
            Box::pin(async move {
                let sql = "UPDATE passwords SET sealed = $3 WHERE account_id = $1 AND sealed = $2";
                Ok(tx
                    .execute(sql, params![*id, old.as_bytes(), new.as_bytes()])
                    .await?
                    == 1)
            })
        })
        .await
    }

    async fn set_state(&self, id: Id, state: State, stamp: Stamp, by: Context) -> Result<StateSet, Fault> {
        self.write((id, state, stamp, by), |tx, (id, state, stamp, by)| {
            Box::pin(set_state(tx, *id, *state, *stamp, by))
        })
        .await
    }

    async fn spend(&self, budgets: Vec<Budget>, now: Timestamp) -> Result<Result<(), Duration>, Fault> {
        self.write((budgets, now), |tx, (budgets, now)| {
            Box::pin(async move {
                Ok(match budget::spend(tx, budgets, *now).await? {
                    None => Ok(()),
                    Some(wait) => {
                        tx.undo();
                        Err(wait)
                    }
                })
            })
        })
        .await
    }

    async fn offer_verification(
        &self,
        id: Id,
        digest: Digest<EmailVerification>,
        expires_at: Timestamp,
    ) -> Result<Option<Claimed>, Fault> {
        self.write((id, digest, expires_at), |tx, (id, digest, expires_at)| {
            Box::pin(verification::offer_verification(tx, *id, digest, *expires_at))
        })
        .await
    }

    async fn find_verification(
        &self,
        token: Digest<EmailVerification>,
        now: Timestamp,
    ) -> Result<Option<Login>, Fault> {
        verification::find(self, &token, now).await
    }

    async fn count_verification_try(
        &self,
        token: Digest<EmailVerification>,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.write((token, most, now), |tx, (token, most, now)| {
            Box::pin(verification::count_try(tx, token, *most, *now))
        })
        .await
    }

    async fn redeem_verification(
        &self,
        token: Digest<EmailVerification>,
        proof: Proof,
        stamp: Stamp,
        by: Context,
    ) -> Result<Redeemed, Fault> {
        self.write((token, proof, stamp, by), |tx, (token, proof, stamp, by)| {
            Box::pin(verification::redeem_verification(tx, token, proof, *stamp, by))
        })
        .await
    }

    async fn prove_email(&self, id: Id, stamp: Stamp, by: Context) -> Result<Proving, Fault> {
        self.write((id, stamp, by), |tx, (id, stamp, by)| {
            Box::pin(verification::prove_email(tx, *id, *stamp, by))
        })
        .await
    }

    async fn expire_claims(
        &self,
        now: Timestamp,
        limit: u32,
        stamp: Stamp,
        by: Context,
    ) -> Result<u64, Fault> {
        self.write((now, limit, stamp, by), |tx, (now, limit, stamp, by)| {
            Box::pin(claim::expire(tx, *now, *limit, *stamp, by))
        })
        .await
    }
}

macro_rules! logins {
    ($which:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", passwords.sealed FROM accounts LEFT JOIN passwords ON passwords.account_id = accounts.id WHERE ",
            $which
        )
    };
}

const LOGINS_BY_USERNAME: &str = logins!("username_normalised = $1");

/// The newest claimants, as many as `LOGIN_CLAIMS` says, and whoever has proven the address; that one last, so that the
/// time of a claimant's login doesn't tell whether there is one.
const LOGINS_BY_EMAIL: &str = logins!(
    "accounts.id IN (
        SELECT id FROM accounts WHERE email_normalised = $1
        UNION SELECT account_id FROM (SELECT account_id FROM email_claims WHERE email_normalised = $1
            ORDER BY account_id DESC LIMIT 3) AS newest)
     ORDER BY CASE WHEN accounts.email_verified_at IS NULL THEN 0 ELSE 1 END, accounts.id DESC"
);

async fn register(
    tx: &mut Tx<'_>,
    new: &NewAccount,
    more_roles: &[&str],
    by: &Context,
) -> Result<Outcome, Fault> {
    defends!("T010");
    if let Some(taken) = taken_email(tx, new).await? {
        return Ok(taken);
    }
    if !insert(tx, new, by).await? {
        return taken(tx, new).await;
    }
    let looks = new.username.as_ref().map(Username::looks).unwrap_or_default();
    if !names::take(tx, new.id, &looks).await? {
        tx.undo();
        return Ok(Outcome::Taken {
            email: false,
            username: true,
        });
    }
    let sql = "INSERT INTO passwords (account_id, sealed) VALUES ($1, $2)";
    tx.execute(sql, params![new.id, new.password.as_bytes()]).await?;
    if let Some((digest, expires_at)) = &new.verification {
        verification::offer_verification(tx, new.id, digest, *expires_at).await?;
    }
    tx.record(by, Entry::of(Action::AccountRegistered).account(new.id));
    for role in new
        .roles
        .iter()
        .map(String::as_str)
        .chain(more_roles.iter().copied())
    {
        begin_with_role(tx, new.id, role, by).await?;
    }
    let sql = concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1");
    let row = tx.query_one(sql, params![new.id]).await?;
    let mut row = row.ok_or_else(|| Fault::Corrupt("an answer has no row".into()))?;
    account(&mut row).map(Outcome::Created)
}

/// Writes the account with its claim; `false` if its user name is somebody's.
async fn insert(tx: &mut Tx<'_>, new: &NewAccount, by: &Context) -> Result<bool, Fault> {
    let vouched = new.email.as_ref().filter(|_| new.claim == Claim::Vouched);
    if let Some(email) = vouched {
        claim::take_from_others(tx, email.normalised(), new.id, new.stamp, by).await?;
    }
    let sql = "INSERT INTO accounts (id, email, email_normalised, username, username_normalised, state,
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

/// What to answer where another account has proven the address.
async fn taken_email(tx: &mut Tx<'_>, new: &NewAccount) -> Result<Option<Outcome>, Fault> {
    let Some(email) = new.email.as_ref().filter(|_| new.claim != Claim::Hidden) else {
        return Ok(None);
    };
    if !claim::is_proven(tx, email.normalised()).await? {
        return Ok(None);
    }
    let username = has_username(tx, new).await?;
    Ok(Some(Outcome::Taken {
        email: true,
        username,
    }))
}

/// Which of the identifiers is somebody's, if the account could not be written.
async fn taken(tx: &mut Tx<'_>, new: &NewAccount) -> Result<Outcome, Fault> {
    if let Some(taken) = taken_email(tx, new).await? {
        return Ok(taken);
    }
    if !has_username(tx, new).await? {
        return Err(Fault::Other(format!("an account with the id {} exists", new.id)));
    }
    Ok(Outcome::Taken {
        email: false,
        username: true,
    })
}

async fn has_username(tx: &mut Tx<'_>, new: &NewAccount) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM accounts WHERE username_normalised = $1";
    let name = new.username.as_ref().map(Username::normalised);
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn begin_with_role(tx: &mut Tx<'_>, id: Id, role: &str, by: &Context) -> Result<(), Fault> {
    let sql = "INSERT INTO account_roles (account_id, role) SELECT $1, name FROM roles WHERE name = $2
        ON CONFLICT DO NOTHING";
    let known = "SELECT name FROM roles WHERE name = $1";
    if tx.query_one(known, params![role]).await?.is_none() {
        return Err(Fault::Other(format!("there is no role {role:?} to begin with")));
    }
    if tx.execute(sql, params![id, role]).await? == 1 {
        tx.record(by, Entry::of(Action::RoleAssigned).account(id).detail(role));
    }
    Ok(())
}

async fn offer_setup(tx: &mut Tx<'_>, digest: &Digest<Setup>, expires_at: Timestamp) -> Result<bool, Fault> {
    access::lock_roles(tx).await?;
    if access::administrator_exists(tx).await? {
        return Ok(false);
    }
    let sql = "INSERT INTO setup (id, digest, expires_at) VALUES (1, $1, $2)
        ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";
    tx.execute(sql, params![digest, expires_at]).await?;
    Ok(true)
}

async fn register_first_administrator(
    tx: &mut Tx<'_>,
    token: &Digest<Setup>,
    new: &NewAccount,
    by: &Context,
) -> Result<Outcome, Fault> {
    defends!("T031");
    access::lock_roles(tx).await?;
    let sql = "DELETE FROM setup WHERE digest = $1 AND expires_at > $2";
    let redeemed = tx.execute(sql, params![token, by.at]).await? == 1;
    if !redeemed || access::administrator_exists(tx).await? {
        tx.undo();
        return Ok(Outcome::SetupClosed);
    }
    let outcome = register(tx, new, &[ADMINISTRATOR], by).await?;
    if !matches!(outcome, Outcome::Created(_)) {
        tx.undo();
    }
    Ok(outcome)
}

async fn set_state(
    tx: &mut Tx<'_>,
    id: Id,
    state: State,
    stamp: Stamp,
    by: &Context,
) -> Result<StateSet, Fault> {
    defends!("T016");
    access::lock_roles(tx).await?;
    let who = access::of_actor(tx, by).await?;
    let missing = access::lacks_over(tx, &who, AccountsWrite::PERMISSION, id, by).await?;
    if !missing.is_empty() {
        return Ok(StateSet::Beyond(missing));
    }
    let present = "SELECT state FROM accounts WHERE id = $1 FOR NO KEY UPDATE";
    let Some(mut row) = tx.query_one(present, params![id]).await? else {
        return Ok(StateSet::UnknownAccount);
    };
    if state == State::Active && row.take::<State>()? == State::Unverified {
        return Ok(StateSet::Unproven);
    }
    let administered = access::administrator_acts(tx).await?;
    let stamp = (state == State::Disabled).then_some(stamp);
    let params = params![id, state.as_str(), stamp];
    let Some(mut row) = tx.query_one(SET_STATE, params).await? else {
        return Ok(StateSet::UnknownAccount);
    };
    if administered && !access::administrator_acts(tx).await? {
        tx.undo();
        return Ok(StateSet::LastAdministrator);
    }
    if state == State::Disabled {
        session::end_many(tx, id, None, Ending::Ended, by.at).await?;
    }
    let account = account(&mut row)?;
    let event = Entry::of(Action::AccountStateSet).account(id);
    tx.record(by, event.detail(account.state.as_str()));
    tx.invalidate(Invalidation::Account(id), by.at);
    Ok(StateSet::Set(account))
}

/// Who unlocks an account has not proven its address.
const SET_STATE: &str = concat!(
    "UPDATE accounts SET stamp = coalesce($3, stamp), state = CASE
       WHEN $2 = 'active' AND email_verified_at IS NULL AND (email IS NOT NULL OR EXISTS (
           SELECT 1 FROM email_claims WHERE email_claims.account_id = accounts.id)) THEN 'unverified' ELSE $2 END
     WHERE id = $1 RETURNING ",
    account_columns!()
);
