//! Accounts: who exists, under which identifiers, in which state.
//!
//! Flow: a form is parsed into [`EmailAddress`] and [`Username`] (they exist only valid and normalised), the
//! password is hashed, and [`Store::register`] writes account, password, verification token and audit event in one
//! transaction. Two registrations of one identifier end in exactly one account because the normalised form is
//! unique in the store.
//!
//! **Deliberately absent:** a way to set an address to "verified" other than redeeming a token sent to it.

mod identifier;
mod mail;
mod passwords;
mod registrar;
mod service;
mod service_account;

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

pub use self::identifier::{EmailAddress, Identifier, InvalidEmail, InvalidUsername, Username};
pub use self::mail::{Letter, MailError, Mailer};
pub use self::passwords::{Mismatch, NotProven, Passwords, PasswordsError};
pub use self::registrar::{
    AgainError, Registered, Registrar, Registration, RegistrationError, SETUP_LIFETIME, VERIFICATION_LIFETIME,
};
pub use self::service::{Accounts, StateError};
pub use self::service_account::{ServiceAccountError, ServiceAccounts};
use crate::access::Lacks;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::password::SealedHash;
use crate::secret::{self, Digest, Opaque};
use crate::throttle::Budget;
use crate::{audit, define_id};

define_id! {
    /// Names an account, for ever: ids are never reused.
    Id
}

define_id! {
    /// Changes whenever everything the account was given must end: "log out everywhere", a new password, a
    /// disabled account. A credential that carries an older stamp is refused.
    Stamp
}

/// What an account may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// May log in.
    Active,
    /// May log in unless the deployment requires a verified address.
    Unverified,
    /// Refused until it is unlocked; nothing it holds is taken away.
    Locked,
    /// Refused everywhere at once; its sessions and tokens are ended.
    Disabled,
}

impl State {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unverified => "unverified",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Unverified, Self::Locked, Self::Disabled]
            .into_iter()
            .find(|s| s.as_str() == text)
    }

    /// Whether a credential of such an account is honoured.
    pub const fn may_act(self) -> bool {
        matches!(self, Self::Active | Self::Unverified)
    }

    /// The same in a deployment that may require a proven address.
    pub const fn may_act_where(self, verified_email_is_required: bool) -> bool {
        match self {
            Self::Unverified => !verified_email_is_required,
            other => other.may_act(),
        }
    }
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's, who logs in.
    Person,
    /// A program's: it holds API keys, has roles like anybody, and never logs in. No password, no address, no session.
    Service,
}

impl Kind {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Service]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// An account as the store knows it. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Id,
    /// Its address as the user typed it, if it has one.
    pub email: Option<String>,
    /// Its user name as the user typed it, if it has one.
    pub username: Option<String>,
    /// Its state.
    pub state: State,
    /// When the address was proven, if it was.
    pub email_verified_at: Option<Timestamp>,
    /// The present security stamp.
    pub stamp: Stamp,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Whose it is.
    pub kind: Kind,
}

/// The kind of token that proves an e-mail address.
#[derive(Debug)]
pub enum EmailVerification {}

impl secret::Kind for EmailVerification {
    const PREFIX: &'static str = "pcv_";
}

/// A token that proves an e-mail address; mailed, single use.
pub type VerificationToken = Opaque<EmailVerification>;

/// The kind of token that lets the first administrator in.
#[derive(Debug)]
pub enum Setup {}

impl secret::Kind for Setup {
    const PREFIX: &'static str = "pcsetup_";
}

/// The token that makes the first administrator; printed at the first start, single use.
pub type SetupToken = Opaque<Setup>;

/// Everything [`Store::register`] writes.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its new id.
    pub id: Id,
    /// Its address.
    pub email: Option<EmailAddress>,
    /// Its user name.
    pub username: Option<Username>,
    /// Its first state.
    pub state: State,
    /// Its first stamp.
    pub stamp: Stamp,
    /// The sealed hash of its password.
    pub password: SealedHash,
    /// The digest of the mailed verification token and when it expires; `None` sends no mail.
    pub verification: Option<(Digest<EmailVerification>, Timestamp)>,
    /// Names of roles it begins with; they must exist.
    pub roles: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Everything [`Store::create_service`] writes.
#[derive(Debug, Clone)]
pub struct NewServiceAccount {
    /// Its new id.
    pub id: Id,
    /// Its name, one of the names that people's accounts have too.
    pub username: Username,
    /// Its first stamp.
    pub stamp: Stamp,
}

/// What came of registering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The account exists now.
    Created(Account),
    /// One of the identifiers belongs to someone already; nothing was written.
    Taken {
        /// The address is taken.
        email: bool,
        /// The user name is taken.
        username: bool,
    },
    /// The set-up token is unknown, used or expired; nothing was written. Only from
    /// [`Store::register_first_administrator`].
    SetupClosed,
}

/// What came of setting an account's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateSet {
    /// The account as it is now.
    Set(Account),
    /// There is no such account.
    UnknownAccount,
    /// No administrator who can act would be left; nothing was written.
    LastAdministrator,
    /// The account has permissions of the server's, these, that whoever acts lacks; nothing was written.
    Beyond(Lacks),
}

/// What a login needs: the account and its sealed hash.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub account: Account,
    /// Its sealed password hash; `None` for an account without a password.
    pub password: Option<SealedHash>,
}

/// Where accounts are kept. Every verb is atomic: it happens wholly, with its audit event, or not at all.
#[async_trait]
pub trait Store: Send + Sync {
    /// Registers an account (audited as [`audit::Action::AccountRegistered`]).
    async fn register(&self, new: NewAccount, by: audit::Context) -> Result<Outcome, Fault>;

    /// Remembers the set-up token of a server without an administrator, replacing an earlier one. Answers `false`,
    /// and writes nothing, once any account holds the role `administrator`.
    async fn offer_setup(&self, digest: Digest<Setup>, expires_at: Timestamp) -> Result<bool, Fault>;

    /// Whether the set-up token would be accepted at `now`. Uses nothing up.
    async fn setup_is_open(&self, token: Digest<Setup>, now: Timestamp) -> Result<bool, Fault>;

    /// Registers the first administrator and uses up the set-up token, both or neither.
    async fn register_first_administrator(
        &self,
        token: Digest<Setup>,
        new: NewAccount,
        by: audit::Context,
    ) -> Result<Outcome, Fault>;

    /// Creates a service account ([`audit::Action::ServiceAccountCreated`]): active, without password and address.
    async fn create_service(&self, new: NewServiceAccount, by: audit::Context) -> Result<Outcome, Fault>;

    /// Up to `limit` service accounts with ids above `after`, by id.
    async fn list_services(&self, after: Option<Id>, limit: u32) -> Result<Vec<Account>, Fault>;

    /// The account, if it exists.
    async fn find(&self, id: Id) -> Result<Option<Account>, Fault>;

    /// The account and password an identifier leads to.
    async fn find_login(&self, who: Identifier) -> Result<Option<Login>, Fault>;

    /// Up to `limit` accounts with ids above `after`, by id.
    async fn list(&self, after: Option<Id>, limit: u32) -> Result<Vec<Account>, Fault>;

    /// Replaces the sealed hash if it still is `old`: a re-hash never overwrites a password changed meanwhile.
    async fn rehash(&self, id: Id, old: SealedHash, new: SealedHash) -> Result<bool, Fault>;

    /// Sets the state. [`State::Disabled`] also takes the new stamp and ends every session and refresh token. An
    /// account whose address isn't proven becomes [`State::Unverified`] where [`State::Active`] was asked for:
    /// locking and unlocking proves nothing. Whoever acts has all permissions of the server's that the account has, if
    /// it isn't their own. Invalidates the account.
    async fn set_state(
        &self,
        id: Id,
        state: State,
        stamp: Stamp,
        by: audit::Context,
    ) -> Result<StateSet, Fault>;

    /// Counts one against each of the budgets at `now`, all or none; else answers how long to wait.
    async fn spend(&self, budgets: Vec<Budget>, now: Timestamp) -> Result<Result<(), Duration>, Fault>;

    /// Remembers a further verification token for the account's present address. Answers `false` for an account
    /// without an unverified address.
    async fn offer_verification(
        &self,
        id: Id,
        digest: Digest<EmailVerification>,
        expires_at: Timestamp,
    ) -> Result<bool, Fault>;

    /// Redeems a verification token: of any number of parallel calls exactly one gets the account. The token must
    /// be unused, unexpired at `by.at`, and for the account's present address. An unverified account becomes active.
    async fn redeem_verification(
        &self,
        token: Digest<EmailVerification>,
        by: audit::Context,
    ) -> Result<Option<Account>, Fault>;
}
