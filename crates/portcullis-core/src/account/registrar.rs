//! Registers accounts: people's, with or without an address to prove, and the first administrator.

mod verification;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::verification::{AgainError, PASSWORD_TRIES, VERIFICATION_LIFETIME, VerifyError};
use super::{
    Account, AccountState, Claim, EmailAddress, Id, NewAccount, Offer, SetupToken, Stamp, Store, Username,
    VerificationToken, VerificationWording,
};
use crate::environment::{Environment, Timestamp};
use crate::fault::Fault;
use crate::hook::{HookError, HookRefusal, Hooks};
use crate::password::{Broken, HashError, Hasher, Password, PasswordPolicy};
use crate::problem::{Details, Refusal};
use crate::scopes::ADMINISTRATOR;
use crate::secret::SecretText;
use crate::{audit, defends};

/// What somebody registers with. The identifiers are valid already; the password isn't checked yet.
#[derive(Debug, Clone)]
pub struct Registration {
    /// An address, to be proven by a mailed token.
    pub email: Option<EmailAddress>,
    /// The user name to register; `None` if the address alone is to identify the account.
    pub username: Option<Username>,
    /// The password in plain text, as typed; the registrar checks it and hashes it.
    pub password: SecretText,
}

/// A registered account, with the token that reaches its owner by mail.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The account as it was written.
    pub account: Account,
    /// The token that proves its address; `None` without an address.
    pub verification: Option<VerificationToken>,
}

/// Why nobody was registered, person or program. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Neither address nor user name.
    #[error("give an e-mail address, a user name or both")]
    NoIdentifier,
    /// The password breaks these rules.
    #[error("the password was refused: {}", Broken::in_words(.0))]
    Password(Vec<Broken>),
    /// A hook of the program refused.
    #[error(transparent)]
    Hook(#[from] HookRefusal),
    /// An identifier belongs to someone else.
    #[error("{}", taken(*.email, *.username))]
    Taken {
        /// The address does: another account has proven it.
        email: bool,
        /// The user name does.
        username: bool,
    },
    /// The set-up token is unknown, used or expired, or there is an administrator already.
    #[error(
        "this set-up token was used, has expired, or an administrator exists; if there is none, `portcullis setup-link` on \
         the server prints a new link"
    )]
    SetupClosed,
    /// The password couldn't be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for RegistrationError {
    fn details(&self) -> Details {
        match self {
            Self::NoIdentifier => Details::field("/email", "required", self),
            Self::Password(broken) => Broken::details("/password", broken),
            Self::Taken {
                email: true,
                username: false,
            } => Details::conflict("email_taken"),
            Self::Taken { email: false, .. } => Details::conflict("username_taken"),
            Self::Taken { .. } => Details::conflict("email_and_username_taken"),
            Self::SetupClosed => Details::forbidden("setup_closed").on_record(),
            Self::Hook(refusal) => refusal.details(),
            Self::Hash(error) => error.details(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

const fn taken(email: bool, username: bool) -> &'static str {
    match (email, username) {
        (true, false) => "an account has proven this address already; log in instead",
        (false, _) => "an account has this user name already; choose another",
        (true, true) => "accounts have proven this address and have this user name already",
    }
}

/// Role: registrar. Creates accounts.
pub struct Registrar {
    store: Arc<dyn Store>,
    hasher: Arc<Hasher>,
    environment: Environment,
    policy: PasswordPolicy,
    claim: Claim,
    wording: Option<Arc<dyn VerificationWording>>,
    hooks: Option<Hooks<dyn RegistrationHook>>,
}

/// What a program does when a person's account is registered, in the same transaction. It isn't asked about service accounts.
#[async_trait]
pub trait RegistrationHook: Send + Sync {
    /// How it is called where its refusals are explained.
    fn name(&self) -> &str;

    /// Called when the account is written and before that is kept. Its address is proven only if
    /// [`Account::email_verified_at`] says so: anybody may register with any.
    ///
    /// # Errors
    /// [`HookError`]: nobody is registered.
    async fn registered(&self, account: &Account, by: &audit::Context) -> Result<(), HookError>;
}

impl Registrar {
    /// A registrar that applies `policy` to passwords.
    pub fn new(
        store: Arc<dyn Store>,
        hasher: Arc<Hasher>,
        environment: Environment,
        policy: PasswordPolicy,
    ) -> Self {
        Self {
            store,
            hasher,
            environment,
            policy,
            claim: Claim::Open,
            wording: None,
            hooks: None,
        }
    }

    /// The same registrar, which asks these hooks about every account that it registers.
    #[must_use]
    pub fn hooked(mut self, hooks: Option<Hooks<dyn RegistrationHook>>) -> Self {
        self.hooks = hooks;
        self
    }

    /// Writes an account, and what the hooks add to it.
    async fn write(
        &self,
        by: &audit::Context,
        written: impl Future<Output = Result<Result<Account, RegistrationError>, Fault>> + Send,
    ) -> Result<Account, RegistrationError> {
        let Some(hooks) = &self.hooks else {
            return written.await?;
        };
        hooks
            .together(async {
                let account = written.await??;
                for hook in hooks.iter() {
                    if let Err(error) = hook.registered(&account, by).await {
                        return Err(error.by(hook.name())?.into());
                    }
                }
                Ok(account)
            })
            .await
    }

    /// The same registrar, which has these e-mails written with what they follow. Without, whoever calls it mails the
    /// tokens.
    #[must_use]
    pub fn writing(mut self, wording: Arc<dyn VerificationWording>) -> Self {
        self.wording = Some(wording);
        self
    }

    /// The same registrar, which registers addresses that others have proven, too, so that nobody learns of it.
    #[must_use]
    pub fn hiding_addresses(mut self) -> Self {
        self.claim = Claim::Hidden;
        self
    }

    /// The rules that the form's password breaks. Costs no hash; [`Registrar::register`] asks again.
    pub fn check(&self, form: &Registration) -> Vec<Broken> {
        let names = [
            form.email.as_ref().map(EmailAddress::normalised),
            form.username.as_ref().map(Username::normalised),
        ];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        self.policy.broken_by(&form.password, &names)
    }

    /// Registers an account. An address must still be proven; until then the account is unverified, and others may
    /// claim the same address. The e-mail that asks for the proof is written with the account.
    ///
    /// # Errors
    /// [`RegistrationError`]; no account exists then, and no e-mail was written.
    pub async fn register(
        &self,
        form: Registration,
        by: audit::Context,
    ) -> Result<Registered, RegistrationError> {
        let (new, verification) = self.prepare(form, (self.claim, Vec::new()), by.at).await?;
        let account = self.write(&by, self.store.register(new, by.clone())).await?;
        Ok(Registered {
            account,
            verification,
        })
    }

    /// Registers an account whose address whoever acts vouches for: it counts as proven, no e-mail asks for it, and as by
    /// every proof, others who claim it lose it. Ask for a permit before this is called.
    ///
    /// # Errors
    /// [`RegistrationError`]; no account exists then, and others claim the address as before.
    pub async fn register_vouched(
        &self,
        form: Registration,
        by: audit::Context,
    ) -> Result<Account, RegistrationError> {
        let (new, _) = self.prepare(form, (Claim::Vouched, Vec::new()), by.at).await?;
        self.write(&by, self.store.register(new, by.clone())).await
    }

    /// Makes the set-up token of a server that has no administrator yet; `None` once it has one. An earlier token
    /// is void.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; an earlier token is as good as it was.
    pub async fn offer_setup(&self) -> Result<Option<SetupToken>, Fault> {
        let token = SetupToken::mint(&self.environment);
        // Whoever starts the server, or asks for a link, is at the machine.
        let by = audit::Context::operator(self.environment.now());
        let expires_at = by.at.plus(SETUP_LIFETIME);
        Ok(self
            .store
            .offer_setup(token.digest(), expires_at, by)
            .await?
            .then_some(token))
    }

    /// Whether the set-up token is good, for a page that asks before it uses the token up.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn setup_is_open(&self, token: &SetupToken) -> Result<bool, Fault> {
        self.store
            .setup_is_open(token.digest(), self.environment.now())
            .await
    }

    /// Whether there is an administrator, so that set-up is closed, for a page that says how things are.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn administrator_exists(&self) -> Result<bool, Fault> {
        self.store.administrator_exists().await
    }

    /// Registers the first administrator with the set-up token, and uses the token up. The address counts as proven:
    /// whoever has the token runs the server, and must not be locked out by an e-mail that gets lost.
    ///
    /// # Errors
    /// [`RegistrationError`]; the token stays good unless the account was made.
    pub async fn set_up(
        &self,
        token: &SetupToken,
        form: Registration,
        by: audit::Context,
    ) -> Result<Registered, RegistrationError> {
        defends!("T031");
        let roles = vec![ADMINISTRATOR.to_owned()];
        let (new, verification) = self.prepare(form, (Claim::Vouched, roles), by.at).await?;
        let written = self
            .store
            .register_first_administrator(token.digest(), new, by.clone());
        let account = self.write(&by, written).await?;
        Ok(Registered {
            account,
            verification,
        })
    }

    /// Ends up to `limit` claims that are over at `moment`, which has surely come; answers how many.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; no claim was ended then, and the next call tries them again.
    pub async fn expire_claims(&self, moment: Timestamp, limit: u32) -> Result<u64, Fault> {
        let stamp = Stamp::new(&self.environment);
        self.store
            .expire_claims(
                moment,
                limit,
                stamp,
                audit::Context::system(self.environment.now()),
            )
            .await
    }

    async fn prepare(
        &self,
        form: Registration,
        (claim, roles): (Claim, Vec<String>),
        at: Timestamp,
    ) -> Result<(NewAccount, Option<VerificationToken>), RegistrationError> {
        if form.email.is_none() && form.username.is_none() {
            return Err(RegistrationError::NoIdentifier);
        }
        let broken = self.check(&form);
        let Registration {
            email,
            username,
            password,
        } = form;
        let password = match Password::new(&password) {
            Some(password) if broken.is_empty() => password,
            _ => return Err(RegistrationError::Password(broken)),
        };
        let id = Id::new(&self.environment);
        let password = self.hasher.hash(id, password).await?;
        let unproven = email.is_some() && claim != Claim::Vouched;
        let verification = unproven.then(|| VerificationToken::mint(&self.environment));
        let state = if unproven {
            AccountState::Unverified
        } else {
            AccountState::Active
        };
        let new = NewAccount {
            id,
            email,
            claim,
            username,
            state,
            stamp: Stamp::new(&self.environment),
            password,
            verification: verification.as_ref().map(|token| self.offer(token, at)),
            roles,
            at,
        };
        Ok((new, verification))
    }

    /// What the store gets of a token made at this moment: its digest, and how its e-mail is worded.
    fn offer(&self, token: &VerificationToken, at: Timestamp) -> Offer {
        let offer = Offer::new(token.digest(), at.plus(VERIFICATION_LIFETIME));
        let Some(wording) = self.wording.clone() else {
            return offer;
        };
        let token = token.clone();
        offer.with_email(move |to, by| wording.email(to, &token, by))
    }
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registrar")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// How long an account may claim an address without proving it: 30 days, and as long after its last session's end.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The set-up token is good for a day; the next start makes another.
pub const SETUP_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests;
