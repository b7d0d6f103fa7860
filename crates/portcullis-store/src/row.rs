//! Rows of accounts: the slice that owns them reads them, and so does every other that finds an account by its own table.

use portcullis_core::account::{Account, AccountKind, AccountState};
use portcullis_core::fault::Fault;
use portcullis_core::password::SealedHash;

use crate::value::{Row, Stored, Value};

/// The address that the account has proven, or the one that it claims.
macro_rules! email_column {
    () => {
        "coalesce(portcullis_accounts.email, \
         (SELECT portcullis_email_claims.email FROM portcullis_email_claims
         WHERE portcullis_email_claims.account_id = portcullis_accounts.id))"
    };
}
pub(crate) use email_column;

/// The columns [`account`] reads.
macro_rules! account_columns {
    () => {
        concat!(
            "portcullis_accounts.id, ",
            $crate::row::email_column!(),
            ", portcullis_accounts.username, portcullis_accounts.state, portcullis_accounts.email_verified_at, \
             portcullis_accounts.stamp, portcullis_accounts.created_at, portcullis_accounts.kind"
        )
    };
}
pub(crate) use account_columns;

/// The account in a row of [`account_columns`].
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

impl Stored for AccountState {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

impl Stored for AccountKind {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

impl Stored for SealedHash {
    fn read(value: Value<'static>) -> Option<Self> {
        Vec::read(value).map(Self::from_bytes)
    }
}
