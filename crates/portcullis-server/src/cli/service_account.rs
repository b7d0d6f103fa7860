//! `portcullis service-account`: makes, lists and disables the accounts of programs.

use clap::Subcommand;
use portcullis_core::account::{Account, AccountKind, AccountState, Id, Username};
use portcullis_core::audit::Context;
use portcullis_core::authz::{AccountsRead, AccountsWrite, Permit};
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::account::find;
use super::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account for a program: it never logs in, has keys and roles
    Create {
        /// Its name
        name: String,
    },
    /// List service accounts, oldest first
    List {
        /// Only accounts after the one with this id: the next page
        #[arg(long, value_name = "ID")]
        after: Option<Id>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Refuse all keys of a service account until it is enabled (`portcullis account enable`)
    Disable {
        /// Its id or name
        account: String,
    },
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Create { name } => create(portcullis, &name, output).await,
            Self::List { after, limit } => list(portcullis, after, limit, output).await,
            Self::Disable { account } => disable(portcullis, &account, output).await,
        }
    }
}

async fn create(portcullis: &Portcullis, name: &str, output: &Output) -> Result<(), Failure> {
    let name = Username::parse(name).map_err(|error| Failure::Usage(error.to_string()))?;
    let permit = Permit::<AccountsWrite>::dangerous_for_operator();
    let accounts = portcullis.service_accounts();
    let account = accounts.create(&permit, name, by(portcullis)).await?;
    let text = format!(
        "{} was made, id {}; give it a role next",
        called(&account),
        account.id
    );
    Ok(output.done(&text, &object(&account))?)
}

async fn list(
    portcullis: &Portcullis,
    after: Option<Id>,
    limit: u32,
    output: &Output,
) -> Result<(), Failure> {
    let permit = Permit::<AccountsRead>::dangerous_for_operator();
    let accounts = portcullis.service_accounts().list(&permit, after, limit).await?;
    let row = |account: &Account| {
        vec![
            json!(account.id),
            json!(account.username),
            json!(account.state.as_str()),
            json!(account.created_at),
        ]
    };
    let rows: Vec<Vec<Value>> = accounts.iter().map(row).collect();
    Ok(output.list(&["id", "name", "state", "created_at"], &rows)?)
}

async fn disable(portcullis: &Portcullis, account: &str, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, account).await?;
    if account.kind != AccountKind::Service {
        let text = "that is a person's account: use `portcullis account disable`";
        return Err(Failure::Failed(text.to_owned()));
    }
    let permit = Permit::<AccountsWrite>::dangerous_for_operator();
    let accounts = portcullis.accounts();
    let account = accounts
        .set_state(&permit, account.id, AccountState::Disabled, by(portcullis))
        .await?;
    let text = format!("{} is {}", called(&account), account.state.as_str());
    Ok(output.done(&text, &object(&account))?)
}

fn by(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}

fn called(account: &Account) -> String {
    account.username.clone().unwrap_or_else(|| account.id.to_string())
}

fn object(account: &Account) -> Value {
    json!({ "id": account.id, "name": account.username, "state": account.state.as_str() })
}
