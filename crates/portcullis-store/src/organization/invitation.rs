//! Invitations: written, listed, revoked, and accepted once.

use portcullis_core::account;
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::authz::{Authority, InAnOrganization};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::job::Withheld;
use portcullis_core::organization::{
    Belonging, Id, Invitation, InvitationId, InvitationKind, NewInvitation, OrganizationsError,
};
use portcullis_core::secret::Digest;

use super::Outcome;
use super::{belonging, count, member, no_row, organization_columns};
use crate::access::{all_bring, lock_roles, of_actor_in, of_member};
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::{Row, names, params};
use crate::{budget, job};

/// What [`read`] reads, of all that are open.
pub(super) const LIST: &str = "SELECT id, email, invited_by, created_at, expires_at,
    (SELECT string_agg(role, '\n') FROM portcullis_organization_invitation_roles
    WHERE invitation_id = portcullis_organization_invitations.id)
    FROM portcullis_organization_invitations WHERE organization_id = $1 AND expires_at > $2 ORDER BY id";

pub(super) fn read(mut row: Row) -> Result<Invitation, Fault> {
    Ok(Invitation {
        id: row.take()?,
        email: row.take()?,
        invited_by: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        roles: names(&mut row)?,
    })
}

pub(super) async fn invite(tx: &mut Tx<'_>, new: &NewInvitation, by: &Context) -> Outcome {
    defends!("T071");
    lock_roles(tx).await?;
    let id = new.organization;
    let known = "SELECT 1 FROM portcullis_organizations WHERE id = $1 AND state = 'active'";
    if tx.query_one(known, params![id]).await?.is_none() {
        return Ok(Err(OrganizationsError::UnknownOrganization));
    }
    let who = of_actor_in(tx, id, by).await?;
    // Before anything is told about roles and members.
    if !who.may_manage() {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    let Some(roles) = all_bring(tx, &new.roles).await? else {
        return Ok(Err(OrganizationsError::UnknownRole));
    };
    if !roles.iter().all(|role| who.may_give(role)) {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    if !has_proven_address(tx, by).await? {
        return Ok(Err(OrganizationsError::AddressNotProven));
    }
    if is_member(tx, id, new.email.normalised()).await? {
        return Ok(Err(OrganizationsError::AlreadyMember));
    }
    if !make_room(tx, new, &who, by).await? {
        tx.undo();
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    let open = "SELECT count(*) FROM portcullis_organization_invitations WHERE organization_id = $1";
    if count(tx, open, params![id]).await? >= i64::from(new.limit) {
        tx.undo();
        return Ok(Err(OrganizationsError::TooManyInvitations(new.limit)));
    }
    if let Some(wait) = budget::spend(tx, &new.budgets, by.at).await? {
        tx.undo();
        return Ok(Err(OrganizationsError::TooSoon(wait)));
    }
    if let Some(email) = &new.mail
        && let Err(Withheld(wait)) = job::enqueue(tx, email, by).await?
    {
        tx.undo();
        return Ok(Err(OrganizationsError::TooSoon(wait)));
    }
    insert(tx, new, by).await?;
    Ok(Ok(Effect::Changed))
}

/// Whether whoever acts can be told who they are by an address: e-mails in their name go to strangers.
async fn has_proven_address(tx: &mut Tx<'_>, by: &Context) -> Result<bool, Fault> {
    let Actor::Account(account) = by.actor else {
        return Ok(true);
    };
    let sql = "SELECT 1 FROM portcullis_accounts WHERE id = $1 AND email_verified_at IS NOT NULL";
    Ok(tx.query_one(sql, params![account]).await?.is_some())
}

/// Whether somebody who has proven this address is a member.
async fn is_member(tx: &mut Tx<'_>, id: Id, email: &str) -> Result<bool, Fault> {
    let sql =
        "SELECT 1 FROM portcullis_organization_members
            JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_organization_members.account_id
        WHERE portcullis_organization_members.organization_id = $1 AND portcullis_accounts.email_normalised = $2
        AND portcullis_accounts.email_verified_at IS NOT NULL";
    Ok(tx.query_one(sql, params![id, email]).await?.is_some())
}

/// Deletes what has expired and what is replaced; answers `false` if that isn't theirs to replace.
async fn make_room(
    tx: &mut Tx<'_>,
    new: &NewInvitation,
    who: &Authority<InAnOrganization>,
    by: &Context,
) -> Result<bool, Fault> {
    let sql =
        "DELETE FROM portcullis_organization_invitations WHERE organization_id = $1 AND expires_at <= $2";
    tx.execute(sql, params![new.organization, by.at]).await?;
    let sql = "SELECT id FROM portcullis_organization_invitations WHERE organization_id = $1 AND email_normalised = $2";
    let former = params![new.organization, new.email.normalised()];
    match tx.query_one(sql, former).await? {
        Some(mut row) => {
            let replaced = row.take()?;
            let theirs = delete(tx, new.organization, replaced, who).await?;
            if theirs {
                revoked(tx, new.organization, replaced, by);
            }
            Ok(theirs)
        }
        None => Ok(true),
    }
}

/// Deletes an invitation, if whoever acts could have written it.
async fn delete(
    tx: &mut Tx<'_>,
    id: Id,
    invitation: InvitationId,
    who: &Authority<InAnOrganization>,
) -> Result<bool, Fault> {
    let roles = roles_of(tx, invitation).await?;
    let facts = all_bring(tx, &roles).await?.unwrap_or_default();
    if !who.may_manage() || !facts.iter().all(|role| who.may_take(role)) {
        return Ok(false);
    }
    let sql = "DELETE FROM portcullis_organization_invitations WHERE organization_id = $1 AND id = $2";
    tx.execute(sql, params![id, invitation]).await?;
    Ok(true)
}

async fn roles_of(tx: &mut Tx<'_>, invitation: InvitationId) -> Result<Vec<String>, Fault> {
    let sql = "SELECT string_agg(role, '\n') FROM portcullis_organization_invitation_roles WHERE invitation_id = $1";
    names(&mut tx.query_one(sql, params![invitation]).await?.ok_or_else(no_row)?)
}

async fn insert(tx: &mut Tx<'_>, new: &NewInvitation, by: &Context) -> Result<(), Fault> {
    let invited_by = match by.actor {
        Actor::Account(account) => Some(account),
        _ => None,
    };
    let sql = "INSERT INTO portcullis_organization_invitations
        (id, digest, organization_id, email, email_normalised, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let row = params![
        new.id,
        &new.digest,
        new.organization,
        new.email.as_str(),
        new.email.normalised(),
        invited_by,
        by.at,
        new.expires_at,
    ];
    tx.execute(sql, row).await?;
    let sql = "INSERT INTO portcullis_organization_invitation_roles (invitation_id, role) VALUES ($1, $2)";
    for role in &new.roles {
        tx.execute(sql, params![new.id, role]).await?;
    }
    let detail = format!("{} {} {}", new.organization, new.id, new.roles.join(" "));
    tx.record(by, Entry::of(Action::MemberInvited).detail(detail.trim_end()));
    Ok(())
}

pub(super) async fn revoke_invitation(
    tx: &mut Tx<'_>,
    id: Id,
    invitation: InvitationId,
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let open = "SELECT 1 FROM portcullis_organization_invitations
        WHERE organization_id = $1 AND id = $2 AND expires_at > $3";
    if tx
        .query_one(open, params![id, invitation, by.at])
        .await?
        .is_none()
    {
        return Ok(Err(OrganizationsError::UnknownInvitation));
    }
    let who = of_actor_in(tx, id, by).await?;
    if !delete(tx, id, invitation, &who).await? {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    revoked(tx, id, invitation, by);
    Ok(Ok(Effect::Changed))
}

fn revoked(tx: &mut Tx<'_>, id: Id, invitation: InvitationId, by: &Context) {
    let entry = Entry::of(Action::InvitationRevoked);
    tx.record(by, entry.detail(format!("{id} {invitation}")));
}

/// Revokes every open invitation of an organization.
pub(super) async fn revoke_all(tx: &mut Tx<'_>, id: Id, by: &Context) -> Result<(), Fault> {
    let sql =
        "DELETE FROM portcullis_organization_invitations WHERE organization_id = $1 RETURNING id, expires_at";
    let mut open = Vec::new();
    for mut row in tx.query(sql, params![id]).await? {
        let (invitation, end): (InvitationId, Timestamp) = (row.take()?, row.take()?);
        if end > by.at {
            open.push(invitation);
        }
    }
    open.sort_unstable();
    for invitation in open {
        revoked(tx, id, invitation, by);
    }
    Ok(())
}

pub(super) async fn accept_invitation(
    tx: &mut Tx<'_>,
    token: Digest<InvitationKind>,
    account: account::Id,
    by: &Context,
) -> Result<Result<Belonging, OrganizationsError>, Fault> {
    defends!("T070");
    lock_roles(tx).await?;
    let sql = "SELECT portcullis_organization_invitations.id, organization_id, email_normalised, invited_by
        FROM portcullis_organization_invitations
        JOIN portcullis_organizations ON portcullis_organizations.id = portcullis_organization_invitations.organization_id
        WHERE digest = $1 AND expires_at > $2 AND portcullis_organizations.state = 'active'";
    let Some(mut row) = tx.query_one(sql, params![&token, by.at]).await? else {
        return Ok(Err(OrganizationsError::InvalidInvitation));
    };
    let (invitation, id): (InvitationId, Id) = (row.take()?, row.take()?);
    let (email, invited_by): (String, Option<account::Id>) = (row.take()?, row.take()?);
    if !owns_address(tx, account, &email).await? {
        return Ok(Err(OrganizationsError::AnotherAddress));
    }
    // Whoever wrote it may have lost since what it gives.
    let writer = match invited_by {
        Some(writer) => of_member(tx, id, writer).await?,
        None => Authority::OPERATOR,
    };
    let roles = roles_of(tx, invitation).await?;
    let facts = all_bring(tx, &roles).await?.unwrap_or_default();
    if !writer.may_manage() || !facts.iter().all(|role| writer.may_give(role)) {
        return Ok(Err(OrganizationsError::InvalidInvitation));
    }
    if member::owns_too_many(tx, account, &roles, by).await? {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    let used = "DELETE FROM portcullis_organization_invitations WHERE id = $1";
    tx.execute(used, params![invitation]).await?;
    let mut all = member::roles_of(tx, id, account).await?.unwrap_or_default();
    all.extend(roles.iter().cloned());
    let why = (
        Action::MemberJoined,
        &*format!("{invitation} {}", roles.join(" ")),
    );
    if let Err(refused) = member::put(tx, (id, account), &all, why, by).await? {
        return Ok(Err(refused));
    }
    let sql = concat!(
        "SELECT ",
        organization_columns!(),
        ", (SELECT string_agg(role, '\n') FROM portcullis_organization_roles WHERE organization_id = $1 AND account_id = $2)
         FROM portcullis_organizations WHERE id = $1"
    );
    let row = tx
        .query_one(sql, params![id, account])
        .await?
        .ok_or_else(no_row)?;
    Ok(Ok(belonging(row)?))
}

/// Whether the account may act and has proven that it owns the address.
async fn owns_address(tx: &mut Tx<'_>, account: account::Id, email: &str) -> Result<bool, Fault> {
    let sql =
        "SELECT 1 FROM portcullis_accounts WHERE id = $1 AND email_normalised = $2 AND email_verified_at IS NOT NULL
        AND state = 'active'";
    Ok(tx.query_one(sql, params![account, email]).await?.is_some())
}
