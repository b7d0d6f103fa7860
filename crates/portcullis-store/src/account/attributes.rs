//! Attributes of a program's own on accounts.

use portcullis_core::account::{AccountsError, Id};
use portcullis_core::attribute::{AttributeChange, Attributes};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::authz::{Permission as _, RolesWrite};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;

use crate::event::Entry;
use crate::tx::Tx;
use crate::value::{Stored, Value, params};
use crate::{Database, access};

pub(super) async fn change_attributes(
    tx: &mut Tx<'_>,
    id: Id,
    changes: &[AttributeChange],
    by: &Context,
) -> Result<Result<(), AccountsError>, Fault> {
    defends!("T229");
    if by.actor != Actor::System {
        access::lock_roles(tx).await?;
        let who = access::of_actor(tx, by).await?;
        let missing = access::missing_over(tx, &who, RolesWrite::PERMISSION, id, by).await?;
        if !missing.is_empty() {
            return Ok(Err(AccountsError::Forbidden { missing }));
        }
    }
    let present = "SELECT attributes FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let Some(mut row) = tx.query_one(present, params![id]).await? else {
        return Ok(Err(AccountsError::UnknownAccount));
    };
    let before: Attributes = row.take()?;
    let mut after = before.clone();
    if let Err(error) = after.change(changes) {
        return Ok(Err(error.into()));
    }
    if after == before {
        return Ok(Ok(()));
    }
    let sql = "UPDATE portcullis_accounts SET attributes = $2 WHERE id = $1";
    tx.execute(sql, params![id, after.stored()]).await?;
    let names: Vec<&str> = changes.iter().map(|change| change.name).collect();
    let event = Entry::of(Action::AccountAttributesSet).account(id);
    tx.record(by, event.detail(names.join(", ")));
    tx.invalidate(Invalidation::Account(id), by.at);
    Ok(Ok(()))
}

pub(super) async fn find_attributes(on: &Database, id: Id) -> Result<Option<Attributes>, Fault> {
    let sql = "SELECT attributes FROM portcullis_accounts WHERE id = $1";
    let row = on.read(sql, params![id]).await?.into_iter().next();
    row.map(|mut row| row.take()).transpose()
}

impl Stored for Attributes {
    /// Most accounts have none, and a NULL.
    fn read(value: Value<'static>) -> Option<Self> {
        match value {
            Value::Null => Some(Self::default()),
            value => Self::parse(&String::read(value)?),
        }
    }
}
