//! The members of any organization, as administrators see and change them.
//!
//! To set what somebody is gives, and asks for a person who just logged in; only an administrator makes members
//! and gives roles. To remove somebody takes the permission alone, so that a program can do it. The list shows addresses, so that it asks for
//! the permission to see accounts too.

use axum::extract::State;
use portcullis_core::authz::OrganizationsWrite;
use portcullis_core::organization::{MayAppoint, MaySeeMembers};

use super::selector;
use crate::composition::Portcullis;
use crate::organization::members::{Roles, member};
use crate::organization::view::MemberView;
use crate::page::{Items, Page};
use crate::{Allow, Api, AuditContext, Json, NoContent, Path, Personal, Problem, Query, Via};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/organizations/{organization}/members", list)
        .summary("Members of an organization, by account id")
        .operation_id("listOrganizationMembers")
        .description("A page of the members with their addresses and roles.")
        .put("/organizations/{organization}/members/{account}", appoint)
        .summary("Make an account a member with these roles, or set a member's roles")
        .operation_id("setOrganizationMember")
        .description(
            "All roles that the member is to have, also while the organization is suspended. Only an administrator \
             gives some; who is none takes what they have themselves.",
        )
        .delete("/organizations/{organization}/members/{account}", dismiss)
        .summary("Remove a member from an organization")
        .operation_id("removeOrganizationMember")
        .description(
            "The member is refused there from this answer on. 403 for who has more than the caller, 409 for \
             the last owner.",
        )
}

async fn list(
    who: Allow<MaySeeMembers>,
    State(portcullis): State<Portcullis>,
    Path(organization): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Items<MemberView>>, Problem> {
    let (selector, limit) = (selector(&organization)?, page.limit()?);
    let members = portcullis
        .organizations()
        .members_of(who.permit(), selector, page.cursor()?, limit.and_one())
        .await?
        .ok_or_else(Problem::not_found)?;
    let members = members.into_iter().map(MemberView::from).collect();
    Ok(Items::page(members, limit, |member: &MemberView| {
        member.account.clone()
    }))
}

async fn appoint(
    who: Allow<MayAppoint, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((organization, account)): Path<(String, String)>,
    AuditContext(by): AuditContext,
    Json(form): Json<Roles>,
) -> Result<NoContent, Problem> {
    let selector = selector(&organization)?;
    let account = account
        .parse()
        .map_err(|_| Problem::unknown("unknown_account", "there is no such account"))?;
    let organizations = portcullis.organizations();
    Ok(NoContent::from(
        organizations
            .appoint(who.permit(), selector, account, form.roles, by)
            .await?,
    ))
}

async fn dismiss(
    who: Allow<OrganizationsWrite>,
    State(portcullis): State<Portcullis>,
    Path((organization, account)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    let (selector, account) = (selector(&organization)?, member(&account)?);
    let organizations = portcullis.organizations();
    Ok(NoContent::from(
        organizations.dismiss(who.permit(), selector, account, by).await?,
    ))
}
