//! The routes of API keys: people make, see, change, rotate and revoke their own.
//!
//! Only a login by a person opens them, one that no scopes narrow (`T106`), and only a fresh one makes a key's text appear, enables a key or changes from
//! where and how often it may be used: neither a stolen key nor a forgotten browser makes itself another key (`T041`), or
//! takes the fences off one (`T081`).

pub(crate) mod form;
mod problem;
pub(crate) mod view;

use axum::extract::State;
use portcullis_core::api_key::Id;
use portcullis_core::authz::{FreshLogin, Unscoped};
use portcullis_core::defends;

use self::form::{ChangedKey, NewKey, Rotate};
pub(crate) use self::problem::refused;
use self::view::{IssuedView, View, Views};
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::{Allow, Api, AuditContext, Created, Json, NoContent, Path, Personal, Problem, Via};

/// The routes below `/auth`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/api-keys", list)
        .summary("My API keys")
        .operation_id("listApiKeys")
        .description("All keys of the caller, without their texts.")
        .post("/api-keys", create)
        .summary("Make an API key; its text is shown once")
        .operation_id("createApiKey")
        .description(
            "It may do at most what its owner may: 422 names the permissions beyond that. What only a \
             membership gives opens what the membership opens, in its organization, as long as it lasts; \
             `org:…` goes into a key only where the account has it everywhere. `networks` are compared with \
             the client's address. Asks for a login that is no older than 15 minutes.",
        )
        .get("/api-keys/{id}", find)
        .summary("One API key")
        .operation_id("getApiKey")
        .description("Everything but its text. Another account's key looks like none.")
        .patch("/api-keys/{id}", change)
        .summary("Name, disable, enable or limit an API key")
        .operation_id("changeApiKey")
        .description(
            "What is absent stays as it is; `limit: null` takes the limit away. To enable a key, or to change \
             its networks or its limit, asks for a login that is no older than 15 minutes, of somebody who \
             may all that the key may.",
        )
        .delete("/api-keys/{id}", revoke)
        .summary("Revoke an API key for ever")
        .operation_id("revokeApiKey")
        .description("It is refused from this answer on.")
        .post("/api-keys/{id}/rotate", rotate)
        .summary("Give an API key another text; the old one stays good for a while")
        .operation_id("rotateApiKey")
        .description(
            "The old text stays good for a day (`api_keys.overlap`) unless `overlap_seconds` says otherwise; \
             0 ends it at once. `expires_at` gives the key another end, `null` none. Asks for a login that is \
             no older than 15 minutes.",
        )
        .parameter::<shape::ApiKeyId>("id")
}

async fn list(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
) -> Result<Json<Views>, Problem> {
    let keys = portcullis.api_keys().list(who.id()).await?;
    Ok(Json(Views::of(&keys, by.at)))
}

async fn create(
    who: Allow<(Unscoped, FreshLogin<900>), Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewKey>,
) -> Result<Created<IssuedView>, Problem> {
    defends!("T041");
    let (parsed, now) = (form.parse()?, by.at);
    let issued = portcullis.api_keys().create(&who, parsed, by).await;
    let issued = issued.map_err(|error| refused(&form, error))?;
    Ok(Created(IssuedView::of(&issued, now)))
}

async fn find(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<Json<View>, Problem> {
    let key = portcullis.api_keys().find(who.id(), parse_id(&id)?).await?;
    Ok(Json(View::of(&key.ok_or_else(Problem::not_found)?, by.at)))
}

async fn change(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<ChangedKey>,
) -> Result<Json<View>, Problem> {
    let (change, now) = (form.parse()?, by.at);
    let keys = portcullis.api_keys();
    let key = keys.change(&who, parse_id(&id)?, change, by).await?;
    Ok(Json(View::of(&key, now)))
}

async fn revoke(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    found(portcullis.api_keys().revoke(who.id(), parse_id(&id)?, by).await?)
}

async fn rotate(
    who: Allow<(Unscoped, FreshLogin<900>), Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(id): Path<String>,
    AuditContext(by): AuditContext,
    Json(form): Json<Rotate>,
) -> Result<Json<IssuedView>, Problem> {
    let (keys, now) = (portcullis.api_keys(), by.at);
    let renewal = form.renewal(keys.settings());
    let issued = keys.rotate(&who, parse_id(&id)?, renewal, by).await?;
    Ok(Json(IssuedView::of(&issued, now)))
}

/// Another's key looks like none: whether it exists is not the caller's to know.
pub(crate) fn found(found: bool) -> Result<NoContent, Problem> {
    if found {
        Ok(NoContent)
    } else {
        Err(Problem::not_yours())
    }
}

pub(crate) fn parse_id(text: &str) -> Result<Id, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
