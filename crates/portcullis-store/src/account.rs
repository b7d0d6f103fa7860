//! Accounts, their passwords and verification tokens.

mod loss;
mod names;
mod offer;
mod registration;
mod service;
mod verification;

use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::account::{
    Account, EmailVerification, Id, Identifier, Login, NewAccount, NewServiceAccount, Offer, Offered,
    Outcome, Proof, Proving, Redeemed, Setup, Stamp, State, StateSet, Store,
};
use portcullis_core::audit::{Action, Context};
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

pub use self::names::Unsettled;
use crate::event::Entry;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::{Row, params};
use crate::{Database, access, api_key, budget, organization, session};

#[async_trait]
impl Store for Database {
    async fn register(&self, new: NewAccount, by: Context) -> Result<Outcome, Fault> {
        self.write((new, by), |tx, (new, by)| {
            Box::pin(registration::register(tx, new, &[], by))
        })
        .await
    }

    async fn offer_setup(
        &self,
        digest: Digest<Setup>,
        expires_at: Timestamp,
        by: Context,
    ) -> Result<bool, Fault> {
        self.write((digest, expires_at, by), |tx, (digest, expires_at, by)| {
            Box::pin(registration::offer_setup(tx, digest, *expires_at, by))
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
            Box::pin(registration::register_first_administrator(tx, token, new, by))
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

    async fn offer_verification(&self, id: Id, offer: Offer, by: Context) -> Result<Offered, Fault> {
        self.write((id, offer, by), |tx, (id, offer, by)| {
            Box::pin(offer::offer_again(tx, *id, offer, by))
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
            Box::pin(loss::expire(tx, *now, *limit, *stamp, by))
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
        api_key::all::disable(tx, id, by).await?;
    }
    let account = account(&mut row)?;
    let event = Entry::of(Action::AccountStateSet).account(id);
    tx.record(by, event.detail(account.state.as_str()));
    if !tx.may_act(account.state) {
        organization::record_ownerless(tx, id, by).await?;
    }
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
