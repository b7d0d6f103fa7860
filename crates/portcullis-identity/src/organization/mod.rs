//! The routes of organizations: create, see, rename, leave; members; invitations; what administrators do.
//!
//! What works on one organization takes the caller's [`Permit`](crate::Permit), which knows the organization: the path
//! is read by the enforcer alone, and no handler passes an id of it on.

mod admin;
mod invitations;
mod members;
mod view;

use axum::extract::State;
use portcullis_core::authz::{Authenticated, Member, SettingsWrite, Unscoped};
use portcullis_core::organization::{OrganizationName, Renaming, Slug};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::admin::routes as admin_routes;
pub use self::invitations::AcceptError;
use self::view::{OrganizationMembership, OrganizationView};
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::Items;
use crate::{Allow, Api, AuditContext, Created, FieldErrors, Json, NoContent, Personal, Problem, Via};

/// The routes below `/auth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    let api = api
        .post("/organizations", create)
        .summary("Create an organization")
        .operation_id("createOrganization")
        .description(
            "The caller becomes its owner. Only administrators may where the setting `organizations.creation` \
             says so.",
        )
        .get("/organizations", mine)
        .summary("My organizations")
        .operation_id("listMyOrganizations")
        .description("Every organization that the caller is a member of, with the roles given there directly.")
        .get("/organizations/{organization}", show)
        .summary("An organization, and what I am there")
        .operation_id("getMyOrganization")
        .description("All roles there, inherited ones included, and what the presented credential may do there.")
        .patch("/organizations/{organization}", rename)
        .summary("Rename an organization")
        .operation_id("renameOrganization")
        .description("What is absent stays as it is. A former slug stays reserved for the organization, and selects nothing any more.")
        .post("/organizations/{organization}/leave", leave)
        .summary("Leave an organization")
        .operation_id("leaveOrganization")
        .description("The last owner can't: make another one first.");
    invitations::routes(members::routes(api))
        .parameter::<shape::OrganizationName>("organization")
        .parameter::<shape::AccountId>("account")
        .parameter::<shape::InvitationId>("invitation")
}

/// A new organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganization {
    /// What people call it: 1 to 100 characters.
    #[schemars(with = "shape::DisplayName")]
    name: String,
    /// Its name in addresses: 3 to 40 of `a-z 0-9` and single hyphens, beginning with a letter.
    #[schemars(with = "shape::Slug")]
    slug: String,
}

impl NewOrganization {
    /// Name and slug, parsed; the problem names every field that is wrong.
    fn parse(&self) -> Result<(OrganizationName, Slug), Problem> {
        let mut fields = FieldErrors::new();
        let name = fields.check("/name", "invalid_name", OrganizationName::parse(&self.name));
        let slug = fields.check("/slug", "invalid_slug", Slug::parse(&self.slug));
        match (name, slug) {
            (Some(name), Some(slug)) => fields.done((name, slug)),
            _ => Err(fields.into()),
        }
    }
}

async fn create(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewOrganization>,
) -> Result<Created<OrganizationView>, Problem> {
    let (name, slug) = form.parse()?;
    let made = portcullis.organizations().create(who.permit(), name, slug, by);
    Ok(Created(OrganizationView::from(&made.await?)))
}

async fn mine(
    who: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Items<OrganizationMembership>>, Problem> {
    let all = portcullis.organizations().mine(who.permit()).await?;
    Ok(Items::whole(
        all.iter().map(OrganizationMembership::from).collect(),
    ))
}

async fn show(who: Allow<Member>) -> Json<view::OrganizationAccess> {
    Json(view::OrganizationAccess::from(who.organization(), who.scopes()))
}

/// What is to be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenamedOrganization {
    /// What people call it.
    #[schemars(with = "Option<shape::DisplayName>")]
    name: Option<String>,
    /// Its name in addresses. The former one stays reserved for this organization, and selects nothing any more.
    #[schemars(with = "Option<shape::Slug>")]
    slug: Option<String>,
}

async fn rename(
    who: Allow<Member<SettingsWrite>, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<RenamedOrganization>,
) -> Result<NoContent, Problem> {
    let mut fields = FieldErrors::new();
    let name = form
        .name
        .and_then(|text| fields.check("/name", "invalid_name", OrganizationName::parse(&text)));
    let slug = form
        .slug
        .and_then(|text| fields.check("/slug", "invalid_slug", Slug::parse(&text)));
    let renaming = fields.done(Renaming { name, slug })?;
    Ok(NoContent::from(
        portcullis
            .organizations()
            .rename(who.permit(), renaming, by)
            .await?,
    ))
}

async fn leave(
    who: Allow<(Member, Unscoped), Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis.organizations().leave(who.permit(), by).await?,
    ))
}
