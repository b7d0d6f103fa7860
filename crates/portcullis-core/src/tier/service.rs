//! What administrators do with tiers. Every change takes a [`Permit`].

use std::sync::Arc;

use super::{Kept, Store};
use crate::audit;
use crate::authz::{LimitsWrite, Permit};
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::throttle::{InvalidTiers, Tiers};

/// The tiers of a deployment.
#[derive(Clone)]
pub struct Keeper {
    store: Arc<dyn Store>,
    tiers: Tiers,
}

/// Why tiers were not changed; those of before are in force.
#[derive(Debug, thiserror::Error)]
pub enum TiersError {
    /// They are wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidTiers),
    /// There are more than may be.
    #[error("at most {} tiers are kept", Keeper::MOST)]
    TooMany,
    /// The store can't do its work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for TiersError {
    fn details(&self) -> Details {
        match self {
            Self::Invalid(_) => Details::field("/tiers", "invalid_tiers", self),
            Self::TooMany => Details::field("/tiers", "too_many_tiers", self),
            Self::Fault(fault) => fault.details(),
        }
    }
}

impl Keeper {
    /// How many tiers are kept.
    pub const MOST: usize = 100;

    /// Keeps `tiers` as `store` says.
    pub fn new(store: Arc<dyn Store>, tiers: Tiers) -> Self {
        Self { store, tiers }
    }

    /// Those that are in force, for limits to go by.
    pub const fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// Puts those that are kept in force, if there are any.
    ///
    /// # Errors
    /// [`Fault`]: they can't be read, or not understood; those of before stay in force.
    pub async fn reload(&self) -> Result<(), Fault> {
        let Some(kept) = self.store.tiers().await? else {
            return Ok(());
        };
        let texts = kept
            .tiers
            .iter()
            .map(|(name, limits)| (name.clone(), limits.to_string()));
        let replaced = self.tiers.replace(&kept.default, texts);
        replaced.map_err(|wrong| Fault::Corrupt(format!("the tiers that are kept: {wrong}")))
    }

    /// Puts these in the place of all others, on every node.
    ///
    /// # Errors
    /// [`TiersError`]; nothing was changed.
    pub async fn replace(
        &self,
        permit: &Permit<LimitsWrite>,
        default: &str,
        tiers: impl IntoIterator<Item = (String, String)>,
        by: audit::Context,
    ) -> Result<(), TiersError> {
        let kept = Kept::from(&Tiers::new(default, tiers)?);
        if kept.tiers.len() > Self::MOST {
            return Err(TiersError::TooMany);
        }
        self.store.set_tiers(kept, permit.sign(by)).await?;
        Ok(self.reload().await?)
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("tiers", &self.tiers)
            .finish_non_exhaustive()
    }
}
