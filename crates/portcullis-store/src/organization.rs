//! Organizations, their members and invitations.
//!
//! Every verb that changes one takes the lock of the roles first: who may give what is judged on a graph that stands
//! still, two owners never leave at once, and a slug is given once. Each statement about a tenant's rows names the
//! organization.

mod authority;
mod invitation;
mod member;

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::{
    Accepted, Belonging, Change, Created, Id, Invitation, InvitationId, InvitationKind, MemberRecord,
    MembershipFacts, Name, NewInvitation, NewOrganization, OWNER, Organization, Renaming, Selector, Slug,
    State, Store,
};
use portcullis_core::secret::Digest;
use uuid::Uuid;

use crate::Database;
use crate::access::{lock_roles, names};
use crate::audit::Entry;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, params};

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
        self.write((new, by), |tx, (new, by)| Box::pin(create(tx, new, by)))
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
            Box::pin(rename(tx, *id, renaming, by))
        })
        .await
    }

    async fn set_organization_state(&self, id: Id, state: State, by: Context) -> Result<Change, Fault> {
        self.write((id, state, by), |tx, (id, state, by)| {
            Box::pin(set_state(tx, *id, *state, by))
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

const MEMBERS: &str = "SELECT organization_members.account_id, accounts.email, accounts.username,
    organization_members.joined_at,
    (SELECT string_agg(role, '\n') FROM organization_roles
        WHERE organization_roles.organization_id = organization_members.organization_id
        AND organization_roles.account_id = organization_members.account_id)
    FROM organization_members JOIN accounts ON accounts.id = organization_members.account_id
    WHERE organization_members.organization_id = $1 AND organization_members.account_id > $2
    ORDER BY organization_members.account_id LIMIT $3";

fn belonging(mut row: Row) -> Result<Belonging, Fault> {
    Ok(Belonging {
        organization: read_organization(&mut row)?,
        roles: names(&mut row)?,
    })
}

async fn create(tx: &mut Tx<'_>, new: &NewOrganization, by: &Context) -> Result<Created, Fault> {
    lock_roles(tx).await?;
    let known = "SELECT 1 FROM accounts WHERE id = $1";
    if tx.query_one(known, params![new.owner]).await?.is_none() {
        return Ok(Created::UnknownAccount);
    }
    if let Some(limit) = new.limit {
        let owned = "SELECT count(*) FROM organization_roles WHERE account_id = $1 AND role = $2";
        if count(tx, owned, params![new.owner, OWNER]).await? >= i64::from(limit) {
            return Ok(Created::TooMany);
        }
    }
    if slug_owner(tx, &new.slug).await?.is_some() {
        return Ok(Created::Taken);
    }
    let sql = concat!(
        "INSERT INTO organizations (id, slug, name, state, created_at) VALUES ($1, $2, $3, 'active', $4) RETURNING ",
        organization_columns!()
    );
    let row = params![new.id, new.slug.as_str(), new.name.as_str(), new.at];
    let mut row = tx.query_one(sql, row).await?.ok_or_else(no_row)?;
    let organization = read_organization(&mut row)?;
    keep_slug(tx, new.id, &new.slug).await?;
    member::insert(tx, new.id, new.owner, &[OWNER.to_owned()], new.at).await?;
    let entry = Entry::of(Action::OrganizationCreated).account(new.owner);
    tx.record(by, entry.detail(format!("{} {}", new.id, new.slug.as_str())));
    tx.invalidate(Invalidation::Organization(new.id), by.at);
    Ok(Created::Created(organization))
}

async fn rename(tx: &mut Tx<'_>, id: Id, renaming: &Renaming, by: &Context) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    let sql = concat!(
        "SELECT ",
        organization_columns!(),
        " FROM organizations WHERE id = $1"
    );
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(Change::UnknownOrganization);
    };
    let present = read_organization(&mut row)?;
    let name = renaming.name.as_ref().map(Name::as_str);
    let slug = renaming.slug.as_ref().map(Slug::as_str);
    if name.is_none_or(|name| name == present.name) && slug.is_none_or(|slug| slug == present.slug) {
        return Ok(Change::Unchanged);
    }
    if let Some(slug) = &renaming.slug {
        match slug_owner(tx, slug).await? {
            Some(owner) if owner == id => {}
            Some(_) => return Ok(Change::Taken),
            None => {
                let had = "SELECT count(*) FROM organization_slugs WHERE organization_id = $1";
                if count(tx, had, params![id]).await? >= MOST_SLUGS {
                    return Ok(Change::TooMany);
                }
                keep_slug(tx, id, slug).await?;
            }
        }
    }
    let sql = "UPDATE organizations SET name = coalesce($2, name), slug = coalesce($3, slug) WHERE id = $1";
    tx.execute(sql, params![id, name, slug]).await?;
    let detail = format!("{id} {}", slug.unwrap_or(&present.slug));
    tx.record(by, Entry::of(Action::OrganizationRenamed).detail(detail));
    tx.invalidate(Invalidation::Organization(id), by.at);
    Ok(Change::Done)
}

/// The organization that has or had the slug.
async fn slug_owner(tx: &mut Tx<'_>, slug: &Slug) -> Result<Option<Id>, Fault> {
    defends!("T074");
    let sql = "SELECT organization_id FROM organization_slugs WHERE slug = $1";
    let row = tx.query_one(sql, params![slug.as_str()]).await?;
    row.map(|mut row| row.take()).transpose()
}

async fn keep_slug(tx: &mut Tx<'_>, id: Id, slug: &Slug) -> Result<(), Fault> {
    let sql = "INSERT INTO organization_slugs (slug, organization_id) VALUES ($1, $2)";
    tx.execute(sql, params![slug.as_str(), id]).await.map(drop)
}

async fn set_state(tx: &mut Tx<'_>, id: Id, state: State, by: &Context) -> Result<Change, Fault> {
    let sql = "UPDATE organizations SET state = $2 WHERE id = $1 AND state <> $2";
    if tx.execute(sql, params![id, state.as_str()]).await? == 0 {
        let known = "SELECT 1 FROM organizations WHERE id = $1";
        return Ok(match tx.query_one(known, params![id]).await? {
            Some(_) => Change::Unchanged,
            None => Change::UnknownOrganization,
        });
    }
    let entry = Entry::of(Action::OrganizationStateSet);
    tx.record(by, entry.detail(format!("{id} {}", state.as_str())));
    tx.invalidate(Invalidation::Organization(id), by.at);
    Ok(Change::Done)
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

/// How many slugs an organization may have had.
const MOST_SLUGS: i64 = 10;
