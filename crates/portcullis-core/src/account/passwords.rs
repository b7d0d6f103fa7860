//! Whether identifier and password belong to somebody who may act: what a login and HTTP Basic have in common.
//!
//! Flow: [`Passwords::find`] looks the identifier up, [`Passwords::authenticate`] hashes (a dummy for nobody, `T012`) and
//! then checks the account's state. In two steps, so that a caller who remembers the result can note before the
//! second what the account was at the first.
//!
//! Several accounts may claim one address: the password decides which of them it is, at the cost of a hash for each, and
//! of a few only ([`LOGIN_CLAIMS`]). Where addresses are hidden, an address that leads nowhere costs as many, so that the
//! time doesn't tell how many accounts there are.

use std::sync::Arc;

use super::{Account, AccountState, Id, Identifier, LOGIN_CLAIMS, Login, Store};
use crate::defends;
use crate::fault::Fault;
use crate::password::{HashError, Hasher, Password, PasswordVerdict, SealedHash};
use crate::secret::SecretText;

/// Role: checks passwords. Finds the accounts that an identifier leads to, and checks what was typed for them.
pub struct Passwords {
    accounts: Arc<dyn Store>,
    hasher: Arc<Hasher>,
    require_verified_email: bool,
    /// How many hashes a refusal costs at least, for an address.
    least: usize,
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
    State(AccountState),
}

/// A [`Mismatch`], and the account it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotProven {
    /// Whose identifier it was.
    pub account: Option<Id>,
    /// Why nobody is let in.
    pub reason: Mismatch,
}

/// Why it couldn't be found out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PasswordsError {
    /// The password couldn't be checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store couldn't be reached or read; nobody is let in.
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
            least: 1,
        }
    }

    /// The same, with refusals that take one time for every address.
    #[must_use]
    pub fn hiding_addresses(mut self) -> Self {
        self.least = LOGIN_CLAIMS + 1;
        self
    }

    /// The accounts an identifier leads to, as typed.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn find(&self, identifier: &str) -> Result<Candidates, Fault> {
        let Some(identifier) = Identifier::parse(identifier) else {
            return Ok(Candidates {
                logins: Vec::new(),
                least: 1,
            });
        };
        let least = match identifier {
            Identifier::Email(_) | Identifier::FormerEmail(_) => self.least,
            Identifier::Username(_) | Identifier::FormerUsername(_) => 1,
        };
        let logins = self.accounts.find_logins(identifier).await?;
        Ok(Candidates { logins, least })
    }

    /// The account whose own the password is, if it may act. An outdated hash is renewed.
    ///
    /// # Errors
    /// [`PasswordsError`]; a full pool is [`HashError::Overloaded`].
    pub async fn authenticate(
        &self,
        found: Candidates,
        password: &SecretText,
    ) -> Result<Result<Account, NotProven>, PasswordsError> {
        defends!("T084");
        defends!("T123");
        let Candidates { logins, least } = found;
        let refusal = refusal(&logins);
        let least = least.max(1);
        let mut hashes = 0;
        for login in logins {
            let Some(sealed) = login.password else { continue };
            hashes += 1;
            match self.verify(Some((login.account.id, &sealed)), password).await? {
                PasswordVerdict::Mismatch => continue,
                PasswordVerdict::MatchRenew(renewed) => {
                    self.accounts.rehash(login.account.id, sealed, renewed).await?;
                }
                PasswordVerdict::Match => {}
            }
            return Ok(self.check_state(login.account));
        }
        for _ in hashes..least {
            self.verify(None, password).await?;
        }
        Ok(Err(refusal))
    }

    /// A password too long to be anybody's costs what a wrong one costs: without the hash, refusals would come, and be
    /// written, as fast as requests do, and their time would tell them from others.
    async fn verify(
        &self,
        stored: Option<(Id, &SealedHash)>,
        password: &SecretText,
    ) -> Result<PasswordVerdict, HashError> {
        let password = Password::new(password);
        let stored = stored.filter(|_| password.is_some());
        self.hasher.verify(stored, password.unwrap_or_default()).await
    }

    /// The account if it may act, for one whose password was proven.
    ///
    /// # Errors
    /// [`NotProven`] with the account's state.
    pub fn check_state(&self, account: Account) -> Result<Account, NotProven> {
        if account.state.may_act_where(self.require_verified_email) {
            return Ok(account);
        }
        Err(NotProven {
            account: Some(account.id),
            reason: Mismatch::State(account.state),
        })
    }
}

/// What an identifier leads to.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The accounts, in the order in which the password is tried.
    pub logins: Vec<Login>,
    least: usize,
}

/// Why none of them is let in, with the account it is about if that is one: the one, or the one that has proven the
/// address.
fn refusal(logins: &[Login]) -> NotProven {
    let account = match logins {
        [login] => Some(login),
        several => several
            .iter()
            .find(|login| login.account.email_verified_at.is_some()),
    };
    let known = logins.iter().any(|login| login.password.is_some());
    NotProven {
        account: account.map(|login| login.account.id),
        reason: if known {
            Mismatch::WrongPassword
        } else {
            Mismatch::UnknownIdentifier
        },
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}
