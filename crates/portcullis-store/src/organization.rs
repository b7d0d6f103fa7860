//! Organizations, their members and invitations.
//!
//! Every verb that changes one takes the lock of the roles first: who may give what is judged on a graph that stands
//! still, two owners never leave at once, and a slug is given once. Each statement about a tenant's rows names the
//! organization.

mod appointment;
mod authority;
mod invitation;
mod member;
mod record;

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::{
    Accepted, Belonging, Change, Created, Id, Invitation, InvitationId, InvitationKind, MemberRecord,
    MembershipFacts, NewInvitation, NewOrganization, Organization, Renaming, Selector, State, Store,
};
use portcullis_core::secret::Digest;
use uuid::Uuid;

pub(crate) use self::member::record_ownerless;
use crate::Database;
use crate::event::Entry;
use crate::row::email_column;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, names, params};

/// The columns [`read_organization`] reads.
macro_rules! organization_columns {
    () => {
        "organizations.id, organizations.slug, organizations.name, organizations.state, organizations.created_at"
    };
}
use organization_columns;

/// Reads [`organization_columns`].
fn read_organization(row: &mut Row) -> Result<Organization, Fault> {
    Ok(Organization {
        id: row.take()?,
        slug: row.take()?,
        name: row.take()?,
        state: row.take()?,
        created_at: row.take()?,
    })
}

impl Stored for State {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

fn key(selector: &Selector) -> Value<'_> {
    match selector {
        Selector::Id(id) => Value::from(*id),
        Selector::Slug(slug) => Value::from(slug.as_str()),
    }
}

/// What an account is in an organization, in one statement, so that all of it is of one moment.
macro_rules! membership_by {
    ($column:literal) => {
        concat!(
            "WITH RECURSIVE held (name) AS (
                SELECT organization_roles.role FROM organization_roles
                    JOIN organizations ON organizations.id = organization_roles.organization_id
                    WHERE organization_roles.account_id = $1 AND organizations.",
            $column,
            " = $2
                UNION SELECT role_parents.parent FROM role_parents JOIN held ON role_parents.role = held.name)
             SELECT ",
            organization_columns!(),
            ", (SELECT string_agg(name, '\n') FROM held),
             (SELECT string_agg(permission, '\n') FROM (SELECT DISTINCT permission FROM role_permissions
                WHERE role IN (SELECT name FROM held)) AS allowed)
             FROM organizations
             JOIN organization_members ON organization_members.organization_id = organizations.id
             WHERE organization_members.account_id = $1 AND organizations.",
            $column,
            " = $2"
        )
    };
}

#[async_trait]
impl Store for Database {
    async fn create_organization(&self, new: NewOrganization, by: Context) -> Result<Created, Fault> {
        self.write((new, by), |tx, (new, by)| Box::pin(record::create(tx, new, by)))
            .await
    }

    async fn organization(&self, selector: Selector) -> Result<Option<Organization>, Fault> {
        let sql = match selector {
            Selector::Id(_) => concat!(
                "SELECT ",
                organization_columns!(),
                " FROM organizations WHERE id = $1"
            ),
            Selector::Slug(_) => {
                concat!(
                    "SELECT ",
                    organization_columns!(),
                    " FROM organizations WHERE slug = $1"
                )
            }
        };
        let row = self.read(sql, &[key(&selector)]).await?.into_iter().next();
        row.map(|mut row| read_organization(&mut row)).transpose()
    }

    async fn organizations(&self, after: Option<Id>, limit: u32) -> Result<Vec<Organization>, Fault> {
        let sql = concat!(
            "SELECT ",
            organization_columns!(),
            " FROM organizations WHERE id > $1 ORDER BY id LIMIT $2"
        );
        let after = after.map_or(Uuid::nil(), Id::as_uuid);
        let rows = self.read(sql, params![after, limit]).await?;
        rows.into_iter()
            .map(|mut row| read_organization(&mut row))
            .collect()
    }

    async fn organizations_of(&self, account: account::Id) -> Result<Vec<Belonging>, Fault> {
        let sql = concat!(
            "SELECT ",
            organization_columns!(),
            ", (SELECT string_agg(role, '\n') FROM organization_roles
                WHERE organization_id = organizations.id AND account_id = $1)
             FROM organizations
             JOIN organization_members ON organization_members.organization_id = organizations.id
             WHERE organization_members.account_id = $1"
        );
        let rows = self.read(sql, params![account]).await?;
        let mut all: Vec<_> = rows.into_iter().map(belonging).collect::<Result<_, Fault>>()?;
        // Sorted here: PostgreSQL sorts by its locale.
        all.sort_by(|a, b| a.organization.slug.cmp(&b.organization.slug));
        Ok(all)
    }

    async fn membership(
        &self,
        account: account::Id,
        selector: Selector,
    ) -> Result<Option<MembershipFacts>, Fault> {
        let sql = match selector {
            Selector::Id(_) => membership_by!("id"),
            Selector::Slug(_) => membership_by!("slug"),
        };
        let row = self.read(sql, &[Value::from(account), key(&selector)]).await?;
        let facts = |mut row: Row| {
            Ok(MembershipFacts {
                organization: read_organization(&mut row)?,
                roles: names(&mut row)?,
                permissions: names(&mut row)?,
            })
        };
        row.into_iter().next().map(facts).transpose()
    }

    async fn members(
        &self,
        organization: Id,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, Fault> {
        let after = after.map_or(Uuid::nil(), account::Id::as_uuid);
        let rows = self.read(MEMBERS, params![organization, after, limit]).await?;
        let member = |mut row: Row| {
            Ok(MemberRecord {
                account: row.take()?,
                email: row.take()?,
                username: row.take()?,
                joined_at: row.take()?,
                roles: names(&mut row)?,
            })
        };
        rows.into_iter().map(member).collect()
    }

    async fn rename_organization(&self, id: Id, renaming: Renaming, by: Context) -> Result<Change, Fault> {
        self.write((id, renaming, by), |tx, (id, renaming, by)| {
            Box::pin(record::rename(tx, *id, renaming, by))
        })
        .await
    }

    async fn set_organization_state(&self, id: Id, state: State, by: Context) -> Result<Change, Fault> {
        self.write((id, state, by), |tx, (id, state, by)| {
            Box::pin(record::set_state(tx, *id, *state, by))
        })
        .await
    }

    async fn appoint_member(
        &self,
        id: Id,
        account: account::Id,
        roles: Vec<String>,
        by: Context,
    ) -> Result<Change, Fault> {
        self.write((id, account, roles, by), |tx, (id, account, roles, by)| {
            Box::pin(appointment::appoint(tx, (*id, *account), roles, by))
        })
        .await
    }

    async fn dismiss_member(&self, id: Id, account: account::Id, by: Context) -> Result<Change, Fault> {
        self.write((id, account, by), |tx, (id, account, by)| {
            Box::pin(appointment::dismiss(tx, (*id, *account), by))
        })
        .await
    }

    async fn add_member(
        &self,
        id: Id,
        account: account::Id,
        roles: Vec<String>,
        by: Context,
    ) -> Result<Change, Fault> {
        self.write((id, account, roles, by), |tx, (id, account, roles, by)| {
            Box::pin(member::add(tx, *id, *account, roles, by))
        })
        .await
    }

    async fn set_member_roles(
        &self,
        id: Id,
        account: account::Id,
        roles: Vec<String>,
        by: Context,
    ) -> Result<Change, Fault> {
        self.write((id, account, roles, by), |tx, (id, account, roles, by)| {
            Box::pin(member::set_roles(tx, *id, *account, roles, by))
        })
        .await
    }

    async fn remove_member(&self, id: Id, account: account::Id, by: Context) -> Result<Change, Fault> {
        self.write((id, account, by), |tx, (id, account, by)| {
            Box::pin(member::remove(tx, *id, *account, by))
        })
        .await
    }

    async fn leave_organization(&self, id: Id, account: account::Id, by: Context) -> Result<Change, Fault> {
        self.write((id, account, by), |tx, (id, account, by)| {
            Box::pin(member::leave(tx, *id, *account, by))
        })
        .await
    }

    async fn transfer_ownership(
        &self,
        id: Id,
        from: account::Id,
        to: account::Id,
        by: Context,
    ) -> Result<Change, Fault> {
        self.write((id, from, to, by), |tx, (id, from, to, by)| {
            Box::pin(member::transfer(tx, *id, *from, *to, by))
        })
        .await
    }

    async fn invite(&self, new: NewInvitation, by: Context) -> Result<Change, Fault> {
        self.write((new, by), |tx, (new, by)| {
            Box::pin(invitation::invite(tx, new, by))
        })
        .await
    }

    async fn invitations(&self, id: Id, now: Timestamp) -> Result<Vec<Invitation>, Fault> {
        let rows = self.read(invitation::LIST, params![id, now]).await?;
        rows.into_iter().map(invitation::read).collect()
    }

    async fn revoke_invitation(
        &self,
        id: Id,
        invitation: InvitationId,
        by: Context,
    ) -> Result<Change, Fault> {
        self.write((id, invitation, by), |tx, (id, invitation, by)| {
            Box::pin(invitation::revoke(tx, *id, *invitation, by))
        })
        .await
    }

    async fn accept_invitation(
        &self,
        token: Digest<InvitationKind>,
        account: account::Id,
        by: Context,
    ) -> Result<Accepted, Fault> {
        self.write((token, account, by), |tx, (token, account, by)| {
            Box::pin(invitation::accept(tx, token, *account, by))
        })
        .await
    }
}

const MEMBERS: &str = concat!(
    "SELECT organization_members.account_id, ",
    email_column!(),
    ", accounts.username, organization_members.joined_at,
    (SELECT string_agg(role, '\n') FROM organization_roles
        WHERE organization_roles.organization_id = organization_members.organization_id
        AND organization_roles.account_id = organization_members.account_id)
    FROM organization_members JOIN accounts ON accounts.id = organization_members.account_id
    WHERE organization_members.organization_id = $1 AND organization_members.account_id > $2
    ORDER BY organization_members.account_id LIMIT $3"
);

fn belonging(mut row: Row) -> Result<Belonging, Fault> {
    Ok(Belonging {
        organization: read_organization(&mut row)?,
        roles: names(&mut row)?,
    })
}

async fn count(tx: &mut Tx<'_>, sql: &'static str, params: &[Value<'_>]) -> Result<i64, Fault> {
    tx.query_one(sql, params).await?.ok_or_else(no_row)?.take()
}

fn no_row() -> Fault {
    Fault::Corrupt("an answer has no row".into())
}

/// Writes what happened to a member, and tells every node.
fn changed(tx: &mut Tx<'_>, action: Action, (id, account): (Id, account::Id), more: &str, by: &Context) {
    defends!("T069");
    let detail = format!("{id} {more}");
    tx.record(by, Entry::of(action).account(account).detail(detail.trim_end()));
    tx.invalidate(Invalidation::Organization(id), by.at);
}
