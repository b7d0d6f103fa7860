//! What a deployment knows of API keys.

use std::sync::Arc;

use portcullis_core::administration::ServiceAccounts;
use portcullis_core::api_key::{Format, Settings, Store as _, Warned, Warning};
use portcullis_core::authn::AccountDirectory;
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::issuance::{self, ApiKeys};
use portcullis_store::Database;

use super::builder::shared;
use super::{Builder, Portcullis};
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
        directory: &Arc<AccountDirectory>,
        environment: &Environment,
    ) -> ApiKeys {
        ApiKeys::new(issuance::ApiKeysParts {
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
    /// [`Fault`] if the store can't do its work; whoever was not told, for that or because too many e-mails were
    /// written, is told by the next call.
    pub async fn warn_expiring(&self) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let words = Arc::clone(&self.0.words);
            let warnings = self.api_keys().warn_expiring(after, AT_ONCE, words).await?;
            self.emails().wake();
            warnings.iter().for_each(log);
            let full = warnings.len() == AT_ONCE as usize;
            let last = warnings.last().map(|last| &last.expiring.key);
            after = last.and_then(|key| Some((key.expires_at?, key.id)));
            if !full || after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Says what no e-mail says to the key's owner.
fn log(Warning { expiring, outcome }: &Warning) {
    let (key, owner, expires_at) = (&expiring.key.id, &expiring.owner, expiring.key.expires_at);
    match *outcome {
        Warned::Untold => {
            tracing::warn!(%key, "e-mail limit reached; the notice that an API key expires is sent later");
        }
        Warned::Told(told) if told == 0 || owner.email.is_none() => {
            tracing::warn!(%key, owner = %owner.id, told, ?expires_at, "an API key expires soon");
        }
        Warned::Told(_) => {}
    }
}

/// How many keys are taken in one transaction.
const AT_ONCE: u32 = 20;
