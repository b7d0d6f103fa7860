//! Puts the policies of a deployment in force for the routes of its APIs, and keeps them up to date.

use super::Portcullis;
use crate::Api;
use crate::policies::{Asked, PoliciesError, PolicyStatus};
#[cfg(feature = "policies")]
use crate::policies::{PolicyFlaw, check_against};

impl Portcullis {
    /// Makes every action and every kind of resource that a route of `api` leaves to the policies known to them and
    /// puts them in force. Warns of actions that no policy can permit.
    ///
    /// Several APIs of one deployment may be declared one after the other: the policies may speak of all of them.
    ///
    /// # Errors
    /// [`PoliciesError`]: nothing is in force then, and everything the policies decide is refused.
    pub async fn declare_actions(&self, api: &Api) -> Result<(), PoliciesError> {
        self.policies()
            .declare(
                &Asked::by(api.routes()),
                self.database(),
                self.environment().now(),
            )
            .await
    }

    /// Reads the policies again and puts them in force.
    ///
    /// # Errors
    /// [`PoliciesError`]: the last good policies stay in force.
    pub async fn reload_policies(&self) -> Result<(), PoliciesError> {
        let now = self.environment().now();
        self.policies().reload(self.database(), now).await
    }

    /// Looks whether the policies changed; a change that is the same at two looks is loaded. Called every second by
    /// [`Portcullis::serve`].
    ///
    /// # Errors
    /// [`PoliciesError`], once for each bad change: the last good policies stay in force.
    pub async fn watch_policies(&self) -> Result<(), PoliciesError> {
        let now = self.environment().now();
        self.policies().watch(self.database(), now).await
    }

    /// The schema that policies for `api` are checked against, as Cedar writes it.
    ///
    /// # Errors
    /// [`PoliciesError::Declarations`] if what the routes declare makes no schema.
    #[cfg(feature = "policies")]
    pub fn policy_schema(&self, api: &Api) -> Result<String, PoliciesError> {
        self.policies().schema_text(&Asked::by(api.routes()))
    }

    /// Checks the policies of a folder as [`Portcullis::declare_actions`] would, without putting them in force.
    /// Returns what is worth knowing about them.
    ///
    /// # Errors
    /// [`PoliciesError`]: the folder can't be read, or the policies are wrong.
    #[cfg(feature = "policies")]
    pub async fn check_policies(
        &self,
        api: &Api,
        folder: impl Into<std::path::PathBuf>,
    ) -> Result<Vec<PolicyFlaw>, PoliciesError> {
        self.policies()
            .check(&Asked::by(api.routes()), folder.into())
            .await
    }

    /// The same for an application elsewhere, by the text that its [`Portcullis::policy_schema`] gave. Whoever checks
    /// needs nothing of the application then. What the schema declares stays in memory: for a tool that checks and ends.
    ///
    /// # Errors
    /// [`PoliciesError`]; [`PoliciesError::Declarations`] for a text that this version doesn't write.
    #[cfg(feature = "policies")]
    pub async fn check_policies_against(
        schema: &str,
        folder: impl Into<std::path::PathBuf>,
    ) -> Result<Vec<PolicyFlaw>, PoliciesError> {
        check_against(schema, folder.into()).await
    }

    /// Which policies are in force.
    pub fn policy_status(&self) -> PolicyStatus {
        self.policies().status()
    }
}
