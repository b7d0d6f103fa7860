//! What user names look like, and names and addresses that an earlier version took by looser rules.
//!
//! Invariant: an account registers with all its looks or not at all. One that an earlier version registered, before this one or
//! beside it, is given its looks by [`Database::settle_names`]; where another account has the look already, both keep
//! their names, and that is told.

use portcullis_core::account::{EmailAddress, Id, looks_of};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use uuid::Uuid;

use crate::Database;
use crate::tx::Tx;
use crate::value::{Row, params};

/// What [`Database::settle_names`] found and can't settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// A user name that looks like another account's.
    Alike {
        /// The account that has the name.
        account: Id,
        /// The account's user name, as typed.
        username: String,
        /// The name it looks like.
        like: String,
    },
    /// An address that isn't mailed as it is compared.
    Address {
        /// The account that has the address.
        account: Id,
        /// The account's address, as typed.
        email: String,
    },
}

/// Notes what the account's name looks like; `false` if it looks like another's.
pub(super) async fn take(tx: &mut Tx<'_>, id: Id, looks: &[String]) -> Result<bool, Fault> {
    defends!("T142");
    for look in looks {
        if tx.execute(TAKE, params![look.as_str(), id]).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Database {
    /// Gives accounts of an earlier version what this one notes of their names, and brings their addresses into the form
    /// that is compared today. Does nothing where that is done; may run on several nodes at once.
    ///
    /// # Errors
    /// [`Fault`]; what was settled stays settled.
    pub async fn settle_names(&self) -> Result<Vec<Unsettled>, Fault> {
        let mut unsettled = Vec::new();
        let mut after = Uuid::nil();
        loop {
            let rows = self.read(UNNOTED, params![after]).await?;
            let names = rows.into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
            let Some((last, _)) = names.last() else { break };
            after = last.as_uuid();
            let found = self
                .write(names, |tx, names| Box::pin(note_looks(tx, names)))
                .await?;
            unsettled.extend(found);
        }
        for table in ADDRESSES {
            unsettled.extend(self.settle_addresses(table).await?);
        }
        Ok(unsettled)
    }

    async fn settle_addresses(&self, table: &'static Table) -> Result<Vec<Unsettled>, Fault> {
        let mut unsettled = Vec::new();
        let mut after = Uuid::nil();
        loop {
            let rows = self.read(table.foreign, params![after]).await?;
            let found = rows.into_iter().map(addressed).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = found.last() else { break };
            after = last.id;
            let left = self.write((table, found), |tx, (table, found)| {
                Box::pin(settle_page(tx, table, found))
            });
            unsettled.extend(left.await?);
        }
        Ok(unsettled)
    }
}

fn named(mut row: Row) -> Result<(Id, String), Fault> {
    Ok((row.take()?, row.take()?))
}

async fn note_looks(tx: &mut Tx<'_>, names: &[(Id, String)]) -> Result<Vec<Unsettled>, Fault> {
    let mut alike = Vec::new();
    for (id, name) in names {
        for look in looks_of(name) {
            // The account may be gone meanwhile, or another node be done with it.
            if tx.execute(NOTE, params![look.as_str(), *id]).await? == 1 {
                continue;
            }
            if let Some(mut row) = tx.query_one(OWNER, params![look.as_str(), *id]).await? {
                alike.push(Unsettled::Alike {
                    account: *id,
                    username: name.clone(),
                    like: row.take()?,
                });
                break;
            }
        }
    }
    Ok(alike)
}

struct Addressed {
    id: Uuid,
    account: Option<Id>,
    email: String,
    compared: String,
}

fn addressed(mut row: Row) -> Result<Addressed, Fault> {
    Ok(Addressed {
        id: row.take()?,
        account: row.take()?,
        email: row.take()?,
        compared: row.take()?,
    })
}

/// Rewrites the addresses that today's rules compare otherwise; answers those of accounts that can't be.
async fn settle_page(tx: &mut Tx<'_>, table: &Table, found: &[Addressed]) -> Result<Vec<Unsettled>, Fault> {
    defends!("T144");
    let mut left = Vec::new();
    for one in found {
        let parsed = EmailAddress::parse(&one.email).ok();
        let settled = match &parsed {
            Some(email) if email.as_str() == one.email && email.normalised() == one.compared => true,
            Some(email) => {
                let form = params![one.id, email.as_str(), email.normalised(), one.compared.as_str()];
                let moved = tx.execute(table.settle, form).await? == 1;
                if let (true, Some(account)) = (moved, one.account) {
                    let codes = params![account, email.normalised(), one.compared.as_str()];
                    tx.execute(SETTLE_CODES, codes).await?;
                }
                moved
            }
            None => false,
        };
        if let (false, Some(account)) = (settled, one.account) {
            left.push(Unsettled::Address {
                account,
                email: one.email.clone(),
            });
        }
    }
    Ok(left)
}

const TAKE: &str =
    "INSERT INTO portcullis_username_looks (look, account_id) VALUES ($1, $2) ON CONFLICT (look) DO NOTHING";

const NOTE: &str =
    "INSERT INTO portcullis_username_looks (look, account_id) SELECT $1, id FROM portcullis_accounts
    WHERE id = $2
    ON CONFLICT (look) DO NOTHING";

const OWNER: &str =
    "SELECT portcullis_accounts.username FROM portcullis_username_looks
        JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_username_looks.account_id
    WHERE portcullis_username_looks.look = $1 AND portcullis_accounts.id <> $2 AND portcullis_accounts.username IS NOT NULL";

const UNNOTED: &str = "SELECT id, username FROM portcullis_accounts WHERE username IS NOT NULL AND id > $1
    AND NOT EXISTS (SELECT 1 FROM portcullis_username_looks
    WHERE account_id = portcullis_accounts.id) ORDER BY id LIMIT 500";

/// A table that holds addresses.
struct Table {
    /// A page of those with letters beyond ASCII: the rules for others are what they were.
    foreign: &'static str,
    settle: &'static str,
}

const ADDRESSES: &[Table] = &[
    Table {
        foreign: "SELECT id, id AS account, email, email_normalised FROM portcullis_accounts WHERE id > $1
            AND (length(email) <> octet_length(email) OR length(email_normalised) <> octet_length(email_normalised))
            ORDER BY id LIMIT 500",
        settle: "UPDATE portcullis_accounts SET email = $2, email_normalised = $3 WHERE id = $1 AND email_normalised = $4
            AND NOT EXISTS (SELECT 1 FROM portcullis_accounts AS others
            WHERE others.email_normalised = $3 AND others.id <> $1)",
    },
    Table {
        foreign: "SELECT account_id, account_id AS account, email, email_normalised FROM portcullis_email_claims
            WHERE account_id > $1
            AND (length(email) <> octet_length(email) OR length(email_normalised) <> octet_length(email_normalised))
            ORDER BY account_id LIMIT 500",
        settle: "UPDATE portcullis_email_claims SET email = $2, email_normalised = $3
            WHERE account_id = $1 AND email_normalised = $4",
    },
    Table {
        foreign: "SELECT id, CAST(NULL AS UUID) AS account, email, email_normalised
            FROM portcullis_organization_invitations WHERE id > $1
            AND (length(email) <> octet_length(email) OR length(email_normalised) <> octet_length(email_normalised))
            ORDER BY id LIMIT 500",
        settle: "UPDATE portcullis_organization_invitations SET email = $2, email_normalised = $3
            WHERE id = $1 AND email_normalised = $4 AND NOT EXISTS (SELECT 1
            FROM portcullis_organization_invitations AS others
                WHERE others.email_normalised = $3 AND others.id <> $1
                AND others.organization_id = portcullis_organization_invitations.organization_id)",
    },
];

const SETTLE_CODES: &str = "UPDATE portcullis_verifications SET email_normalised = $2
    WHERE account_id = $1 AND email_normalised = $3";
