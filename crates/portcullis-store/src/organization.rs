//! Organizations, their members and invitations.
//!
//! Every verb that changes one takes the lock of the roles first: who may give what is checked on a graph that stands
//! still, two owners never leave at once, and a slug is given once. Each statement about a tenant's rows names the
//! organization.

mod appointment;
mod invitation;
mod member;
mod record;

use portcullis_core::account;
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::{
    Belonging, Id, Invitation, InvitationId, InvitationKind, MemberRecord, MembershipFacts, NewInvitation,
    NewOrganization, Organization, OrganizationState, OrganizationsError, Renaming, Selector, Store,
};
use portcullis_core::secret::Digest;
use uuid::Uuid;

use self::appointment::{appoint_member, dismiss_member};
use self::invitation::{accept_invitation, invite, revoke_invitation};
pub(crate) use self::member::record_ownerless;
use self::member::{add_member, leave_organization, remove_member, set_member_roles, transfer_ownership};
use self::record::{create_organization, rename_organization, set_organization_state};
use crate::Database;
use crate::access::{inherited, roles_and_permissions_of};
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::row::email_column;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, names, params};

/// The columns [`read_organization`] reads.
macro_rules! organization_columns {
    () => {
        "portcullis_organizations.id, portcullis_organizations.slug, portcullis_organizations.name,
            portcullis_organizations.state, portcullis_organizations.created_at"
    };
}
use organization_columns;

/// The organization in a row of [`organization_columns`].
fn read_organization(row: &mut Row) -> Result<Organization, Fault> {
    Ok(Organization {
        id: row.take()?,
        slug: row.take()?,
        name: row.take()?,
        state: row.take()?,
        created_at: row.take()?,
    })
}

impl Stored for OrganizationState {
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
            "SELECT ",
            organization_columns!(),
            ", ",
            roles_and_permissions_of!(inherited!("portcullis_organization_roles" where
                "portcullis_organization_roles.account_id = $1
                    AND portcullis_organization_roles.organization_id = portcullis_organizations.id")),
            " FROM portcullis_organizations
             JOIN portcullis_organization_members
             ON portcullis_organization_members.organization_id = portcullis_organizations.id
             WHERE portcullis_organization_members.account_id = $1 AND portcullis_organizations.",
            $column,
            " = $2"
        )
    };
}

portcullis_core::organization_port!();

/// What came of a change: a refusal wrote nothing.
type Outcome = Result<Result<Effect, OrganizationsError>, Fault>;

async fn organization(on: &Database, selector: Selector) -> Result<Option<Organization>, Fault> {
    let sql = match selector {
        Selector::Id(_) => concat!(
            "SELECT ",
            organization_columns!(),
            " FROM portcullis_organizations WHERE id = $1"
        ),
        Selector::Slug(_) => {
            concat!(
                "SELECT ",
                organization_columns!(),
                " FROM portcullis_organizations WHERE slug = $1"
            )
        }
    };
    let row = on.read(sql, &[key(&selector)]).await?.into_iter().next();
    row.map(|mut row| read_organization(&mut row)).transpose()
}

async fn organizations(on: &Database, after: Option<Id>, limit: u32) -> Result<Vec<Organization>, Fault> {
    let sql = concat!(
        "SELECT ",
        organization_columns!(),
        " FROM portcullis_organizations WHERE id > $1 ORDER BY id LIMIT $2"
    );
    let after = after.map_or(Uuid::nil(), Id::as_uuid);
    let rows = on.read(sql, params![after, limit]).await?;
    rows.into_iter()
        .map(|mut row| read_organization(&mut row))
        .collect()
}

async fn organizations_of(on: &Database, account: account::Id) -> Result<Vec<Belonging>, Fault> {
    let sql = concat!(
        "SELECT ",
        organization_columns!(),
        ", (SELECT string_agg(role, '\n') FROM portcullis_organization_roles
            WHERE organization_id = portcullis_organizations.id AND account_id = $1)
         FROM portcullis_organizations
         JOIN portcullis_organization_members
         ON portcullis_organization_members.organization_id = portcullis_organizations.id
         WHERE portcullis_organization_members.account_id = $1"
    );
    let rows = on.read(sql, params![account]).await?;
    let mut all: Vec<_> = rows.into_iter().map(belonging).collect::<Result<_, Fault>>()?;
    // Sorted here: PostgreSQL sorts by its locale.
    all.sort_by(|a, b| a.organization.slug.cmp(&b.organization.slug));
    Ok(all)
}

async fn membership(
    on: &Database,
    account: account::Id,
    selector: Selector,
) -> Result<Option<MembershipFacts>, Fault> {
    let sql = match selector {
        Selector::Id(_) => membership_by!("id"),
        Selector::Slug(_) => membership_by!("slug"),
    };
    let row = on.read(sql, &[Value::from(account), key(&selector)]).await?;
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
    on: &Database,
    organization: Id,
    after: Option<account::Id>,
    limit: u32,
) -> Result<Vec<MemberRecord>, Fault> {
    let after = after.map_or(Uuid::nil(), account::Id::as_uuid);
    let rows = on.read(MEMBERS, params![organization, after, limit]).await?;
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

async fn invitations(on: &Database, id: Id, now: Timestamp) -> Result<Vec<Invitation>, Fault> {
    let rows = on.read(invitation::LIST, params![id, now]).await?;
    rows.into_iter().map(invitation::read).collect()
}

const MEMBERS: &str = concat!(
    "SELECT portcullis_organization_members.account_id, ",
    email_column!(),
    ", portcullis_accounts.username, portcullis_organization_members.joined_at,
    (SELECT string_agg(role, '\n') FROM portcullis_organization_roles
        WHERE portcullis_organization_roles.organization_id = portcullis_organization_members.organization_id
        AND portcullis_organization_roles.account_id = portcullis_organization_members.account_id)
    FROM portcullis_organization_members JOIN portcullis_accounts
    ON portcullis_accounts.id = portcullis_organization_members.account_id
    WHERE portcullis_organization_members.organization_id = $1 AND portcullis_organization_members.account_id > $2
    ORDER BY portcullis_organization_members.account_id LIMIT $3"
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
