//! Where a resource server's denials go: into its log. There is no audit log without a database.

use async_trait::async_trait;
use portcullis_core::audit::{self, Context, Event, EventFilter, Occurrence};
use portcullis_core::authz::Decision;
use portcullis_core::authz::explain::{Bounds, Store};
use portcullis_core::fault::Fault;
use uuid::Uuid;

/// Keeps nothing: every denial was logged when it was decided.
pub(super) struct LogOnly;

#[async_trait]
impl audit::Store for LogOnly {
    async fn append(&self, _: Occurrence, _: Context) -> Result<(), Fault> {
        Ok(())
    }

    async fn list(&self, _: EventFilter, _: u32) -> Result<Vec<Event>, Fault> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Store for LogOnly {
    async fn keep(&self, _: Decision, _: Context) -> Result<(), Fault> {
        Ok(())
    }

    async fn recall(&self, _: Uuid) -> Result<Option<Decision>, Fault> {
        Ok(None)
    }

    async fn forget(&self, _: Bounds, _: u32) -> Result<u64, Fault> {
        Ok(0)
    }
}
