//! What the database does for sessions that are kept elsewhere: it checks their opening, remembers their devices
//! and writes their events.

use portcullis_core::account::{self, AccountState, Stamp};
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::session::{Ending, Id, NewSession};

use super::Notice;
use crate::Database;
use crate::event::Entry;
use crate::session::{check_account, end_many, is_new_device, tell};
use crate::tx::Tx;
use crate::value::params;

/// What the database says to a new session that is kept elsewhere.
pub(super) enum Admission {
    /// It may live; whether the account has had sessions before, and none from such a device.
    Admitted { new_device: bool },
    /// The account may not log in, or its stamp changed. Nothing was written.
    Refused(AccountState),
}

impl Database {
    /// Checks a session that is kept elsewhere, as [`Store::open`](portcullis_core::session::Store::open) does, and
    /// writes its event.
    pub(super) async fn admit(&self, new: NewSession, by: Context) -> Result<Admission, Fault> {
        self.write((new, by), |tx, (new, by)| Box::pin(admit(tx, new, by)))
            .await
    }

    /// The account's present stamp.
    pub(super) async fn stamp(&self, account: account::Id) -> Result<Option<Stamp>, Fault> {
        let sql = "SELECT stamp FROM portcullis_accounts WHERE id = $1";
        let row = self.read(sql, params![account]).await?.into_iter().next();
        row.map(|mut row| row.take()).transpose()
    }

    /// Writes the events and invalidations of changes made elsewhere, all or none.
    pub(super) async fn record(&self, notices: Vec<Notice>) -> Result<(), Fault> {
        self.write(notices, |tx, notices| {
            Box::pin(async move {
                for notice in notices {
                    tx.record(&notice.by, entry(notice));
                    if let Some(what) = notice.forget {
                        tx.invalidate(what, notice.by.at);
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Tells every node to forget something that this database has no record of.
    pub(super) async fn forget(&self, what: Invalidation, by: Context) -> Result<(), Fault> {
        self.write((what, by), |tx, (what, by)| {
            Box::pin(async move {
                tx.invalidate(*what, by.at);
                Ok(())
            })
        })
        .await
    }

    /// Ends all sessions of the account but `keep`. `elsewhere` says that some ended elsewhere: their event, too,
    /// is this one.
    pub(super) async fn end_others_beside(
        &self,
        account: account::Id,
        keep: Id,
        elsewhere: bool,
        by: Context,
    ) -> Result<u64, Fault> {
        let input = (account, keep, elsewhere, by);
        self.write(input, |tx, (account, keep, elsewhere, by)| {
            Box::pin(end_others(tx, *account, *keep, *elsewhere, by))
        })
        .await
    }

    /// Tells this process alone to forget, for when the database can't be written.
    pub(super) fn forget_here(&self, what: Invalidation) {
        self.inner.bus.publish(what);
    }
}

fn entry(notice: &Notice) -> Entry {
    let entry = Entry::of(notice.action)
        .account(notice.account)
        .session(notice.session);
    match &notice.detail {
        Some(detail) => entry.detail(detail.clone()),
        None => entry,
    }
}

async fn admit(tx: &mut Tx<'_>, new: &NewSession, by: &Context) -> Result<Admission, Fault> {
    defends!("T035");
    if let Err(state) = check_account(tx, new).await? {
        return Ok(Admission::Refused(state));
    }
    let new_device = is_new_device(tx, new).await?;
    tell(tx, new, new_device, by).await?;
    remember_device(tx, new, by).await?;
    tx.record(
        by,
        Entry::of(Action::SessionOpened)
            .account(new.account)
            .session(new.id),
    );
    Ok(Admission::Admitted { new_device })
}

/// Keeps one row for each kind of device: an ended session without a token, for "a new device" and nothing else.
async fn remember_device(tx: &mut Tx<'_>, new: &NewSession, by: &Context) -> Result<(), Fault> {
    let sql = "UPDATE portcullis_sessions SET
            ended_at = CASE WHEN ended_at < $3 THEN $3 ELSE ended_at END,
            expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END
        WHERE account_id = $1 AND user_agent IS NOT DISTINCT FROM $2 AND ended_why = 'elsewhere'";
    let agent = new.device.user_agent.as_ref();
    if tx
        .execute(sql, params![new.account, agent, new.expires_at])
        .await?
        > 0
    {
        return Ok(());
    }
    let sql =
        "INSERT INTO portcullis_sessions (id, account_id, stamp, user_agent, method, authenticated_at, last_seen_at,
            idle, expires_at, ended_at, ended_why)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $8, 'elsewhere')";
    let params = params![
        new.id,
        new.account,
        new.stamp,
        agent,
        new.method.amr(),
        by.at,
        new.idle,
        new.expires_at,
    ];
    tx.execute(sql, params).await.map(drop)
}

async fn end_others(
    tx: &mut Tx<'_>,
    account: account::Id,
    keep: Id,
    elsewhere: bool,
    by: &Context,
) -> Result<u64, Fault> {
    let ended = end_many(tx, account, Some(keep), Ending::Ended, by.at).await?;
    if ended.rows > 0 || elsewhere {
        let all = Entry::of(Action::SessionsEnded).account(account).session(keep);
        tx.record(by, all.detail("others"));
    }
    // Also what an ephemeral store lost and a node may still remember.
    tx.invalidate(Invalidation::Account(account), by.at);
    Ok(ended.living)
}
