//! Proves addresses: by a mailed code together with what shows whose account it is about.

use std::time::Duration;

use super::Registrar;
use crate::account::{Account, Claimed, Id, Identifier, Login, Offered, Proof, Stamp, VerificationToken};
use crate::fault::Fault;
use crate::password::{Broken, HashError, Password, PasswordVerdict};
use crate::problem::{Details, Refusal};
use crate::secret::SecretText;
use crate::throttle::{Budget, BudgetSubject, Per, Rate};
use crate::{audit, defends};

/// Why no further e-mail was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgainError {
    /// So many were sent that the next may only be after this time.
    #[error("too many e-mails were sent to this address: wait before the next")]
    TooSoon(Duration),
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for AgainError {
    fn details(&self) -> Details {
        match self {
            Self::TooSoon(wait) => Details::too_many(*wait),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Why a code proved nothing. It isn't used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is unknown, used, expired, or the address is another's by now.
    #[error("this code was used, has expired or never existed; ask for another at /auth/email/code")]
    Refused,
    /// It is about another account than the one that brought it.
    #[error(
        "this code is about another account than the one you are logged in to: log in to the account that the e-mail names, \
         or send its `password`; if you didn't register it, send a `new_password`"
    )]
    AnotherAccount,
    /// It isn't the account's password.
    #[error("this isn't the password of the account that the e-mail names; the code stays good")]
    WrongPassword(Id),
    /// So many passwords were tried beside it that no further one is.
    #[error(
        "too many passwords were tried with this code; ask for another at /auth/email/code, or send a `new_password` to \
         take the account over"
    )]
    TooManyTries(Id),
    /// The account was given a role, so that an e-mail is not enough to take it over.
    #[error(
        "this account was given roles, so an e-mail is not enough to take it over: prove the address with its login or \
         password, or register an account of your own and prove the address there"
    )]
    HasRoles,
    /// The new password breaks these rules.
    #[error("the password was refused: {}", Broken::in_words(.0))]
    Password(Vec<Broken>),
    /// The password couldn't be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for VerifyError {
    fn details(&self) -> Details {
        match self {
            Self::Refused => Details::bad_request("invalid_code").on_record(),
            Self::AnotherAccount => Details::forbidden("another_account"),
            Self::WrongPassword(_) => Details::forbidden("wrong_password"),
            Self::TooManyTries(_) => Details::forbidden("too_many_tries"),
            Self::HasRoles => Details::forbidden("account_has_roles"),
            Self::Password(broken) => Broken::details("/new_password", broken),
            Self::Hash(error) => error.details(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

impl Registrar {
    /// Makes a further verification token for an account whose address isn't proven yet, and has it mailed; `None` for any
    /// other. Where another account has proven the address, its owner is told instead.
    ///
    /// # Errors
    /// [`AgainError`]: there is neither a token nor an e-mail.
    pub async fn verify_again(
        &self,
        account: Id,
        by: audit::Context,
    ) -> Result<Option<(VerificationToken, Claimed)>, AgainError> {
        defends!("T091");
        let budget = Budget {
            subject: BudgetSubject::new("verification", &[account.as_uuid().as_bytes()]),
            rate: VERIFICATIONS,
        };
        let spent = self.store.spend(vec![budget], self.environment.now()).await?;
        spent.map_err(AgainError::TooSoon)?;
        let token = VerificationToken::mint(&self.environment);
        let offer = self.offer(&token, self.environment.now());
        match self.store.offer_verification(account, offer, by).await?? {
            Offered::Made(claimed) => Ok(Some((token, claimed))),
            Offered::Taken | Offered::NothingToProve => Ok(None),
        }
    }

    /// The accounts that may be sent a further code when somebody asks for one without a login: those that claim the
    /// address, or the one of this user name.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn unproven(&self, who: Identifier) -> Result<Vec<Account>, Fault> {
        let found = self.store.find_logins(who).await?.into_iter();
        let accounts = found.map(|login| login.account);
        Ok(accounts
            .filter(|account| account.email.is_some() && account.email_verified_at.is_none())
            .collect())
    }

    /// Counts a request for a further code by somebody unknown, by whom it is for and from where it comes.
    ///
    /// # Errors
    /// [`AgainError::TooSoon`] if too many were asked for, or from there; [`AgainError::Fault`] if the store can't
    /// count.
    pub async fn spend_asking(
        &self,
        who: &Identifier,
        from: Option<std::net::IpAddr>,
    ) -> Result<(), AgainError> {
        defends!("T122");
        let asked = Budget {
            subject: BudgetSubject::new("verification asked for", &[who.normalised().as_bytes()]),
            rate: ASKED,
        };
        let asking = from.map(|from| Budget {
            subject: BudgetSubject::new("verification asked from", &[from.to_string().as_bytes()]),
            rate: ASKING,
        });
        let budgets = std::iter::once(asked).chain(asking).collect();
        let spent = self.store.spend(budgets, self.environment.now()).await?;
        spent.map_err(AgainError::TooSoon)
    }

    /// Whose address the code would prove.
    ///
    /// # Errors
    /// [`VerifyError::Refused`] if it isn't good.
    pub async fn verification_of(&self, token: &VerificationToken) -> Result<Account, VerifyError> {
        self.find_verification(token).await.map(|login| login.account)
    }

    /// Proves the address to a caller who is known: `caller` with its stamp.
    ///
    /// # Errors
    /// [`VerifyError::Refused`], [`VerifyError::AnotherAccount`] or [`VerifyError::Fault`]; the code isn't used up.
    pub async fn verify_as(
        &self,
        token: &VerificationToken,
        caller: &Account,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        let own = Proof::Own {
            account: caller.id,
            stamp: caller.stamp,
        };
        self.redeem(token, own, by).await
    }

    /// Proves the address to whoever knows the account's password.
    ///
    /// # Errors
    /// [`VerifyError`]. A wrong password is counted; the code stays good.
    pub async fn verify_by_password(
        &self,
        token: &VerificationToken,
        password: &SecretText,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        let Login {
            account,
            password: sealed,
        } = self.find_verification(token).await?;
        // Before the hash: parallel tries are as few as others.
        let counted = self
            .store
            .count_verification_try(token.digest(), PASSWORD_TRIES, by.at);
        if !counted.await? {
            // It may have been used up, or its claim lost, since it was found.
            let account = self.find_verification(token).await?.account;
            return Err(VerifyError::TooManyTries(account.id));
        }
        let password = Password::new(password);
        let stored = sealed.as_ref().filter(|_| password.is_some());
        let stored = stored.map(|sealed| (account.id, sealed));
        match self.hasher.verify(stored, password.unwrap_or_default()).await? {
            PasswordVerdict::Mismatch => Err(VerifyError::WrongPassword(account.id)),
            PasswordVerdict::Match | PasswordVerdict::MatchRenew(_) => {
                self.verify_as(token, &account, by).await
            }
        }
    }

    /// Proves the address to whoever has the code and nothing else, and takes the account over: what was made for it
    /// before ends, and this is its password.
    ///
    /// # Errors
    /// [`VerifyError`]; the account is as it was, and the code isn't used up.
    pub async fn take_over(
        &self,
        token: &VerificationToken,
        password: &SecretText,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        let account = self.find_verification(token).await?.account;
        let names = [account.email.as_deref(), account.username.as_deref()];
        let names: Vec<Identifier> = names
            .into_iter()
            .flatten()
            .filter_map(Identifier::parse)
            .collect();
        let names: Vec<&str> = names.iter().map(Identifier::normalised).collect();
        let broken = self.policy.broken_by(password, &names);
        let password = match Password::new(password) {
            Some(password) if broken.is_empty() => password,
            _ => return Err(VerifyError::Password(broken)),
        };
        let password = self.hasher.hash(account.id, password).await?;
        self.redeem(token, Proof::TakeOver { password }, by).await
    }

    async fn find_verification(&self, token: &VerificationToken) -> Result<Login, VerifyError> {
        let found = self
            .store
            .find_verification(token.digest(), self.environment.now());
        found.await?.ok_or(VerifyError::Refused)
    }

    async fn redeem(
        &self,
        token: &VerificationToken,
        proof: Proof,
        by: audit::Context,
    ) -> Result<Account, VerifyError> {
        defends!("T120");
        let stamp = Stamp::new(&self.environment);
        self.store
            .redeem_verification(token.digest(), proof, stamp, by)
            .await?
    }
}

/// How many further e-mails an account may ask for.
const VERIFICATIONS: Rate = Rate::clamped(10, Per::Day);

/// How often a code may be asked for without a login, for one identifier.
const ASKED: Rate = Rate::clamped(5, Per::Hour);

/// The same from one address of the network.
const ASKING: Rate = Rate::clamped(30, Per::Hour);

/// How many passwords may be tried beside one code.
pub const PASSWORD_TRIES: u32 = 5;

/// A mailed verification token is good for a day.
pub const VERIFICATION_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
