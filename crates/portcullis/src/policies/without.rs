//! Built without policies: nothing is permitted by any.

use std::sync::Arc;

use portcullis_core::audit;
use portcullis_core::authz::{NoPolicies, Policies};
use portcullis_core::environment::Timestamp;

use super::{Asked, PoliciesError, PolicyStatus};

#[derive(Default)]
pub(crate) struct Keeper;

impl Keeper {
    pub(crate) fn provider(&self) -> Arc<dyn Policies> {
        Arc::new(NoPolicies)
    }

    pub(crate) async fn declare(
        &self,
        _: &Asked,
        _: &dyn audit::Store,
        _: Timestamp,
    ) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub(crate) async fn reload(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub(crate) async fn watch(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub(crate) fn status(&self) -> PolicyStatus {
        PolicyStatus::default()
    }
}
