//! `portcullis account`: lists, makes, shows, disables and locks accounts, and proves addresses.

mod access;
mod text;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use portcullis_core::account::{
    Account, AccountState, EmailAddress, Id, Identifier, Login, Registration, Store as _, Username,
};
use portcullis_core::audit::Context;
use portcullis_core::authz::{AccountsRead, AccountsWrite, Permit, RolesRead, SessionsWrite};
use portcullis_core::defends;
use portcullis_core::session::{ApiKeyHandling, Everything};
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use self::text::{COLUMNS, called, object, row};
use super::failure::Failure;
use super::password;
use crate::config::Config;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List accounts, oldest first
    List {
        /// Only accounts after the one with this id: the next page
        #[arg(long, value_name = "ID")]
        after: Option<Id>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show an account, its roles and sessions
    Show(Named),
    /// Create an account; its password comes from a prompt, from stdin or from a file
    Create(Create),
    /// Refuse an account everywhere, end its sessions and tokens, and disable its API keys
    Disable(Named),
    /// Let a disabled account log in again; its API keys stay disabled until each is enabled
    Enable(Named),
    /// Refuse an account until it is unlocked; nothing it holds is taken away
    Lock(Named),
    /// Let a locked account in again
    Unlock(Named),
    /// Prove an account's address in the operator's name, where e-mails don't arrive; others who claim it lose it
    ProveEmail(Named),
    /// End all sessions and tokens of an account; says how many API keys it has left
    Logout(Logout),
    /// Show what an account could do on the server's routes with a fresh login (a service account: with an API key), and
    /// why not
    Access(Access),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its id, address or user name
    account: String,
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    named: Named,
    /// Disable its API keys too, until each is enabled again
    #[arg(long, conflicts_with = "revoke_keys")]
    disable_keys: bool,
    /// End its API keys too, for ever
    #[arg(long)]
    revoke_keys: bool,
}

#[derive(Debug, Args)]
pub(super) struct Access {
    /// Its id, address or user name
    account: String,
    /// Only routes that answer to this method
    #[arg(long)]
    method: Option<String>,
    /// Only routes that a request to this path could come to
    #[arg(long)]
    path: Option<String>,
    /// Imagine a login with a second factor
    #[arg(long)]
    second_factor: bool,
    /// The organization that the requests are for, by its id or slug: without it, what depends on one is left open
    #[arg(long)]
    organization: Option<String>,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("names").required(true).multiple(true).args(["email", "username"])))]
pub(super) struct Create {
    /// Its address; it counts as proven, in the operator's name, and others who claim it lose it
    #[arg(long)]
    email: Option<String>,
    /// Its user name
    #[arg(long)]
    username: Option<String>,
    /// Leave the address unproven: an e-mail asks its owner to confirm it
    #[arg(long, requires = "email")]
    unverified: bool,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Command {
    pub(super) async fn run(
        self,
        portcullis: &Portcullis,
        config: &Config,
        output: &Output,
    ) -> Result<(), Failure> {
        match self {
            Self::List { after, limit } => list(portcullis, after, limit, output).await,
            Self::Show(named) => show(portcullis, &named.account, output).await,
            Self::Create(form) => create(portcullis, form, output).await,
            Self::Disable(named) => set(portcullis, &named, AccountState::Disabled, output).await,
            Self::Enable(named) => reopen(portcullis, &named, AccountState::Disabled, output).await,
            Self::Lock(named) => set(portcullis, &named, AccountState::Locked, output).await,
            Self::Unlock(named) => reopen(portcullis, &named, AccountState::Locked, output).await,
            Self::ProveEmail(named) => prove_email(portcullis, &named, output).await,
            Self::Logout(asked) => log_out(portcullis, &asked, output).await,
            Self::Access(asked) => access::list(portcullis, config, &asked, output).await,
        }
    }
}

/// The account of this id, address or user name.
///
/// # Errors
/// [`Failure`] if there is none.
pub(super) async fn find(portcullis: &Portcullis, name: &str) -> Result<Account, Failure> {
    let name = name.trim();
    // In its one spelling: 32 hex digits could be somebody's name.
    let id = name.parse::<Id>().ok().filter(|id| id.to_string() == name);
    let found = match id {
        Some(id) => {
            portcullis
                .accounts()
                .find(&Permit::<AccountsRead>::dangerous_for_operator(), id)
                .await?
        }
        None => match Identifier::parse(name) {
            Some(identifier) => one_of(name, portcullis.database().find_logins(identifier).await?)?,
            None => None,
        },
    };
    let missing = || {
        Failure::Failed(format!(
            "there is no account {name:?}: `portcullis account list` shows all"
        ))
    };
    found.ok_or_else(missing)
}

/// The one account that an identifier leads to: whoever has proven the address, or its only claimant.
fn one_of(name: &str, found: Vec<Login>) -> Result<Option<Account>, Failure> {
    let mut accounts: Vec<Account> = found.into_iter().map(|login| login.account).collect();
    let proven = accounts
        .iter()
        .position(|account| account.email_verified_at.is_some());
    if let Some(proven) = proven {
        return Ok(Some(accounts.swap_remove(proven)));
    }
    if accounts.len() > 1 {
        let ids: Vec<String> = accounts.iter().map(|account| account.id.to_string()).collect();
        return Err(Failure::Failed(format!(
            "several accounts claim the address {name:?}, and none has proven it: name one by its user name or id, {}",
            ids.join(", ")
        )));
    }
    Ok(accounts.pop())
}

/// The same where the account is given something: it isn't named by an address that it merely claims.
///
/// # Errors
/// [`Failure`] if there is none, or `name` is an address that the account hasn't proven.
pub(super) async fn find_to_give(portcullis: &Portcullis, name: &str) -> Result<Account, Failure> {
    defends!("T092");
    let account = find(portcullis, name).await?;
    let by_address = matches!(
        Identifier::parse(name),
        Some(Identifier::Email(_) | Identifier::FormerEmail(_))
    );
    if by_address && account.email_verified_at.is_none() {
        return Err(Failure::Failed(format!(
            "nobody has proven the address {name:?}: whoever registered it may be somebody else. Name the account by its id, {}",
            account.id
        )));
    }
    Ok(account)
}

async fn list(
    portcullis: &Portcullis,
    after: Option<Id>,
    limit: u32,
    output: &Output,
) -> Result<(), Failure> {
    let permit = Permit::<AccountsRead>::dangerous_for_operator();
    let accounts = portcullis.accounts().list(&permit, after, limit).await?;
    show_all(&accounts, output)
}

/// Accounts, a line each.
pub(super) fn show_all(accounts: &[Account], output: &Output) -> Result<(), Failure> {
    let rows: Vec<Vec<Value>> = accounts.iter().map(row).collect();
    Ok(output.list(&COLUMNS, &rows)?)
}

async fn show(portcullis: &Portcullis, name: &str, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, name).await?;
    let permit = Permit::<RolesRead>::dangerous_for_operator();
    let roles = portcullis
        .roles()
        .of_account(&permit, account.id)
        .await?
        .unwrap_or_default();
    let sessions = portcullis.sessions().list(account.id).await?;
    let columns: Vec<&str> = COLUMNS
        .into_iter()
        .chain(["email_verified_at", "roles", "sessions"])
        .collect();
    let mut row = row(&account);
    row.extend([
        json!(account.email_verified_at),
        json!(roles),
        json!(sessions.len()),
    ]);
    Ok(output.record(&columns, &row)?)
}

async fn create(portcullis: &Portcullis, form: Create, output: &Output) -> Result<(), Failure> {
    let unverified = form.unverified;
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let email = form
        .email
        .map(|text| EmailAddress::parse(&text))
        .transpose()
        .map_err(|error| wrong(&error))?;
    let username = form
        .username
        .map(|text| Username::parse(&text))
        .transpose()
        .map_err(|error| wrong(&error))?;
    let password = password::read(form.password_file.as_deref())?;
    let form = Registration {
        email,
        username,
        password,
    };
    let account = if unverified {
        portcullis.register(form, by(portcullis)).await?.account
    } else {
        let permit = Permit::<AccountsWrite>::dangerous_for_operator();
        let by = by(portcullis);
        portcullis.register_vouched(&permit, form, by).await?
    };
    let text = format!(
        "{} was created ({}), id {}",
        called(&account),
        account.state.as_str(),
        account.id
    );
    Ok(output.done(&text, &object(&account))?)
}

async fn set(
    portcullis: &Portcullis,
    named: &Named,
    state: AccountState,
    output: &Output,
) -> Result<(), Failure> {
    let account = find(portcullis, &named.account).await?;
    let permit = Permit::<AccountsWrite>::dangerous_for_operator();
    let account = portcullis
        .accounts()
        .set_state(&permit, account.id, state, by(portcullis))
        .await?;
    let text = format!("{} is {}", called(&account), account.state.as_str());
    Ok(output.done(&text, &object(&account))?)
}

/// Makes an account active again that is in state `from`; an account in another state is left alone, so that
/// "unlock" never enables a disabled one.
async fn reopen(
    portcullis: &Portcullis,
    named: &Named,
    from: AccountState,
    output: &Output,
) -> Result<(), Failure> {
    let account = find(portcullis, &named.account).await?;
    if account.state != from {
        let mut text = format!(
            "{} is {}, not {}",
            called(&account),
            account.state.as_str(),
            from.as_str()
        );
        if account.state == AccountState::Unverified {
            text.push_str(&format!(
                ": `portcullis account prove-email {}` proves its address in your name",
                account.id
            ));
        }
        return Err(Failure::Failed(text));
    }
    set(portcullis, named, AccountState::Active, output).await
}

async fn prove_email(portcullis: &Portcullis, named: &Named, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, &named.account).await?;
    let permit = Permit::<AccountsWrite>::dangerous_for_operator();
    let account = portcullis
        .accounts()
        .prove_email(&permit, account.id, by(portcullis))
        .await?;
    let text = format!(
        "{} is {}, its address is proven",
        called(&account),
        account.state.as_str()
    );
    Ok(output.done(&text, &object(&account))?)
}

async fn log_out(portcullis: &Portcullis, asked: &Logout, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, &asked.named.account).await?;
    let permit = Permit::<SessionsWrite>::dangerous_for_operator();
    let keys = match (asked.disable_keys, asked.revoke_keys) {
        (_, true) => ApiKeyHandling::Revoke,
        (true, false) => ApiKeyHandling::Disable,
        (false, false) => ApiKeyHandling::Stay,
    };
    let ended = portcullis
        .sessions()
        .end_everything_of(&permit, account.id, keys, by(portcullis))
        .await?;
    let Everything {
        sessions,
        keys,
        keys_left,
    } = ended;
    let mut text = format!("{} is logged out: sessions ended: {sessions}", called(&account));
    if keys > 0 {
        text.push_str(&format!(", API keys ended: {keys}"));
    }
    if keys_left > 0 {
        text.push_str(&format!(
            "; API keys that go on: {keys_left} (--disable-keys or --revoke-keys ends them, too)"
        ));
    }
    let told = json!({
        "id": account.id,
        "sessions_ended": sessions,
        "api_keys_ended": keys,
        "api_keys_left": keys_left,
    });
    Ok(output.done(&text, &told)?)
}

fn gone() -> Failure {
    Failure::Failed("the account is gone".to_owned())
}

fn by(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}
