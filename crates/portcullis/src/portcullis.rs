//! The composition: one database, one key ring, one authenticator, and the services the routes call.
//!
//! Nothing is decided here. [`Builder`] gathers settings, [`Builder::open`] opens the database and builds every role
//! of `portcullis-core` once; [`Portcullis`] is a cheap handle to them.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::access::{self, Authenticator, Directory, PermissionRecord, PermissionRef, Roles};
use portcullis_core::account::{Letter, Mailer, Registrar};
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::{Invalidation, Marks};
use portcullis_core::key::{Keyring, MasterKey, Sealer};
use portcullis_core::token::{Issuer, Verifier};
use portcullis_core::{audit, key, password, session, token};
use portcullis_store::Database;
use url::Url;

use crate::enforcer::Gate;
use crate::mail::Silent;
use crate::upkeep::Upkeep;

/// Why Portcullis could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The signing keys.
    #[error("the signing keys can't be opened: {0}")]
    Keys(#[from] key::KeyringError),
    /// The master key's file.
    #[error(transparent)]
    Secrets(#[from] crate::secrets::SecretsError),
    /// A setting.
    #[error("{0}")]
    Setting(String),
    /// The hashing threads.
    #[error("the hashing threads can't be started: {0}")]
    Threads(#[source] std::io::Error),
}

/// Whether an outsider may learn which addresses have accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enumeration {
    /// Registering a taken address answers 409.
    #[default]
    Allowed,
    /// Registering answers the same whether or not the address is taken; its owner gets a letter.
    Hidden,
}

/// What HTTP needs to know beyond the rules.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Where people reach this server; the only source of mailed links.
    pub(crate) public_url: Url,
    /// Whether `grant_type=password` is answered.
    pub(crate) password_grant: bool,
    /// Whether taken addresses are hidden.
    pub(crate) enumeration: Enumeration,
}

/// Gathers what a [`Portcullis`] is made of. Everything has a safe default but the master key.
pub struct Builder {
    url: String,
    database: Option<Database>,
    master_key: Option<MasterKey>,
    environment: Environment,
    mailer: Arc<dyn Mailer>,
    manners: Manners,
    passwords: password::Settings,
    policy: password::Policy,
    sessions: session::Settings,
    tokens: token::Settings,
    keys: key::Settings,
    permissions: Vec<PermissionRef>,
    capacity: usize,
}

impl Builder {
    fn new() -> Result<Self, OpenError> {
        let public_url = Url::parse("http://127.0.0.1:8080/").map_err(|e| OpenError::Setting(e.to_string()))?;
        Ok(Self {
            url: "sqlite:portcullis.db".to_owned(),
            database: None,
            master_key: None,
            environment: crate::environment::system(),
            mailer: Arc::new(Silent),
            manners: Manners { public_url, password_grant: true, enumeration: Enumeration::default() },
            passwords: password::Settings::default(),
            policy: password::Policy::default(),
            sessions: session::Settings::default(),
            tokens: token::Settings::default(),
            keys: key::Settings::default(),
            permissions: Vec::new(),
            capacity: 100_000,
        })
    }
}
