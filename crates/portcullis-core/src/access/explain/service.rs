//! What administrators ask: why a request was refused, and what an account could do.

use std::sync::Arc;

use uuid::Uuid;

use super::{Decision, Explanation, Store, explain};
use crate::access::{
    CredentialKind, DecisionsRead, Directory, Facts, Permit, Principal, Refused, Rule, Scopes, Situation,
};
use crate::account;
use crate::fault::Fault;
use crate::session::{Assurance, Method};

/// Decisions, as administrators see them. Every call takes a [`Permit`].
#[derive(Clone)]
pub struct Decisions {
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    require_verified_email: bool,
}

/// What an account could do if it logged in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Why it could not even log in.
    pub refused: Option<Refused>,
    /// Each rule's explanation, in the order they were asked for.
    pub rules: Vec<Explanation>,
}

impl Decisions {
    /// The decisions in `store`, and the accounts in `directory`. Whether unverified accounts are refused is what
    /// the [`Authenticator`](crate::access::Authenticator) was told.
    pub fn new(store: Arc<dyn Store>, directory: Arc<Directory>, require_verified_email: bool) -> Self {
        Self {
            store,
            directory,
            require_verified_email,
        }
    }

    /// Why the request with this trace id was refused; `None` if it wasn't, or nothing is kept of it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn find(
        &self,
        _permit: &Permit<DecisionsRead>,
        trace: Uuid,
    ) -> Result<Option<Decision>, Fault> {
        self.store.recall(trace).await
    }

    /// What the account could do at this moment with a fresh login of this assurance and no scopes; `None` if there
    /// is no such account. Nobody is logged in for it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn access(
        &self,
        _permit: &Permit<DecisionsRead>,
        (account, assurance): (account::Id, Assurance),
        rules: &[Rule],
        situation: &Situation<'_>,
    ) -> Result<Option<Access>, Fault> {
        let Some(facts) = self.directory.read(account, situation.now).await? else {
            return Ok(None);
        };
        let state = facts.account.state;
        let imagined = imagine(facts, assurance, situation);
        Ok(Some(Access {
            refused: (!state.may_act_where(self.require_verified_email)).then_some(Refused::Account(state)),
            rules: rules
                .iter()
                .map(|rule| explain(rule, &imagined, situation))
                .collect(),
        }))
    }
}

/// The principal of a login made this moment. It never leaves this file: no permit is made of it.
fn imagine(facts: Arc<Facts>, assurance: Assurance, situation: &Situation<'_>) -> Principal {
    Principal {
        effective: facts.permissions.clone(),
        facts,
        kind: CredentialKind::Session,
        session: None,
        token: None,
        method: Some(Method::Password),
        assurance: Some(assurance),
        authenticated_at: Some(situation.now),
        scopes: Scopes::Everything,
        key: None,
    }
}

impl std::fmt::Debug for Decisions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decisions").finish_non_exhaustive()
    }
}
