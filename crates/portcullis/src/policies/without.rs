//! Built without policies in files: what is permitted, functions permit.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_core::attribute::Declared;
use portcullis_core::audit;
use portcullis_core::authz::function::{InvalidFunction, PolicyFunction};
use portcullis_core::authz::{NoPolicies, Policies};
use portcullis_core::environment::Timestamp;

use super::functions::Functions;
use super::{Asked, PoliciesError, PolicyStatus};

#[derive(Clone, Default)]
pub struct Keeper {
    functions: Functions,
    /// Everything that was declared so far.
    asked: Arc<Mutex<Asked>>,
}

impl Keeper {
    pub fn function(mut self, function: PolicyFunction) -> Self {
        self.functions.push(function);
        self
    }

    /// Only policies in files name attributes: functions read them of their caller.
    pub fn attributes(self, _: &Declared) -> Self {
        self
    }

    pub fn check_functions(&self) -> Result<(), InvalidFunction> {
        self.functions.check()
    }

    pub fn provider(&self) -> Arc<dyn Policies> {
        self.functions.beside(Arc::new(NoPolicies))
    }

    pub async fn declare(
        &self,
        asked: &Asked,
        _: &dyn audit::Store,
        _: Timestamp,
    ) -> Result<(), PoliciesError> {
        let mut known = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.clone().and(asked);
        self.functions.fit(&all, &[])?;
        *known = all;
        Ok(())
    }

    pub async fn reload(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub async fn watch(&self, _: &dyn audit::Store, _: Timestamp) -> Result<(), PoliciesError> {
        Ok(())
    }

    pub fn status(&self) -> PolicyStatus {
        PolicyStatus {
            functions: self.functions.status(),
            ..PolicyStatus::default()
        }
    }
}
