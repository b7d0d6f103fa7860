//! Opens the database under its master key, and remembers that it did.

use std::time::Duration;

use portcullis_store::{Database, Settings};

use super::super::{Portcullis, master_key};
use super::{Builder, OpenError};
use crate::cookie::Cookies;
use crate::enforcer::Realm;
use crate::secrets;

impl Builder {
    /// How often other processes' changes are read: every 250 ms. The stated bound of a second needs at most 500 ms.
    pub fn follow(mut self, interval: Duration) -> Self {
        self.follow = interval;
        self
    }

    /// How many verified credentials are remembered: 100,000. Of accounts apart from them, a quarter as many.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    pub(super) async fn open_records(
        mut self,
        appearance: (Cookies, Realm),
    ) -> Result<Portcullis, OpenError> {
        let mut kept = None;
        let master_key = if let Some(key) = self.master_key.take() {
            key
        } else {
            let (secrets, path) = master_key::beside(&self.url, &self.environment)?;
            kept = path;
            self = self.refuse_empty(secrets.sealed);
            secrets.master_key
        };
        let mut settings = Settings::default();
        settings.blank = self.blank;
        let database = Database::open_with(&self.url, &settings).await?;
        database.require_verified_email(self.sessions.require_verified_email);
        self.own.make_tables(&database).await?;
        let opened = self.build(database, master_key, appearance).await?;
        // What a first start makes is in the file before anybody can copy it without its log.
        if let Err(fault) = opened.settle().await {
            tracing::debug!(%fault, "the log couldn't be moved into the file; it is later");
        }
        if let Some(path) = kept {
            secrets::note_sealed_or_log(&path);
        }
        Ok(opened)
    }
}
