//! Accounts of programs: without password, address and sessions.

use portcullis_core::account::{Account, Id, NewServiceAccount, RegistrationError};
use portcullis_core::audit::{Action, Context};
use portcullis_core::fault::Fault;
use uuid::Uuid;

use super::names;
use crate::Database;
use crate::event::Entry;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn create_service(
    tx: &mut Tx<'_>,
    new: &NewServiceAccount,
    by: &Context,
) -> Result<Result<Account, RegistrationError>, Fault> {
    let sql = concat!(
        "INSERT INTO portcullis_accounts (id, username, username_normalised, state, stamp, created_at, kind)
         VALUES ($1, $2, $3, 'active', $4, $5, 'service') ON CONFLICT DO NOTHING RETURNING ",
        account_columns!()
    );
    let name = &new.username;
    let params = params![new.id, name.as_str(), name.normalised(), new.stamp, by.at];
    let taken = RegistrationError::Taken {
        email: false,
        username: true,
    };
    let Some(mut row) = tx.query_one(sql, params).await? else {
        return Ok(Err(taken));
    };
    if !names::take(tx, new.id, &name.looks()).await? {
        tx.undo();
        return Ok(Err(taken));
    }
    tx.record(by, Entry::of(Action::ServiceAccountCreated).account(new.id));
    account(&mut row).map(Ok)
}

pub(super) async fn list_services(
    database: &Database,
    after: Option<Id>,
    limit: u32,
) -> Result<Vec<Account>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE kind = 'service' AND id > $1 ORDER BY id LIMIT $2"
    );
    let after = after.map_or(Uuid::nil(), Id::as_uuid);
    let rows = database.read(sql, params![after, limit]).await?;
    rows.into_iter().map(|mut row| account(&mut row)).collect()
}
