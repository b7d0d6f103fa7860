//! Accounts of programs, and everybody's API keys as administrators see them.
//!
//! People make and change their own keys. Administrators make, change and rotate those of service accounts, with at most
//! what both they and the account may do, and revoke anybody's. To disable a key takes the permission alone; to enable
//! one, or to change its networks or limit, a fresh login too (`T081`).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_core::account::Username;
use portcullis_core::api_key::Imported;
use portcullis_core::authz::{AccountsRead, AccountsWrite, ApiKeysRead, ApiKeysWrite};
use portcullis_core::issuance::MayIssue;
use schemars::JsonSchema;
use serde::Deserialize;

use super::roles::account_id;
use crate::account::AccountView;
use crate::api_key::form::{ChangedKey, ImportKey, NewKey, Rotate};
use crate::api_key::view::{IssuedView, View, Views};
use crate::api_key::{found, parse_id, refused};
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::page::{Items, Page};
use crate::{
    Allow, Api, AuditContext, Created, FieldErrors, Json, NoContent, Path, Personal, Problem, Query, Via,
};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/service-accounts", list_services)
        .summary("Service accounts, by id")
        .operation_id("listServiceAccounts")
        .description("A page of the accounts of programs.")
        .post("/service-accounts", create_service)
        .summary("Make a service account; it may do nothing until it is given a role")
        .operation_id("createServiceAccount")
        .description(
            "It has no password and never logs in: it comes with API keys. It is given roles and disabled \
             like any account.",
        )
        .get("/accounts/{account}/api-keys", list)
        .summary("An account's API keys")
        .operation_id("listAccountApiKeys")
        .description("All keys of any account, without their texts.")
        .post("/accounts/{account}/api-keys", create)
        .summary("Make an API key for a service account; its text is shown once")
        .operation_id("createAccountApiKey")
        .description("It may do at most what both the account and the caller may.")
        .post("/accounts/{account}/api-keys/import", import)
        .summary("Make an API key for a service account of a text from elsewhere")
        .operation_id("importAccountApiKey")
        .description(
            "By its `text`, or by the `sha256` of it where the text isn't at hand. A text must be hard to guess and not look \
             like a credential of Portcullis; whoever gives a digest answers for that. The key is used like any other, in \
             the header. The same text for the same account once more changes nothing and is 200; for another account it is \
             409.",
        )
        .patch("/accounts/{account}/api-keys/{id}", change)
        .summary("Name, disable, enable or limit an API key of a service account")
        .operation_id("changeAccountApiKey")
        .description(
            "What is absent stays as it is; `limit: null` takes the limit away. To enable a key, or to change \
             its networks or its limit, asks for a login that is no older than 15 minutes, of somebody who \
             may all that the key may.",
        )
        .delete("/accounts/{account}/api-keys/{id}", revoke)
        .summary("Revoke an API key of any account for ever")
        .operation_id("revokeAccountApiKey")
        .description("It is refused from this answer on.")
        .post("/accounts/{account}/api-keys/{id}/rotate", rotate)
        .summary("Give an API key of a service account another text")
        .operation_id("rotateAccountApiKey")
        .description("The former text stays good for as long as `overlap_seconds` says.")
        .parameter::<shape::AccountId>("account")
        .parameter::<shape::ApiKeyId>("id")
}

async fn list_services(
    who: Allow<AccountsRead>,
    State(portcullis): State<Portcullis>,
    Query(page): Query<Page>,
) -> Result<Json<Items<AccountView>>, Problem> {
    let limit = page.limit()?;
    let accounts = portcullis.service_accounts();
    let accounts = accounts
        .list(who.permit(), page.cursor()?, limit.and_one())
        .await?;
    let accounts = accounts.iter().map(AccountView::from).collect();
    Ok(Items::page(accounts, limit, |account: &AccountView| {
        account.id.clone()
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewService {
    /// Its name: 3 to 32 letters, digits, dots, hyphens, underscores; letters are those of any one script, with their marks.
    #[schemars(with = "shape::Username")]
    name: String,
}

async fn create_service(
    who: Allow<AccountsWrite>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewService>,
) -> Result<Created<AccountView>, Problem> {
    let mut fields = FieldErrors::new();
    let name = fields.check("/name", "invalid_username", Username::parse(&form.name));
    let Some(name) = name else {
        return Err(fields.into());
    };
    let accounts = portcullis.service_accounts();
    let account = accounts.create(who.permit(), name, by).await?;
    Ok(Created(AccountView::from(&account)))
}

async fn list(
    who: Allow<ApiKeysRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<Json<Views>, Problem> {
    let keys = portcullis.api_keys();
    let keys = keys.list_of(who.permit(), account_id(&account)?).await?;
    Ok(Json(Views::of(&keys, by.at)))
}

async fn create(
    who: Allow<MayIssue, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewKey>,
) -> Result<Created<IssuedView>, Problem> {
    let (parsed, account, now) = (form.parse()?, account_id(&account)?, by.at);
    let keys = portcullis.api_keys();
    let issued = keys.create_for(who.permit(), account, parsed, by).await;
    let issued = issued.map_err(|error| refused(&form, error))?;
    Ok(Created(IssuedView::of(&issued, now)))
}

async fn import(
    who: Allow<MayIssue, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<ImportKey>,
) -> Result<ImportedAnswer, Problem> {
    let keys = portcullis.api_keys();
    let (form, key) = form.parse(keys.format())?;
    let (parsed, account, now) = (form.parse()?, account_id(&account)?, by.at);
    let imported = keys.import_for(who.permit(), account, &key, parsed, by).await;
    let Imported { key, is_new } = imported.map_err(|error| refused(&form, error))?;
    let view = View::of(&key, now);
    Ok(if is_new {
        ImportedAnswer::New(Created(view))
    } else {
        ImportedAnswer::Known(Json(view))
    })
}

/// Whether it is here now, or was before.
enum ImportedAnswer {
    New(Created<View>),
    Known(Json<View>),
}

impl IntoResponse for ImportedAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::New(view) => view.into_response(),
            Self::Known(view) => view.into_response(),
        }
    }
}

answers!(ImportedAnswer: Created<View>, Json<View>);

async fn change(
    who: Allow<ApiKeysWrite>,
    State(portcullis): State<Portcullis>,
    Path((account, id)): Path<(String, String)>,
    AuditContext(by): AuditContext,
    Json(form): Json<ChangedKey>,
) -> Result<Json<View>, Problem> {
    let (change, now) = (form.parse()?, by.at);
    let (account, id) = (account_id(&account)?, parse_id(&id)?);
    let keys = portcullis.api_keys();
    let key = keys.change_for(who.permit(), account, id, change, by).await?;
    Ok(Json(View::of(&key, now)))
}

async fn revoke(
    who: Allow<ApiKeysWrite>,
    State(portcullis): State<Portcullis>,
    Path((account, id)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    let (account, id) = (account_id(&account)?, parse_id(&id)?);
    let keys = portcullis.api_keys();
    found(keys.revoke_for(who.permit(), account, id, by).await?)
}

async fn rotate(
    who: Allow<MayIssue, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((account, id)): Path<(String, String)>,
    AuditContext(by): AuditContext,
    Json(form): Json<Rotate>,
) -> Result<Json<IssuedView>, Problem> {
    let (account, id, now) = (account_id(&account)?, parse_id(&id)?, by.at);
    let keys = portcullis.api_keys();
    let renewal = form.renewal(keys.settings());
    let issued = keys.rotate_for(who.permit(), account, id, renewal, by).await?;
    Ok(Json(IssuedView::of(&issued, now)))
}
