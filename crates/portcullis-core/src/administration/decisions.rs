//! What administrators ask: why a request was refused, and what an account could do.

use std::sync::Arc;

use uuid::Uuid;

use super::dry_run::Imagined;
use super::{Asked, Outlook};
use crate::account;
use crate::authn::{AccountDirectory, Refused};
use crate::authz::explain::{Decision, Store};
use crate::authz::{DecisionContext, DecisionsRead, Permit};
use crate::fault::Fault;
use crate::session::Assurance;

/// Decisions, as administrators see them. Every call takes a [`Permit`].
#[derive(Clone)]
pub struct Decisions {
    store: Arc<dyn Store>,
    directory: Arc<AccountDirectory>,
    require_verified_email: bool,
}

/// What an account could do if it called now: a person after a fresh login, a service account with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Why it could not even log in.
    pub refused: Option<Refused>,
    /// What would come of each route, in the order they were asked for.
    pub routes: Vec<Outlook>,
}

impl Decisions {
    /// The decisions in `store`, and the accounts in `directory`. Whether unverified accounts are refused is what
    /// the [`Authenticator`](crate::authn::Authenticator) was told.
    pub fn new(
        store: Arc<dyn Store>,
        directory: Arc<AccountDirectory>,
        require_verified_email: bool,
    ) -> Self {
        Self {
            store,
            directory,
            require_verified_email,
        }
    }

    /// Why the request with this trace id was refused; `None` if it wasn't, or nothing is kept of it.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn find(
        &self,
        _permit: &Permit<DecisionsRead>,
        trace: Uuid,
    ) -> Result<Option<Decision>, Fault> {
        self.store.recall(trace).await
    }

    /// What the account could do at this moment and in the organization of `context`: a person with a fresh login of
    /// this assurance and no scopes, a service account with a key of all its permissions. `None` if there is no such
    /// account. Nobody is logged in for it.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn access(
        &self,
        _permit: &Permit<DecisionsRead>,
        (account, assurance): (account::Id, Assurance),
        asked: &[Asked],
        context: &DecisionContext<'_>,
    ) -> Result<Option<Capabilities>, Fault> {
        let Some(facts) = self.directory.read(account, context.now).await? else {
            return Ok(None);
        };
        let state = facts.account.state;
        let refused = (!state.may_act_where(self.require_verified_email)).then_some(Refused::Account(state));
        let imagined = Imagined::new(facts, assurance, context, refused);
        let routes = asked.iter().map(|asked| imagined.outlook(asked, context));
        Ok(Some(Capabilities {
            refused,
            routes: routes.collect(),
        }))
    }
}

impl std::fmt::Debug for Decisions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decisions").finish_non_exhaustive()
    }
}
