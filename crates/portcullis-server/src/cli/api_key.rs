//! `portcullis api-key`: makes, lists, changes, rotates and revokes API keys.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use portcullis_core::account;
use portcullis_core::api_key::{
    ApiKey, ApiKeysError, Change, ForeignKey, Id, Imported, KeyName, Networks, NewEnd, Renewal,
};
use portcullis_core::audit::Context;
use portcullis_core::authz::{ApiKeysRead, ApiKeysWrite, Permit};
use portcullis_core::environment::Timestamp;
use portcullis_core::issuance::{ChangeError, Form, IssuedKey, MayIssue};
use portcullis_core::throttle::Rate;
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::account::find;
use super::failure::Failure;
use super::key_import::secret_of;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key for a service account; its text is printed once and never again
    Create(Create),
    /// Make a key of a text that was made elsewhere, so that a program keeps the key that it has; once more changes nothing
    Import(Import),
    /// List the keys of an account, never their text
    List {
        /// The account's id, address or name
        account: String,
    },
    /// Change the name, the networks or the limit of a service account's key; what isn't named stays
    Set(Set),
    /// Give a key of a service account another text; it is printed once and never again
    Rotate {
        /// The service account's id or name
        account: String,
        /// The key's id
        key: Id,
        /// For how many seconds the present text stays good beside the new one; 0 ends every earlier text at once
        /// [default: api_keys.overlap, a day unless set]
        #[arg(long = "overlap", value_name = "SECONDS")]
        overlap: Option<u64>,
        /// When it ends from now on, such as 2027-01-31T00:00:00Z [default: when it did]
        #[arg(long, value_name = "TIME", value_parser = moment)]
        expires_at: Option<Timestamp>,
        /// Let it end never
        #[arg(long, conflicts_with = "expires_at")]
        never_expires: bool,
    },
    /// Refuse a key of a service account until it is enabled again
    Disable(Which),
    /// Honour a disabled key of a service account again
    Enable(Which),
    /// End a key of any account for ever
    Revoke {
        /// The account's id, address or name
        account: String,
        /// The key's id
        key: Id,
    },
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The service account's id or name
    account: String,
    /// What the key is called
    name: String,
    /// What it may do, such as posts:read; can be repeated
    #[arg(long = "allow", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// When it ends, such as 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires_at: Option<Timestamp>,
    /// An address or network it may be used from, such as 203.0.113.0/24; can be repeated [default: everywhere]
    #[arg(long = "from", value_name = "NETWORK")]
    networks: Vec<String>,
    /// How often it may be used, such as 100/minute [default: no limit]
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    limit: Option<Rate>,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// It is the SHA-256 of the text that is given, in hex or base64: whether the text is hard to guess is on you then
    #[arg(long)]
    sha256: bool,
    /// The file with the text in one line that nobody else may read; - reads it from stdin
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    #[command(flatten)]
    key: Create,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    #[command(flatten)]
    which: Which,
    /// What it is called from now on
    #[arg(long)]
    name: Option<String>,
    /// An address or network it may be used from, instead of those of before; can be repeated
    #[arg(long = "from", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Let it be used from everywhere
    #[arg(long, conflicts_with = "networks")]
    from_anywhere: bool,
    /// How often it may be used, such as 100/minute
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    limit: Option<Rate>,
    /// Let it be used as often as it likes
    #[arg(long, conflicts_with = "limit")]
    no_limit: bool,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The service account's id or name
    account: String,
    /// The key's id
    key: Id,
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Create(form) => create(portcullis, form, output).await,
            Self::Import(import) => self::import(portcullis, import, output).await,
            Self::Set(form) => set(portcullis, form, output).await,
            Self::List { account } => list(portcullis, &account, output).await,
            Self::Rotate {
                account,
                key,
                overlap,
                expires_at,
                never_expires,
            } => {
                let end = match expires_at {
                    Some(end) => NewEnd::At(end),
                    None if never_expires => NewEnd::Never,
                    None => NewEnd::AsBefore,
                };
                rotate(portcullis, (&account, key), (overlap, end), output).await
            }
            Self::Disable(which) => set_enabled(portcullis, which, false, output).await,
            Self::Enable(which) => set_enabled(portcullis, which, true, output).await,
            Self::Revoke { account, key } => revoke(portcullis, &account, key, output).await,
        }
    }
}

async fn create(portcullis: &Portcullis, form: Create, output: &Output) -> Result<(), Failure> {
    let (account, form) = parse(portcullis, form).await?;
    let permit = Permit::<MayIssue>::dangerous_for_operator();
    let keys = portcullis.api_keys();
    let issued = keys.create_for(&permit, account, form, by(portcullis)).await?;
    print(&issued, output)
}

async fn parse(portcullis: &Portcullis, form: Create) -> Result<(account::Id, Form), Failure> {
    let (name, networks) = (parse_name(&form.name)?, parse_networks(&form.networks)?);
    let account = find(portcullis, &form.account).await?;
    let form = Form {
        name,
        permissions: form.permissions,
        expires_at: form.expires_at,
        networks,
        limit: form.limit,
    };
    Ok((account.id, form))
}

async fn import(portcullis: &Portcullis, import: Import, output: &Output) -> Result<(), Failure> {
    let keys = portcullis.api_keys();
    let (account, form) = parse(portcullis, import.key).await?;
    let given = secret_of(&import.file)?;
    let text = given.expose();
    // One line, as `echo` and editors end it. Nothing else is taken away.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let key = if import.sha256 {
        ForeignKey::of_sha256(text)
    } else {
        ForeignKey::of_text(text, keys.format())
    };
    let key = key.map_err(|error| Failure::Failed(error.to_string()))?;
    let permit = Permit::<MayIssue>::dangerous_for_operator();
    let imported = keys
        .import_for(&permit, account, &key, form, by(portcullis))
        .await?;
    let Imported { key, is_new } = imported;
    let sentence = if is_new {
        format!("{} is imported: {}", key.id, key.hint)
    } else {
        format!("{} was imported before and stays as it is: {}", key.id, key.hint)
    };
    let object = json!({ "id": key.id, "hint": key.hint, "imported": is_new });
    Ok(output.done(&sentence, &object)?)
}

fn print(issued: &IssuedKey, output: &Output) -> Result<(), Failure> {
    let text = issued.secret.expose();
    let object = json!({ "id": issued.key.id, "key": text, "expires_at": issued.key.expires_at });
    let sentence = format!(
        "{text}\nKeep it now: it is never shown again. Its id is {}.",
        issued.key.id
    );
    Ok(output.secret(&sentence, &object)?)
}

fn parse_name(text: &str) -> Result<KeyName, Failure> {
    KeyName::parse(text).map_err(|error| Failure::Usage(format!("the name: {error}")))
}

fn parse_networks(texts: &[String]) -> Result<Networks, Failure> {
    Networks::parse(texts).map_err(|(place, error)| {
        let text = texts.get(place).map_or("", String::as_str);
        Failure::Usage(format!("--from {text}: {error}"))
    })
}

async fn set(portcullis: &Portcullis, form: Set, output: &Output) -> Result<(), Failure> {
    let fenced = form.from_anywhere || !form.networks.is_empty();
    let limited = form.no_limit || form.limit.is_some();
    let change = Change {
        name: form.name.as_deref().map(parse_name).transpose()?,
        networks: fenced.then(|| parse_networks(&form.networks)).transpose()?,
        limit: limited.then_some(form.limit),
        ..Change::default()
    };
    if change.name.is_none() && !fenced && !limited {
        let text = "say what to change: --name, --from or --from-anywhere, --limit or --no-limit";
        return Err(Failure::Usage(text.to_owned()));
    }
    let key = changed(portcullis, form.which, change).await?;
    Ok(output.record(&COLUMNS, &row(&key))?)
}

async fn changed(
    portcullis: &Portcullis,
    Which { account, key }: Which,
    change: Change,
) -> Result<ApiKey, Failure> {
    let account = find(portcullis, &account).await?;
    let permit = Permit::<ApiKeysWrite>::dangerous_for_operator();
    let keys = portcullis.api_keys();
    let changed = keys.change_for(&permit, account.id, key, change, by(portcullis));
    changed.await.map_err(|error| match error {
        ChangeError::Refused(ApiKeysError::UnknownKey) => unknown(key),
        other => other.into(),
    })
}

async fn rotate(
    portcullis: &Portcullis,
    (account, key): (&str, Id),
    (overlap, end): (Option<u64>, NewEnd),
    output: &Output,
) -> Result<(), Failure> {
    let account = find(portcullis, account).await?;
    let permit = Permit::<MayIssue>::dangerous_for_operator();
    let keys = portcullis.api_keys();
    let overlap = overlap.map_or(keys.settings().overlap, Duration::from_secs);
    let renewal = Renewal { overlap, end };
    let rotated = keys.rotate_for(&permit, account.id, key, renewal, by(portcullis));
    let issued = rotated.await.map_err(|error| match error {
        ApiKeysError::UnknownKey => unknown(key),
        other => other.into(),
    })?;
    print(&issued, output)
}

async fn set_enabled(
    portcullis: &Portcullis,
    which: Which,
    enabled: bool,
    output: &Output,
) -> Result<(), Failure> {
    let change = Change {
        enabled: Some(enabled),
        ..Change::default()
    };
    let key = changed(portcullis, which, change).await?.id;
    let word = if enabled { "enabled" } else { "disabled" };
    Ok(output.done(
        &format!("{key} is {word}"),
        &json!({ "id": key, "enabled": enabled }),
    )?)
}

fn unknown(key: Id) -> Failure {
    Failure::Failed(format!(
        "the account has no key {key}: `portcullis api-key list` shows all"
    ))
}

async fn list(portcullis: &Portcullis, account: &str, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, account).await?;
    let permit = Permit::<ApiKeysRead>::dangerous_for_operator();
    let keys = portcullis.api_keys().list_of(&permit, account.id).await?;
    let rows: Vec<Vec<Value>> = keys.iter().map(row).collect();
    Ok(output.list(&COLUMNS, &rows)?)
}

async fn revoke(portcullis: &Portcullis, account: &str, key: Id, output: &Output) -> Result<(), Failure> {
    let account = find(portcullis, account).await?;
    let permit = Permit::<ApiKeysWrite>::dangerous_for_operator();
    let keys = portcullis.api_keys();
    if !keys.revoke_for(&permit, account.id, key, by(portcullis)).await? {
        return Err(unknown(key));
    }
    Ok(output.done(
        &format!("{key} is revoked"),
        &json!({ "id": key, "revoked": true }),
    )?)
}

fn by(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    serde_json::from_value(json!(text)).map_err(|_| "write a moment such as 2027-01-31T00:00:00Z".to_owned())
}

fn row(key: &ApiKey) -> Vec<Value> {
    vec![
        json!(key.id),
        json!(key.name),
        json!(key.hint),
        json!(key.permissions),
        json!(key.enabled),
        json!(key.expires_at),
        json!(key.networks.to_texts()),
        json!(key.limit.map(|rate| rate.to_string())),
        json!(key.last_used.map(|(at, _)| at)),
        json!(key.last_used.and_then(|(_, from)| from)),
    ]
}

const COLUMNS: [&str; 10] = [
    "id",
    "name",
    "hint",
    "permissions",
    "enabled",
    "expires_at",
    "networks",
    "limit",
    "last_used_at",
    "last_used_ip",
];
