//! Built without policies: nothing is permitted by any.

use std::sync::Arc;

use portcullis_core::audit;
use portcullis_core::authz::{NoPolicies, Policies};
use portcullis_core::environment::Timestamp;

use super::{Asked, PoliciesError, PolicyStatus};

#[derive(Default)]
pub struct Keeper {}

impl Keeper {
    pub fn provider(&self) -> Arc<dyn Policies> {
        Arc::new(NoPolicies)
    }

    pub async fn declare(&self, _: &Asked, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub async fn reload(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub async fn watch(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub fn status(&self) -> PolicyStatus {
        PolicyStatus::default()
    }
}
