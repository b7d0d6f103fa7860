//! `portcullis account access`: which routes an account may call, and why.

use portcullis_core::authz::{DecisionsRead, Permit};
use portcullis_core::organization::Selector;
use portcullis_core::session::Assurance;
use portcullis_identity::{DryRun, Portcullis};
use serde_json::{Value, json};
use url::Url;

use super::{Access, find, gone};
use crate::cli::failure::Failure;
use crate::cli::organization;
use crate::config::Config;
use crate::output::Output;
use crate::serve;

pub(super) async fn list(
    portcullis: &Portcullis,
    config: &Config,
    asked: &Access,
    output: &Output,
) -> Result<(), Failure> {
    let account = find(portcullis, &asked.account).await?;
    let public_url = config.server.public_url.clone();
    let api = serve::routes(portcullis, &public_url.map_or_else(local, Ok)?, &config.brand);
    let (method, path) = (asked.method.as_deref(), asked.path.as_deref());
    let routes: Vec<_> = api.routes().filter(|route| route.answers(method, path)).collect();
    if routes.is_empty() {
        let text = "no route of the server answers to this method and path: leave one out to see more";
        return Err(Failure::Failed(text.to_owned()));
    }
    let permit = Permit::<DecisionsRead>::dangerous_for_operator();
    let assurance = if asked.second_factor {
        Assurance::MultiFactor
    } else {
        Assurance::SingleFactor
    };
    let organization = match &asked.organization {
        Some(name) => Some(Selector::Id(organization::find(portcullis, name).await?.id)),
        None => None,
    };
    let run = DryRun {
        account: account.id,
        assurance,
        organization,
    };
    let access = portcullis.access_to(&permit, run, &routes).await?;
    let (_, items) = access.ok_or_else(gone)?;
    let rows: Vec<Vec<Value>> = items
        .iter()
        .map(|route| {
            vec![
                json!(route.method),
                json!(route.path),
                json!(route.allowed),
                json!(route.code),
                json!(route.rule()),
                json!(route.why),
            ]
        })
        .collect();
    Ok(output.list(&["method", "path", "allowed", "code", "rule", "why"], &rows)?)
}

/// Stands for the server's address where none is configured: no route depends on it.
fn local() -> Result<Url, Failure> {
    Url::parse("http://localhost").map_err(|error| Failure::Failed(error.to_string()))
}
