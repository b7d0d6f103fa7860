//! `portcullis setup-link`: prints the link that makes the first administrator.

use portcullis_identity::Portcullis;
use serde_json::json;

use super::failure::Failure;
use crate::config::Config;
use crate::output::Output;
use crate::serve::setup_link;

pub(super) async fn run(portcullis: &Portcullis, config: &Config, output: &Output) -> Result<(), Failure> {
    let url = config.server.public_url.as_ref().ok_or_else(|| {
        Failure::Usage("public_url must be set, because the port of listen is chosen at the start".to_owned())
    })?;
    let token = portcullis.registrar().offer_setup().await?.ok_or_else(|| {
        Failure::Failed(
            "an administrator exists: set-up is closed; use `portcullis role assign` instead".to_owned(),
        )
    })?;
    let link = setup_link(url, &token.expose());
    Ok(output.done(&link, &json!({ "link": link }))?)
}
