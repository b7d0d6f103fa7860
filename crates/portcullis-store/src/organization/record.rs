//! Organizations themselves: created, renamed, suspended.

use std::collections::BTreeSet;

use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::{
    Id, NewOrganization, OWNER, Organization, OrganizationName, OrganizationState, OrganizationsError,
    Renaming, Slug,
};

use super::Outcome;
use super::{count, invitation, member, no_row, organization_columns, read_organization};
use crate::access::lock_roles;
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn create_organization(
    tx: &mut Tx<'_>,
    new: &NewOrganization,
    by: &Context,
) -> Result<Result<Organization, OrganizationsError>, Fault> {
    lock_roles(tx).await?;
    let [one, other] = tx.acting();
    let known = "SELECT 1 FROM portcullis_accounts WHERE id = $1 AND kind = 'person' AND state IN ($2, $3)";
    if tx
        .query_one(known, params![new.owner, one, other])
        .await?
        .is_none()
    {
        return Ok(Err(OrganizationsError::UnknownAccount));
    }
    if let Some(limit) = new.limit
        && member::owned(tx, new.owner).await? >= i64::from(limit)
    {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    if slug_owner(tx, &new.slug).await?.is_some() {
        return Ok(Err(OrganizationsError::SlugTaken));
    }
    let sql = concat!(
        "INSERT INTO portcullis_organizations (id, slug, name, state, created_at)
            VALUES ($1, $2, $3, 'active', $4) RETURNING ",
        organization_columns!()
    );
    let row = params![new.id, new.slug.as_str(), new.name.as_str(), new.at];
    let mut row = tx.query_one(sql, row).await?.ok_or_else(no_row)?;
    let organization = read_organization(&mut row)?;
    keep_slug(tx, new.id, &new.slug).await?;
    let owner = BTreeSet::from([OWNER.to_owned()]);
    let why = (Action::OrganizationCreated, new.slug.as_str());
    let put = member::put(tx, (new.id, new.owner), &owner, why, by).await?;
    Ok(put.map(|_| organization))
}

pub(super) async fn rename_organization(
    tx: &mut Tx<'_>,
    id: Id,
    renaming: &Renaming,
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let sql = concat!(
        "SELECT ",
        organization_columns!(),
        " FROM portcullis_organizations WHERE id = $1"
    );
    let Some(mut row) = tx.query_one(sql, params![id]).await? else {
        return Ok(Err(OrganizationsError::UnknownOrganization));
    };
    let present = read_organization(&mut row)?;
    let name = renaming.name.as_ref().map(OrganizationName::as_str);
    let slug = renaming.slug.as_ref().map(Slug::as_str);
    if name.is_none_or(|name| name == present.name) && slug.is_none_or(|slug| slug == present.slug) {
        return Ok(Ok(Effect::Unchanged));
    }
    if let Some(slug) = &renaming.slug {
        match slug_owner(tx, slug).await? {
            Some(owner) if owner == id => {}
            Some(_) => return Ok(Err(OrganizationsError::SlugTaken)),
            None => {
                let had = "SELECT count(*) FROM portcullis_organization_slugs WHERE organization_id = $1";
                if count(tx, had, params![id]).await? >= i64::from(MOST_SLUGS) {
                    return Ok(Err(OrganizationsError::TooManySlugs(MOST_SLUGS)));
                }
                keep_slug(tx, id, slug).await?;
            }
        }
    }
    let sql = "UPDATE portcullis_organizations SET name = coalesce($2, name), slug = coalesce($3, slug) WHERE id = $1";
    tx.execute(sql, params![id, name, slug]).await?;
    let detail = format!("{id} {}", slug.unwrap_or(&present.slug));
    tx.record(by, Entry::of(Action::OrganizationRenamed).detail(detail));
    tx.invalidate(Invalidation::Organization(id), by.at);
    Ok(Ok(Effect::Changed))
}

/// The organization that has or had the slug.
async fn slug_owner(tx: &mut Tx<'_>, slug: &Slug) -> Result<Option<Id>, Fault> {
    defends!("T074");
    let sql = "SELECT organization_id FROM portcullis_organization_slugs WHERE slug = $1";
    let row = tx.query_one(sql, params![slug.as_str()]).await?;
    row.map(|mut row| row.take()).transpose()
}

async fn keep_slug(tx: &mut Tx<'_>, id: Id, slug: &Slug) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_organization_slugs (slug, organization_id) VALUES ($1, $2)";
    tx.execute(sql, params![slug.as_str(), id]).await.map(drop)
}

pub(super) async fn set_organization_state(
    tx: &mut Tx<'_>,
    id: Id,
    state: OrganizationState,
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let sql = "UPDATE portcullis_organizations SET state = $2 WHERE id = $1 AND state <> $2";
    if tx.execute(sql, params![id, state.as_str()]).await? == 0 {
        let known = "SELECT 1 FROM portcullis_organizations WHERE id = $1";
        return Ok(match tx.query_one(known, params![id]).await? {
            Some(_) => Ok(Effect::Unchanged),
            None => Err(OrganizationsError::UnknownOrganization),
        });
    }
    let entry = Entry::of(Action::OrganizationStateSet);
    tx.record(by, entry.detail(format!("{id} {}", state.as_str())));
    if state == OrganizationState::Suspended {
        invitation::revoke_all(tx, id, by).await?;
    }
    tx.invalidate(Invalidation::Organization(id), by.at);
    Ok(Ok(Effect::Changed))
}

/// How many slugs an organization may have had.
const MOST_SLUGS: u32 = 10;
