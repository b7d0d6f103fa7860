//! Members and their roles.

use axum::extract::State;
use portcullis_core::authz::{Member, MembersRead, MembersWrite};
use portcullis_core::organization::{MayHandOver, MayLetIn};
use portcullis_core::{account, defends};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::view::MemberView;
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::{Items, Page};
use crate::plan::by_hand;
use crate::{Allow, Api, AuditContext, Json, NoContent, Path, Personal, Problem, Query, Via};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/organizations/{organization}/members", list)
        .summary("Members, by account id")
        .operation_id("listMembers")
        .description("A page of the members with their roles.")
        .put("/organizations/{organization}/members/{account}/roles", set_roles)
        .summary("Set a member's roles")
        .operation_id("setMemberRoles")
        .description("All roles that the member is to have: what isn't named is taken. Nobody gives or takes what they don't have there themselves.")
        .delete("/organizations/{organization}/members/{account}", remove)
        .summary("Remove a member")
        .operation_id("removeMember")
        .description(
            "The member is refused there from this answer on. Nobody removes somebody who has more there than \
             they do.",
        )
        .post("/organizations/{organization}/ownership", transfer)
        .summary("Make another member owner in my place")
        .operation_id("transferOwnership")
        .description("The caller stays a member.")
}

async fn list(
    who: Allow<Member<MembersRead>>,
    State(portcullis): State<Portcullis>,
    Query(page): Query<Page>,
) -> Result<Json<Items<MemberView>>, Problem> {
    let limit = page.limit()?;
    let members = portcullis
        .organizations()
        .members(who.permit(), page.cursor()?, limit.and_one())
        .await?;
    let members = members.into_iter().map(MemberView::from).collect();
    Ok(Items::page(members, limit, |member: &MemberView| {
        member.account.clone()
    }))
}

/// A member's roles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MemberRoles")]
pub(super) struct Roles {
    /// All roles the member is to have, at most 20.
    #[schemars(with = "Vec<shape::RoleName>", length(max = 20), transform = by_hand)]
    pub(super) roles: Vec<String>,
}

async fn set_roles(
    who: Allow<MayLetIn, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((_, account)): Path<(String, String)>,
    AuditContext(by): AuditContext,
    Json(form): Json<Roles>,
) -> Result<NoContent, Problem> {
    defends!("T112");
    let account = member(&account)?;
    let organizations = portcullis.organizations();
    Ok(NoContent::from(
        organizations
            .set_roles(who.permit(), account, form.roles, by)
            .await?,
    ))
}

async fn remove(
    who: Allow<Member<MembersWrite>, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((_, account)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    let account = member(&account)?;
    Ok(NoContent::from(
        portcullis
            .organizations()
            .remove(who.permit(), account, by)
            .await?,
    ))
}

/// The next owner.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NextOwner {
    /// The id of a member's account.
    #[schemars(with = "Uuid", transform = by_hand)]
    account: String,
}

async fn transfer(
    who: Allow<MayHandOver, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NextOwner>,
) -> Result<NoContent, Problem> {
    let to = member(&form.account)?;
    Ok(NoContent::from(
        portcullis.organizations().transfer(who.permit(), to, by).await?,
    ))
}

pub(super) fn member(text: &str) -> Result<account::Id, Problem> {
    text.parse()
        .map_err(|_| Problem::unknown("unknown_member", "there is no such member"))
}
