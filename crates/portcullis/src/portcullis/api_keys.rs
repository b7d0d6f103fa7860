//! What a deployment knows of API keys.

use std::sync::Arc;

use futures_util::future::join_all;
use portcullis_core::administration::ServiceAccounts;
use portcullis_core::api_key::{Expiring, Format, Settings, Store as _};
use portcullis_core::audit;
use portcullis_core::authn::Directory;
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::issuance;
use portcullis_core::issuance::ApiKeys;
use portcullis_core::job::Enqueued;
use portcullis_core::letter::About;
use portcullis_store::Database;

use super::builder::shared;
use super::{Builder, Portcullis};
use crate::api_key::letters::letters_about;
use crate::enforcer::Places;

/// What was said about API keys when the deployment was built.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) format: Format,
    pub(super) places: Places,
    pub(super) settings: Settings,
}

impl Keys {
    pub(super) fn build(
        &self,
        database: &Database,
        directory: &Arc<Directory>,
        environment: &Environment,
    ) -> ApiKeys {
        ApiKeys::new(issuance::Foundation {
            store: shared(database),
            permissions: shared(database),
            directory: Arc::clone(directory),
            environment: environment.clone(),
            format: self.format.clone(),
            settings: self.settings.clone(),
        })
    }
}

impl Builder {
    /// How API keys begin: `pk_live_` unless said otherwise. Keys made before a change are refused after it.
    pub fn api_key_format(mut self, format: Format) -> Self {
        self.api_keys.format = format;
        self
    }

    /// Where API keys stand in a request besides `Authorization: Bearer`: in `X-API-Key` unless said otherwise.
    pub fn api_key_places(mut self, places: Places) -> Self {
        self.api_keys.places = places;
        self
    }

    /// How API keys are handled.
    pub fn api_keys(mut self, settings: Settings) -> Self {
        self.api_keys.settings = settings;
        self
    }
}

impl Portcullis {
    /// Makes, changes and ends API keys.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.0.api_keys
    }

    /// Accounts that programs act as.
    pub fn service_accounts(&self) -> &ServiceAccounts {
        &self.0.service_accounts
    }

    /// Writes down when, and from where, keys were last used.
    pub(super) async fn write_used(&self) -> Result<(), Fault> {
        let authenticator = self.0.gate.authenticator();
        let used = authenticator.take_used();
        if used.is_empty() {
            return Ok(());
        }
        let written = self.0.database.note_used(used.clone()).await;
        if written.is_err() {
            authenticator.put_back_used(used);
        }
        written
    }

    /// Writes to the owners of keys that end within a week, each once. Of a key whose owner has no address, such as a
    /// service account, whoever made it is told, or the people who administer, and the log in any case. Called hourly by
    /// [`Portcullis::serve`].
    ///
    /// # Errors
    /// What the store says; whoever was not told, because the store failed or too many letters were written, is told by the
    /// next call.
    pub async fn warn_expiring(&self) -> Result<(), Fault> {
        let mut untold = Vec::new();
        let mut outcome = Ok(());
        // What is given back at once would be taken again by the next turn.
        while outcome.is_ok() {
            match self.api_keys().take_expiring(AT_ONCE).await {
                Ok(expiring) => {
                    let told = expiring.iter().map(|one| self.tell(one));
                    let told = join_all(told).await;
                    let failed = expiring.iter().zip(told).filter(|(_, told)| !told);
                    untold.extend(failed.map(|(one, _)| one.key.id));
                    if expiring.len() < AT_ONCE as usize {
                        break;
                    }
                }
                Err(fault) => outcome = Err(fault),
            }
        }
        if !untold.is_empty() {
            outcome = outcome.and(self.api_keys().give_back_expiring(untold).await);
        }
        outcome
    }

    /// Whether somebody is told, or there is nobody whom a letter could reach.
    async fn tell(&self, one: &Expiring) -> bool {
        let letters = letters_about(self.manners().public_url.as_ref(), one);
        if one.owner.email.is_none() || letters.is_empty() || !self.letters().reach_anybody() {
            let (key, owner, told) = (one.key.id, one.owner.id, letters.len());
            tracing::warn!(%key, %owner, told, expires_at = ?one.key.expires_at, "an API key expires soon");
        }
        if letters.is_empty() || !self.letters().reach_anybody() {
            return true;
        }
        let by = audit::Context::system(self.environment().now());
        let mut told = false;
        for letter in letters {
            let posted =
                self.letters()
                    .post(Some(letter), About::KeyExpiring, Some(one.owner.id), by.clone());
            match posted.await {
                Ok(posted) => told |= posted == Enqueued::Written,
                Err(fault) => {
                    tracing::warn!(%fault, key = %one.key.id, "that a key ends could not be written down");
                }
            }
        }
        told
    }
}

/// How many keys are taken at once.
const AT_ONCE: u32 = 100;
