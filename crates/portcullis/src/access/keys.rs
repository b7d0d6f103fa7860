//! The signing keys.

use axum::extract::State;
use portcullis_core::access::KeysWrite;
use portcullis_core::key::KeyringError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::portcullis::Portcullis;
use crate::{Allow, Api, Circumstances, Json, Problem};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/keys/rotate", rotate)
        .summary("Rotate the signing keys now")
}

/// The key that signs from now on.
#[derive(Debug, Serialize, JsonSchema)]
struct CurrentKey {
    /// Its id.
    kid: String,
}

async fn rotate(
    who: Allow<KeysWrite>,
    State(portcullis): State<Portcullis>,
    Circumstances(by): Circumstances,
) -> Result<Json<CurrentKey>, Problem> {
    portcullis.keyring().rotate(who.permit(), by).await?;
    Ok(Json(CurrentKey {
        kid: portcullis.keyring().signer().kid().to_owned(),
    }))
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Store(fault) => fault.into(),
            other => Self::internal(other),
        }
    }
}
