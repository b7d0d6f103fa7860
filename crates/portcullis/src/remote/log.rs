//! Where a resource server's denials go: into its log. There is no audit log without a database.

use async_trait::async_trait;
use portcullis_core::audit::{Context, Event, Filter, Refusal, Store};
use portcullis_core::fault::Fault;

/// Keeps nothing: every denial was logged when it was decided.
pub(super) struct LogOnly;

#[async_trait]
impl Store for LogOnly {
    async fn append(&self, _: Refusal, _: Context) -> Result<(), Fault> {
        Ok(())
    }

    async fn list(&self, _: Filter, _: u32) -> Result<Vec<Event>, Fault> {
        Ok(Vec::new())
    }
}
