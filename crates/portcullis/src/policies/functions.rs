//! The policies of a deployment that are functions of the program.

use std::sync::Arc;

use portcullis_core::authz::function::{self, InvalidFunction, PolicyFunction, WithFunctions};
use portcullis_core::authz::{Policies, ResourceKind};
use portcullis_core::defends;

use super::{Asked, FunctionStatus};

/// The functions, in the order in which they were given.
#[derive(Debug, Clone, Default)]
pub(super) struct Functions(Vec<PolicyFunction>);

impl Functions {
    pub(super) fn push(&mut self, function: PolicyFunction) {
        self.0.push(function);
    }

    /// What is told of them.
    pub(super) fn status(&self) -> Vec<FunctionStatus> {
        let functions = self.0.iter();
        functions
            .map(|function| FunctionStatus {
                name: function.name(),
                actions: function.actions().to_vec(),
            })
            .collect()
    }

    /// Whether they are right by themselves.
    pub(super) fn check(&self) -> Result<(), InvalidFunction> {
        function::check(&self.0)
    }

    /// What decides by them and by what is beside them.
    pub(super) fn beside(&self, rest: Arc<dyn Policies>) -> Arc<dyn Policies> {
        if self.0.is_empty() {
            return rest;
        }
        Arc::new(WithFunctions::new(self.0.clone().into(), rest))
    }

    /// Whether one of them could permit the action.
    #[cfg(feature = "policies")]
    pub(super) fn speak_of(&self, action: &str) -> bool {
        self.0.iter().any(|function| function.actions().contains(&action))
    }

    /// Whether they fit what is asked: a slip of the pen in an action would leave it open, and what is listed can't be
    /// asked one by one.
    pub(super) fn fit(
        &self,
        asked: &Asked,
        further: &[&'static ResourceKind],
    ) -> Result<(), InvalidFunction> {
        defends!("T215");
        self.check()?;
        let kinds = || asked.kinds.iter().chain(further);
        let is_asked = |action: &str| {
            asked.actions.contains(&action) || kinds().any(|kind| kind.actions.contains(&action))
        };
        for function in &self.0 {
            let name = || function.name().to_owned();
            for &action in function.actions() {
                if !is_asked(action) {
                    return Err(InvalidFunction::Unasked {
                        function: name(),
                        action: action.to_owned(),
                    });
                }
                if let Some((_, kind)) = asked.lists.iter().find(|(listed, _)| *listed == action) {
                    return Err(InvalidFunction::Listed {
                        function: name(),
                        action: action.to_owned(),
                        kind: (*kind).to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether none of the policies beside them has the name of one of them.
    #[cfg(feature = "policies")]
    pub(super) fn differ_from(&self, names: &[String]) -> Result<(), InvalidFunction> {
        let twice = self
            .0
            .iter()
            .find(|function| names.iter().any(|name| name == function.name()));
        twice.map_or(Ok(()), |function| {
            Err(InvalidFunction::Twice(function.name().to_owned()))
        })
    }
}
