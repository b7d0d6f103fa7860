//! Writes e-mails down until they are sent.

use std::fmt;
use std::sync::Arc;

use super::{About, Email, Settings};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::job::{self, Job, JobKind, NewJob};
use crate::key::Sealer;
use crate::{account, audit, defends};

/// An e-mail that waits can't be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a queued e-mail can't be read: {0}")]
pub struct Undeliverable(String);

/// Role: outbox. Makes an e-mail into a job, and a job into an e-mail.
pub struct Outbox {
    sealer: Arc<Sealer>,
    environment: Environment,
    settings: Settings,
}

impl Outbox {
    /// An outbox whose e-mails wait under this sealer.
    pub fn new(sealer: Arc<Sealer>, environment: Environment, settings: Settings) -> Self {
        Self {
            sealer,
            environment,
            settings,
        }
    }

    /// The job that sends the e-mail, to be written by a verb of the store. `account` is whom it is about.
    ///
    /// # Errors
    /// If it can't be sealed.
    pub fn write(
        &self,
        email: &Email,
        about: About,
        account: Option<account::Id>,
        by: &audit::Context,
    ) -> Result<NewJob, Fault> {
        defends!("T015");
        let id = job::Id::new(&self.environment);
        let fault = |error: String| Fault::Other(format!("an e-mail can't be written down: {error}"));
        let plain = serde_json::to_vec(email).map_err(|error| fault(error.to_string()))?;
        let plain = zeroize::Zeroizing::new(plain);
        let payload = self.sealer.seal(PURPOSE, id.as_uuid().as_bytes(), &plain);
        Ok(NewJob {
            id,
            kind: JobKind::Email,
            label: about.label(),
            account,
            payload: payload.map_err(|error| fault(error.to_string()))?,
            run_at: by.at,
            ends_at: by.at.plus(about.lasts()),
            budgets: self.settings.budgets(&email.to, about, account, by),
        })
    }

    /// The e-mail of a job.
    ///
    /// # Errors
    /// [`Undeliverable`]: it was sealed under another key, or changed.
    pub fn open(&self, job: &Job) -> Result<Email, Undeliverable> {
        let opened = self
            .sealer
            .open(PURPOSE, job.id.as_uuid().as_bytes(), &job.payload)
            .map_err(|error| Undeliverable(error.to_string()))?;
        serde_json::from_slice(opened.expose())
            .map_err(|_| Undeliverable("it was written by another version".to_owned()))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

const PURPOSE: &str = "letter";
