//! The routes of organizations: create, see, rename, leave; members; invitations; what administrators do.
//!
//! What works on one organization takes the caller's [`Permit`](crate::Permit), which knows the organization: the path
//! is read by the enforcer alone, and no handler passes an id of it on.

mod admin;
mod invitations;
mod members;
mod view;

use axum::extract::State;
use portcullis_core::authz::{Authenticated, Member, SettingsWrite, Unnarrowed};
use portcullis_core::organization::{Change, Created as Made, Name, Renaming, Slug};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::admin::routes as admin_routes;
use self::view::{OrganizationView, Standing};
use crate::composition::Portcullis;
use crate::page::Items;
use crate::schema::shape;
use crate::{Allow, Api, Circumstances, Created, FieldErrors, Json, NoContent, Personal, Problem, Via};

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
    /// Every field parsed.
    fn parse(&self) -> Result<(Name, Slug), Problem> {
        let mut fields = FieldErrors::new();
        let name = fields.check("/name", "invalid_name", Name::parse(&self.name));
        let slug = fields.check("/slug", "invalid_slug", Slug::parse(&self.slug));
        match (name, slug) {
            (Some(name), Some(slug)) => fields.done((name, slug)),
            _ => Err(fields.into()),
        }
    }
}

async fn create(
    who: Allow<Unnarrowed, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Circumstances(by): Circumstances,
    Json(form): Json<NewOrganization>,
) -> Result<Created<OrganizationView>, Problem> {
    let (name, slug) = form.parse()?;
    let made = portcullis.organizations().create(who.permit(), name, slug, by);
    made_view(made.await?)
}

/// What creating answers.
fn made_view(made: Made) -> Result<Created<OrganizationView>, Problem> {
    match made {
        Made::Created(organization) => Ok(Created(OrganizationView::from(&organization))),
        Made::Taken => Err(taken()),
        Made::UnknownAccount => Err(Problem::unknown("unknown_account", "there is no such account")),
        Made::TooMany => Err(owns_too_many()),
    }
}

async fn mine(
    who: Allow<Authenticated>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Items<Standing>>, Problem> {
    let all = portcullis.organizations().mine(who.permit()).await?;
    Ok(Items::whole(all.iter().map(Standing::from).collect()))
}

async fn show(who: Allow<Member>) -> Json<view::Here> {
    Json(view::Here::from(who.organization(), who.scopes()))
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
    Circumstances(by): Circumstances,
    Json(form): Json<RenamedOrganization>,
) -> Result<NoContent, Problem> {
    let mut fields = FieldErrors::new();
    let name = form
        .name
        .and_then(|text| fields.check("/name", "invalid_name", Name::parse(&text)));
    let slug = form
        .slug
        .and_then(|text| fields.check("/slug", "invalid_slug", Slug::parse(&text)));
    let renaming = fields.done(Renaming { name, slug })?;
    changed(
        portcullis
            .organizations()
            .rename(who.permit(), renaming, by)
            .await?,
    )
}

async fn leave(
    who: Allow<(Member, Unnarrowed), Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Circumstances(by): Circumstances,
) -> Result<NoContent, Problem> {
    changed(portcullis.organizations().leave(who.permit(), by).await?)
}

/// What a change in an organization answers. Asking for what is so already is no error: the caller's wish holds.
fn changed(change: Change) -> Result<NoContent, Problem> {
    match change {
        Change::Done | Change::Unchanged => Ok(NoContent),
        Change::UnknownOrganization => Err(Problem::not_found()),
        Change::UnknownAccount => Err(Problem::unknown("unknown_account", "there is no such account")),
        Change::UnknownMember => Err(Problem::unknown("unknown_member", "there is no such member")),
        Change::UnknownInvitation => Err(Problem::unknown(
            "unknown_invitation",
            "there is no such open invitation",
        )),
        Change::UnknownRole => Err(Problem::unknown("unknown_role", "there is no role of this name")),
        Change::Beyond => Err(Problem::forbidden(
            "beyond_your_roles",
            "you can give and take only what you have in this organization yourself",
        )),
        Change::Lacks(missing) => Err(Problem::beyond(&missing)),
        Change::TheServers => Err(Problem::conflict(
            "servers_role",
            "a role that brings something of the server's is given in no organization",
        )
        .on_record()),
        Change::LastOwner => Err(Problem::conflict(
            "last_owner",
            "an organization has an owner who can act: make another one first",
        )),
        Change::Member => Err(Problem::conflict("already_member", "this is a member already")),
        Change::Taken => Err(taken()),
        Change::TooMany => Err(Problem::conflict(
            "too_many",
            "there are as many of them as there may be",
        )),
        Change::TooSoon(wait) => Err(Problem::too_many(wait)),
        Change::NotProven => Err(Problem::forbidden(
            "address_not_proven",
            "prove your own address first: a letter in your name goes to a stranger",
        )),
        Change::OwnsTooMany => Err(owns_too_many()),
    }
}

fn owns_too_many() -> Problem {
    Problem::conflict(
        "too_many_organizations",
        "this account owns as many organizations as one account may",
    )
}

fn taken() -> Problem {
    Problem::conflict(
        "slug_taken",
        "this slug is, or was, another organization's; choose another",
    )
}
