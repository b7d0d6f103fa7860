//! Roles and permissions, as administrators change and give them over HTTP.

use axum::extract::State;
use portcullis_core::account::{Account, Id};
use portcullis_core::authz::{RolesRead, RolesWrite};
use portcullis_core::roles::{MayGive, PermissionRecord, RoleRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::{Items, Page};
use crate::{Allow, Api, AuditContext, Json, NoContent, Path, Personal, Problem, Query, Via};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    let api = api
        .get("/permissions", permissions)
        .summary("All permissions")
        .operation_id("listPermissions")
        .description("Those that the running program declares in its code, and those made known here.")
        .put("/permissions/{permission}", declare)
        .summary("Make a permission of an application elsewhere known")
        .operation_id("declarePermission")
        .description(
            "By an administrator. Roles can be given it from then on. Names of this server's own permissions, \
             and of those that this program declares in its code, are refused.",
        )
        .delete("/permissions/{permission}", withdraw)
        .summary("Take a permission from every role and forget it")
        .operation_id("withdrawPermission")
        .description(
            "By an administrator. No role gives it any more; those that a running program declares in its \
             code stay.",
        )
        .get("/roles", list)
        .summary("All roles")
        .operation_id("listRoles")
        .description("Each with the permissions and roles that it brings directly.")
        .post("/roles", create)
        .summary("Create a role")
        .operation_id("createRole")
        .description("It brings nothing until it is given permissions or inherits.")
        .delete("/roles/{role}", delete)
        .summary("Delete a role")
        .operation_id("deleteRole")
        .description("It is taken from everybody who has it.")
        .get("/roles/{role}/accounts", holders)
        .summary("The accounts a role was given to, by id")
        .operation_id("listRoleAccounts")
        .description(
            "A page of the ids of those to whom it was given directly; names and addresses are for \
             `portcullis:accounts:read`.",
        );
    contents(api)
        .parameter::<shape::RoleName>("role")
        .parameter::<shape::PermissionName>("permission")
        .parameter::<shape::ParentRole>("parent")
        .parameter::<shape::AccountId>("account")
}

/// What roles bring, and who has them.
fn contents(api: Api<Portcullis>) -> Api<Portcullis> {
    api.put("/roles/{role}/permissions/{permission}", allow)
        .summary("Give a permission to a role")
        .operation_id("allowRolePermission")
        .description("The permission must be declared. Whoever gives one may use it.")
        .delete("/roles/{role}/permissions/{permission}", disallow)
        .summary("Take a permission from a role")
        .operation_id("disallowRolePermission")
        .description("Whoever has it by this role alone loses it at once.")
        .put("/roles/{role}/inherits/{parent}", inherit)
        .summary("Let a role inherit another")
        .operation_id("inheritRole")
        .description(
            "The role brings all that the parent brings, and so must the caller. A circle is refused.",
        )
        .delete("/roles/{role}/inherits/{parent}", disinherit)
        .summary("End an inheritance")
        .operation_id("disinheritRole")
        .description("The role keeps what it was given directly.")
        .get("/accounts/{account}/roles", assigned)
        .summary("The roles an account was given")
        .operation_id("listAccountRoles")
        .description("Those given directly, without what they inherit.")
        .put("/accounts/{account}/roles/{role}", assign)
        .summary("Give an account a role")
        .operation_id("assignAccountRole")
        .description(
            "Whoever gives a role has everything that it brings, or is an administrator. It counts from the \
             next request on.",
        )
        .delete("/accounts/{account}/roles/{role}", unassign)
        .summary("Take a role from an account")
        .operation_id("unassignAccountRole")
        .description("What it brought is gone at once. 409 for the last administrator.")
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Permission")]
struct PermissionView {
    /// Its name, also a scope.
    name: String,
    /// What it allows.
    description: String,
    /// Whether it is an action on resources: having it allows nothing by itself, and everybody's API keys and logins may be
    /// narrowed to it.
    action: bool,
}

impl From<PermissionRecord> for PermissionView {
    fn from(permission: PermissionRecord) -> Self {
        let PermissionRecord {
            name,
            description,
            action,
        } = permission;
        Self {
            name,
            description,
            action,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Role")]
struct RoleView {
    /// The role's name.
    name: String,
    /// What it is for.
    description: String,
    /// The permissions given to it directly.
    permissions: Vec<String>,
    /// The roles it inherits directly.
    inherits: Vec<String>,
}

impl From<RoleRecord> for RoleView {
    fn from(
        RoleRecord {
            name,
            description,
            permissions,
            inherits,
        }: RoleRecord,
    ) -> Self {
        Self {
            name,
            description,
            permissions,
            inherits,
        }
    }
}

async fn permissions(
    who: Allow<RolesRead>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Items<PermissionView>>, Problem> {
    let all = portcullis.roles().permissions(who.permit()).await?;
    Ok(Items::whole(all.into_iter().map(PermissionView::from).collect()))
}

async fn list(
    who: Allow<RolesRead>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Items<RoleView>>, Problem> {
    let all = portcullis.roles().list(who.permit()).await?;
    Ok(Items::whole(all.into_iter().map(RoleView::from).collect()))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Declaration {
    /// What it allows, for people: one line of at most 200 characters.
    #[schemars(with = "shape::Description")]
    description: String,
    /// Whether it is an action on resources, as `resource_actions!` declares them: having it allows nothing by itself, and
    /// everybody's API keys and logins may be narrowed to it. It stays one until it is withdrawn.
    #[serde(default)]
    action: bool,
}

async fn declare(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(permission): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<Declaration>,
) -> Result<NoContent, Problem> {
    let permission = PermissionRecord {
        name: permission,
        description: form.description,
        action: form.action,
    };
    let roles = portcullis.roles();
    Ok(NoContent::from(
        roles.declare(who.permit(), permission, by).await?,
    ))
}

async fn withdraw(
    who: Allow<RolesWrite>,
    State(portcullis): State<Portcullis>,
    Path(permission): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis.roles().withdraw(who.permit(), &permission, by).await?,
    ))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// 1 to 64 of `a-z 0-9 _ - .`, beginning with a letter.
    #[schemars(with = "shape::RoleName")]
    name: String,
    /// What it is for: at most 200 characters.
    #[schemars(with = "shape::Description")]
    #[serde(default)]
    description: String,
}

async fn create(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewRole>,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .create(who.permit(), &form.name, &form.description, by)
            .await?,
    ))
}

async fn delete(
    who: Allow<RolesWrite>,
    State(portcullis): State<Portcullis>,
    Path(role): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis.roles().delete(who.permit(), &role, by).await?,
    ))
}

/// Whoever has a role. What else there is to know of the account is for who may read accounts.
#[derive(Debug, Serialize, JsonSchema)]
struct Holder {
    /// The account's id.
    #[schemars(with = "Uuid")]
    id: String,
}

async fn holders(
    who: Allow<RolesRead>,
    State(portcullis): State<Portcullis>,
    Path(role): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Items<Holder>>, Problem> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let roles = portcullis.roles();
    let found = roles.holders(who.permit(), &role, after, limit.and_one()).await?;
    let holder = |account: Account| Holder {
        id: account.id.to_string(),
    };
    let found = found.ok_or_else(Problem::not_found)?.into_iter().map(holder);
    Ok(Items::page(found.collect(), limit, |holder: &Holder| {
        holder.id.clone()
    }))
}

async fn allow(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((role, permission)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .allow(who.permit(), &role, &permission, by)
            .await?,
    ))
}

async fn disallow(
    who: Allow<RolesWrite>,
    State(portcullis): State<Portcullis>,
    Path((role, permission)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .disallow(who.permit(), &role, &permission, by)
            .await?,
    ))
}

async fn inherit(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((role, parent)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .inherit(who.permit(), &role, &parent, by)
            .await?,
    ))
}

async fn disinherit(
    who: Allow<RolesWrite>,
    State(portcullis): State<Portcullis>,
    Path((role, parent)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .disinherit(who.permit(), &role, &parent, by)
            .await?,
    ))
}

/// The names of roles.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleNames {
    /// Those given directly.
    roles: Vec<String>,
}

async fn assigned(
    who: Allow<RolesRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
) -> Result<Json<RoleNames>, Problem> {
    let roles = portcullis
        .roles()
        .of_account(who.permit(), account_id(&account)?)
        .await?;
    Ok(Json(RoleNames {
        roles: roles.ok_or_else(Problem::not_found)?,
    }))
}

async fn assign(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((account, role)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .assign(who.permit(), account_id(&account)?, &role, by)
            .await?,
    ))
}

async fn unassign(
    who: Allow<RolesWrite>,
    State(portcullis): State<Portcullis>,
    Path((account, role)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    Ok(NoContent::from(
        portcullis
            .roles()
            .unassign(who.permit(), account_id(&account)?, &role, by)
            .await?,
    ))
}

pub(super) fn account_id(text: &str) -> Result<Id, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
