//! Whether identifier and password belong to somebody who may act: what a login and HTTP Basic have in common.
//!
//! Flow: [`Passwords::find`] looks the identifier up, [`Passwords::judge`] hashes (a dummy for nobody, `T012`) and
//! then judges the account's state. In two steps, so that a caller who remembers the result can note before the
//! second what the account was at the first.

use std::sync::Arc;

use super::{Account, Id, Identifier, Login, State, Store};
use crate::defends;
use crate::fault::Fault;
use crate::password::{HashError, Hasher, Password, Verdict};
use crate::secret::SecretText;

/// Role: checks passwords.
pub struct Passwords {
    accounts: Arc<dyn Store>,
    hasher: Arc<Hasher>,
    require_verified_email: bool,
}

/// Why identifier and password let nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Nobody has the identifier, or its account has no password.
    #[error("unknown identifier")]
    UnknownIdentifier,
    /// It isn't the account's password.
    #[error("wrong password")]
    WrongPassword,
    /// The password was right, but the account may not act.
    #[error("account {}", .0.as_str())]
    State(State),
}

/// A [`Mismatch`], and the account it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotProven {
    /// Whose identifier it was.
    pub account: Option<Id>,
    /// What was wrong.
    pub reason: Mismatch,
}

/// Why it couldn't be found out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PasswordsError {
    /// The password couldn't be checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Passwords {
    /// Checks the passwords of the accounts in `accounts`; without a proven address too, unless that is required.
    pub fn new(accounts: Arc<dyn Store>, hasher: Arc<Hasher>, require_verified_email: bool) -> Self {
        Self {
            accounts,
            hasher,
            require_verified_email,
        }
    }

    /// The account an identifier leads to, as typed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn find(&self, identifier: &str) -> Result<Option<Login>, Fault> {
        match Identifier::parse(identifier) {
            Some(identifier) => self.accounts.find_login(identifier).await,
            None => Ok(None),
        }
    }

    /// The account if the password is its own and it may act. An outdated hash is renewed.
    ///
    /// # Errors
    /// [`PasswordsError`]; a full pool is [`HashError::Overloaded`].
    pub async fn judge(
        &self,
        found: Option<Login>,
        password: &SecretText,
    ) -> Result<Result<Account, NotProven>, PasswordsError> {
        defends!("T084");
        let id = found.as_ref().map(|login| login.account.id);
        let not = |reason| Ok(Err(NotProven { account: id, reason }));
        // A password too long to be anybody's costs what a wrong one costs: without the hash, refusals would come, and
        // be written, as fast as requests do, and their time would tell them from others.
        let password = Password::new(password);
        let stored = found
            .as_ref()
            .filter(|_| password.is_some())
            .and_then(|login| Some((login.account.id, login.password.as_ref()?)));
        let verdict = self.hasher.verify(stored, password.unwrap_or_default()).await?;
        let Some(Login {
            account,
            password: Some(sealed),
        }) = found
        else {
            return not(Mismatch::UnknownIdentifier);
        };
        match verdict {
            Verdict::Mismatch => return not(Mismatch::WrongPassword),
            Verdict::MatchRenew(renewed) => {
                self.accounts.rehash(account.id, sealed, renewed).await?;
            }
            Verdict::Match => {}
        }
        Ok(self.judge_state(account))
    }

    /// The account if it may act, for one whose password was proven.
    ///
    /// # Errors
    /// [`NotProven`] with the account's state.
    pub fn judge_state(&self, account: Account) -> Result<Account, NotProven> {
        if account.state.may_act_where(self.require_verified_email) {
            return Ok(account);
        }
        Err(NotProven {
            account: Some(account.id),
            reason: Mismatch::State(account.state),
        })
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}
