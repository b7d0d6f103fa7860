//! From a configuration to an open [`Portcullis`].
//!
//! Order: the data folder, the secrets, the database, the composition. What fails says which file or address it was
//! about and what to do, in one line.

mod files;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use portcullis_core::email::MailError;
use portcullis_core::fault::Fault;
use portcullis_identity::secrets::{self, SecretsError};
use portcullis_identity::{OpenError, Portcullis, environment};
use url::Url;

use crate::config::{Config, Mode};
use crate::mail::{Transport, mailer};

/// Why nothing could be opened. Nothing was changed but for files that were made new.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The data folder can't be made.
    #[error("the data folder {folder} can't be made: {reason}; name another with --data")]
    Folder {
        /// The folder's path.
        folder: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Others may use folder or database.
    #[error(transparent)]
    Exposed(#[from] files::Exposed),
    /// There is nothing to work on yet.
    #[error(
        "there is no database {0}: start the server once with `portcullis serve`, or name another with --data"
    )]
    NoDatabase(String),
    /// The secrets file is missing, unreadable, damaged or not private.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The mail server's settings.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The database is none, or is broken.
    #[error(
        "the database {database} is damaged or no database at all: {reason}; restore it from a backup, or name \
         another with --database"
    )]
    NotADatabase {
        /// The database's address, as it may be shown.
        database: String,
        /// What the database's library says.
        reason: String,
    },
    /// The database has nothing in it, and had once.
    #[error(
        "the database {database} is empty ({reason}), but the secrets file {secrets} has sealed one before: {advice}; to \
         begin anew, move the secrets file away"
    )]
    Emptied {
        /// The database's address, as it may be shown.
        database: String,
        /// What is missing in it.
        reason: String,
        /// The path of the secrets file.
        secrets: String,
        /// What may have happened.
        advice: String,
    },
    /// The database can't be opened, for any other reason.
    #[error("{database}: {fault}")]
    Database {
        /// The database's address, as it may be shown.
        database: String,
        /// Why the database can't be opened.
        fault: Fault,
    },
    /// The keys or the threads.
    #[error(transparent)]
    Open(OpenError),
}

/// Whether a database that isn't there may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// By the server: yes.
    Create,
    /// By a command: whoever mistypes a folder should be told.
    Refuse,
}

/// Opens everything that `config` names.
///
/// # Errors
/// [`StartError`], which says what to do.
pub(crate) async fn open(
    config: &Config,
    public_url: Option<&Url>,
    missing: Missing,
) -> Result<Portcullis, StartError> {
    let database = known_database(config);
    if missing == Missing::Refuse && database == secrets::Database::New && config.database.file.is_some() {
        return Err(StartError::NoDatabase(config.database.shown.clone()));
    }
    make_folder(&config.server.data)?;
    files::check(config)?;
    let environment = environment::system();
    let secrets = secrets::load_or_create(&config.server.master_key_file, &database, &environment)?;
    let mut builder = Portcullis::builder()
        .database(config.database.address.expose())
        .master_key(secrets.master_key)
        .refuse_empty(secrets.sealed)
        .mailer(mailer(&config.mail, public_url, &environment)?)
        .environment(environment)
        .realm(config.server.realm.as_str())
        .passwords(config.passwords.hashing.clone())
        .password_policy(config.passwords.policy.clone())
        .sessions(config.sessions.settings.clone())
        .session_store(config.sessions.store.clone())
        .rate_counts(config.rate_limits.counts.clone())
        .limit_headers(config.rate_limits.headers)
        .cookies(config.cookies.clone())
        .proxies(config.proxies.clone())
        .tokens(config.tokens.settings.clone())
        .algorithm(config.tokens.algorithm)
        .key_age(config.tokens.key_age)
        .api_key_format(config.api_keys.format.clone())
        .api_key_places(config.api_keys.places.clone())
        .api_keys(config.api_keys.settings.clone())
        .password_grant(config.server.password_grant)
        .require_verified_email(config.server.require_verified_email)
        .emails(config.emails)
        .organizations(config.organizations.settings);
    let listen = config.server.listen.ip();
    if !listen.is_unspecified() {
        builder = builder.host(&listen.to_string());
    }
    for name in &config.server.hosts {
        builder = builder.host(name);
    }
    if let Some(domain) = &config.organizations.base_domain {
        builder = builder.base_domain(domain);
    }
    if let Some(page) = &config.organizations.invitation_url {
        builder = builder.invitation_url(page.clone());
    }
    if let Some(url) = public_url {
        builder = builder.public_url(url.clone());
    }
    if let Some(folder) = &config.policies.directory {
        builder = builder.policies(folder);
    }
    let portcullis = builder.open().await.map_err(|error| explain(config, error))?;
    // Only the next start needs it.
    if let Err(error) = secrets::note_sealed(&config.server.master_key_file) {
        tracing::debug!(%error, "it can't be noted in the secrets file that it sealed a database");
    }
    Ok(portcullis)
}

/// Whether the database has been used before. A file of no bytes holds nothing that was sealed.
fn known_database(config: &Config) -> secrets::Database {
    match &config.database.file {
        Some(file) if fs::metadata(file).is_ok_and(|found| found.len() > 0) => {
            secrets::Database::Existing(config.database.shown.clone())
        }
        _ => secrets::Database::New,
    }
}

fn make_folder(folder: &Path) -> Result<(), StartError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|reason| StartError::Folder {
        folder: folder.display().to_string(),
        reason,
    })
}

fn explain(config: &Config, error: OpenError) -> StartError {
    let database = config.database.shown.clone();
    match error {
        OpenError::Database(Fault::Corrupt(reason)) => StartError::NotADatabase { database, reason },
        OpenError::Database(Fault::Empty(reason)) => StartError::Emptied {
            advice: emptied(config),
            secrets: config.server.master_key_file.display().to_string(),
            database,
            reason,
        },
        OpenError::Database(fault) => StartError::Database { database, fault },
        other => StartError::Open(other),
    }
}

fn emptied(config: &Config) -> String {
    match &config.database.file {
        Some(file) => format!(
            "if it was copied without its log, put {}-wal beside it, too, or restore another backup",
            file.display()
        ),
        None => "check its address, or restore a backup".to_owned(),
    }
}

/// Says what a deployer should know before somebody waits for an e-mail.
pub(crate) fn warn(config: &Config) {
    let development = config.server.mode == Mode::Development;
    match &config.mail {
        Transport::Nowhere => tracing::warn!(
            "no mail server is configured: e-mails can't be sent and addresses can't be confirmed; set mail.smtp and \
             mail.from"
        ),
        Transport::Folder(_) if development && !config.server.listen.ip().is_loopback() => tracing::warn!(
            "development mode on an address that others reach: whoever reads the log can confirm any address"
        ),
        Transport::Folder(folder) => {
            tracing::info!(folder = %folder.display(), "development mode: e-mails are written to files");
        }
        Transport::Smtp(_) => {}
    }
}
