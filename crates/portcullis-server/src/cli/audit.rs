//! `portcullis audit`: reads the audit log.

use clap::{Args, Subcommand};
use portcullis_core::api_key::Id;
use portcullis_core::audit::{Action, Event, EventFilter};
use portcullis_core::authz::Permit;
use portcullis_identity::Portcullis;
use serde_json::{Value, json};
use uuid::Uuid;

use super::account::find;
use super::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List events, newest first
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only events about or by this account: its id, address or user name
    #[arg(long)]
    account: Option<String>,
    /// Only this action, such as login.refused
    #[arg(long)]
    action: Option<String>,
    /// Only the events of the request with this id (the x-request-id header)
    #[arg(long, value_name = "ID")]
    trace: Option<Uuid>,
    /// Only what was done, or refused, with the API key that has this id
    #[arg(long, value_name = "ID")]
    api_key: Option<Id>,
    /// Only events before the one with this id: the next page
    #[arg(long, value_name = "ID")]
    before: Option<Uuid>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        let Self::List(List {
            account,
            action,
            trace,
            api_key,
            before,
            limit,
        }) = self;
        if let Some(name) = &action
            && !Action::ALL.iter().any(|action| action.as_str() == name)
        {
            let names: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
            return Err(Failure::Usage(format!(
                "there is no action {name}: use one of {}",
                names.join(", ")
            )));
        }
        let account = match account {
            Some(name) => Some(find(portcullis, &name).await?.id),
            None => None,
        };
        let events = portcullis
            .audit()
            .list(
                &Permit::dangerous_for_operator(),
                EventFilter {
                    account,
                    action,
                    trace,
                    api_key,
                    before,
                },
                limit,
            )
            .await?;
        let rows: Vec<Vec<Value>> = events.iter().map(row).collect();
        Ok(output.list(
            &[
                "at", "action", "actor", "account", "session", "api_key", "ip", "detail", "trace", "id",
            ],
            &rows,
        )?)
    }
}

fn row(event: &Event) -> Vec<Value> {
    vec![
        json!(event.at),
        json!(event.action),
        json!(event.actor),
        json!(event.account),
        json!(event.session),
        json!(event.api_key),
        json!(event.ip),
        json!(event.detail),
        json!(event.trace),
        json!(event.id),
    ]
}
