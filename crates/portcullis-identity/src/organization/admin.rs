//! Organizations, as administrators see them.

mod members;

use axum::extract::State;
use portcullis_core::authz::{OrganizationsRead, OrganizationsWrite};
use portcullis_core::organization::{self, Id, OrganizationName, Selector, Slug};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::view::OrganizationView;
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::{Items, Page};
use crate::plan::by_hand;
use crate::{Allow, Api, AuditContext, Created, FieldErrors, Json, NoContent, Path, Problem, Query};

/// The routes below `/admin/api/v1`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    let api = api
        .get("/organizations", list)
        .summary("Organizations, by id")
        .operation_id("listOrganizations")
        .description("A page of all organizations of this server.")
        .post("/organizations", create)
        .summary("Create an organization for somebody")
        .operation_id("createOrganizationFor")
        .description("The account named as owner becomes its owner.")
        .get("/organizations/{organization}", find)
        .summary("One organization, by id or slug")
        .operation_id("getOrganization")
        .description("What it is called and whether it may be worked in.")
        .put("/organizations/{organization}/state", set_state)
        .summary("Suspend an organization, or take that back")
        .operation_id("setOrganizationState")
        .description("A suspended organization refuses every member at once.");
    members::routes(api)
        .parameter::<shape::OrganizationName>("organization")
        .parameter::<shape::AccountId>("account")
}

async fn list(
    who: Allow<OrganizationsRead>,
    State(portcullis): State<Portcullis>,
    Query(page): Query<Page>,
) -> Result<Json<Items<OrganizationView>>, Problem> {
    let limit = page.limit()?;
    let all = portcullis
        .organizations()
        .list(who.permit(), page.cursor()?, limit.and_one())
        .await?;
    let all = all.iter().map(OrganizationView::from).collect();
    Ok(Items::page(all, limit, |one: &OrganizationView| one.id.clone()))
}

/// A new organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganizationFor {
    /// What people call it: 1 to 100 characters.
    #[schemars(with = "shape::DisplayName")]
    name: String,
    /// Its name in addresses: 3 to 40 of `a-z 0-9` and single hyphens, beginning with a letter.
    #[schemars(with = "shape::Slug")]
    slug: String,
    /// The id of its first owner's account.
    #[schemars(with = "Uuid", transform = by_hand)]
    owner: String,
}

async fn create(
    who: Allow<OrganizationsWrite>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewOrganizationFor>,
) -> Result<Created<OrganizationView>, Problem> {
    let mut fields = FieldErrors::new();
    let name = fields.check("/name", "invalid_name", OrganizationName::parse(&form.name));
    let slug = fields.check("/slug", "invalid_slug", Slug::parse(&form.slug));
    let owner = fields.check("/owner", "invalid_account", form.owner.parse());
    let (Some(name), Some(slug), Some(owner)) = (name, slug, owner) else {
        return Err(fields.into());
    };
    let organizations = portcullis.organizations();
    let made = organizations.create_for(who.permit(), (name, slug), owner, by);
    Ok(Created(OrganizationView::from(&made.await?)))
}

async fn find(
    who: Allow<OrganizationsRead>,
    State(portcullis): State<Portcullis>,
    Path(organization): Path<String>,
) -> Result<Json<OrganizationView>, Problem> {
    let selector = selector(&organization)?;
    let found = portcullis.organizations().find(who.permit(), selector).await?;
    Ok(Json(OrganizationView::from(
        &found.ok_or_else(Problem::not_found)?,
    )))
}

fn selector(text: &str) -> Result<Selector, Problem> {
    Selector::parse(text).map_err(|_| Problem::not_found())
}

/// A settable state.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SettableOrganizationState {
    /// May be worked in.
    Active,
    /// Refuses every member, at once and everywhere within a second.
    Suspended,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganizationState {
    /// `active` or `suspended`.
    state: SettableOrganizationState,
}

async fn set_state(
    who: Allow<OrganizationsWrite>,
    State(portcullis): State<Portcullis>,
    Path(organization): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewOrganizationState>,
) -> Result<NoContent, Problem> {
    let id: Id = organization.parse().map_err(|_| Problem::not_found())?;
    let state = match form.state {
        SettableOrganizationState::Active => organization::OrganizationState::Active,
        SettableOrganizationState::Suspended => organization::OrganizationState::Suspended,
    };
    let organizations = portcullis.organizations();
    Ok(NoContent::from(
        organizations.set_state(who.permit(), id, state, by).await?,
    ))
}
