//! The signing keys, as administrators rotate them over HTTP.

use axum::extract::State;
use portcullis_core::authz::KeysWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::composition::Portcullis;
use crate::describe::shape;
use crate::{Allow, Api, AuditContext, Json, NoContent, Path, Problem};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/keys/rotate", rotate)
        .summary("Rotate the signing keys now")
        .operation_id("rotateSigningKeys")
        .description(
            "The published next key signs from now on; the former one goes on verifying what it signed. 409 \
             `key_too_new` within five minutes after the next key was published, unless forced.",
        )
        .delete("/keys/{kid}", withdraw)
        .summary("Take a signing key out at once: nothing it signed is honoured any more")
        .operation_id("withdrawSigningKey")
        .description(
            "For a key that somebody else may have; it is published no more. The key that signs can't be \
             taken out (409 `key_signs`): rotate first.",
        )
        .parameter::<shape::KeyId>("kid")
}

/// The key that signs from now on.
#[derive(Debug, Serialize, JsonSchema)]
struct CurrentKey {
    /// The key's `kid`, as tokens and the published keys name it.
    kid: String,
}

/// How to rotate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// Whether to rotate even if the next key was published less than five minutes ago, so that services elsewhere may
    /// refuse what it signs for some seconds.
    #[serde(default)]
    force: bool,
}

async fn rotate(
    who: Allow<KeysWrite>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    form: Option<Json<Rotation>>,
) -> Result<Json<CurrentKey>, Problem> {
    let keys = portcullis.signing_keys();
    if form.is_some_and(|Json(form)| form.force) {
        keys.rotate_at_once(who.permit(), by).await?;
    } else {
        keys.rotate(who.permit(), by).await?;
    }
    Ok(Json(CurrentKey {
        kid: portcullis.keyring().signer().kid().to_owned(),
    }))
}

async fn withdraw(
    who: Allow<KeysWrite>,
    State(portcullis): State<Portcullis>,
    Path(kid): Path<String>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    if portcullis.signing_keys().withdraw(who.permit(), &kid, by).await? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found())
    }
}
