//! Accounts: who exists, under which identifiers, in which state.
//!
//! Flow: a form is parsed into [`EmailAddress`] and [`Username`] (they exist only valid and normalised), the
//! password is hashed, and [`Store::register`] writes account, password, verification token, e-mail and audit event in
//! one transaction. Two registrations of one user name end in exactly one account because the normalised form is unique in
//! the store.
//!
//! An address belongs to whoever proves it, never to whoever said first that it is theirs: any number of accounts may
//! *claim* one, a claim ends after [`CLAIM_LIFETIME`] without a login, and the first proof takes the address from all
//! others ([`Proof`], `T120`).
//!
//! **Deliberately absent:** a code that proves an address alone. Whoever brings it shows that they are the account it was
//! mailed about, or takes the account over, which ends everything that was made before.

mod error;
mod identifier;
mod offer;
mod passwords;
mod proof;
mod registrar;

use std::time::Duration;

use serde::Serialize;

pub use self::error::AccountsError;
pub use self::identifier::{
    EmailAddress, Identifier, InvalidEmail, InvalidLetters, InvalidUsername, Username, looks_of,
    shown_address,
};
pub use self::offer::{Addressee, Offer, Offered, VerificationWording};
pub use self::passwords::{Candidates, Mismatch, NotProven, Passwords, PasswordsError};
pub use self::proof::{Claim, Claimed, Proof};
pub use self::registrar::{
    AgainError, CLAIM_LIFETIME, PASSWORD_TRIES, Registered, Registrar, Registration, RegistrationError,
    RegistrationHook, SETUP_LIFETIME, VERIFICATION_LIFETIME, VerifyError,
};
use crate::attribute::{AttributeChange, Attributes};
use crate::environment::Timestamp;
pub use crate::id::AccountId as Id;
use crate::password::SealedHash;
use crate::port::port;
use crate::secret::{self, Digest, Opaque};
use crate::throttle::Budget;
use crate::{audit, define_id};

define_id! {
    /// Changes whenever everything the account was given must end: "log out everywhere", a new password, a
    /// disabled account. A credential that carries an older stamp is refused.
    Stamp
}

/// What an account may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// May log in: its address is proven, or it has none to prove.
    Active,
    /// May log in unless the deployment requires a verified address.
    Unverified,
    /// Refused until it is unlocked; nothing it holds is taken away.
    Locked,
    /// Refused everywhere at once; its sessions and tokens are ended.
    Disabled,
}

impl AccountState {
    /// The word that is stored, and shown in answers; [`AccountState::parse`] reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unverified => "unverified",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
        }
    }

    /// The stable code of a refusal because of this state.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "account_active",
            Self::Unverified => "account_unverified",
            Self::Locked => "account_locked",
            Self::Disabled => "account_disabled",
        }
    }

    /// What whoever knows the password of an account in this state can do about it; it follows the state's name.
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::Active => "",
            Self::Unverified => {
                ": prove its address with the mailed code, and ask for another at /auth/email/code if it is lost"
            }
            Self::Locked => ": an administrator unlocks it (`portcullis account unlock` on the server)",
            Self::Disabled => ": an administrator enables it (`portcullis account enable` on the server)",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Unverified, Self::Locked, Self::Disabled]
            .into_iter()
            .find(|s| s.as_str() == text)
    }

    /// The states whose accounts may act, in a deployment that may require a proven address: what the door asks, and what
    /// every guard that somebody is left who can act counts by. The second may repeat the first.
    pub const fn that_may_act(verified_email_is_required: bool) -> [Self; 2] {
        if verified_email_is_required {
            [Self::Active, Self::Active]
        } else {
            [Self::Active, Self::Unverified]
        }
    }

    /// Whether a credential of such an account is honoured.
    pub const fn may_act(self) -> bool {
        self.may_act_where(false)
    }

    /// The same in a deployment that may require a proven address.
    pub const fn may_act_where(self, verified_email_is_required: bool) -> bool {
        let [one, other] = Self::that_may_act(verified_email_is_required);
        self as u8 == one as u8 || self as u8 == other as u8
    }
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person's, who logs in.
    Person,
    /// A program's: it holds API keys, has roles like anybody, and never logs in. No password, no address, no session.
    Service,
}

impl AccountKind {
    /// The word that is stored, and shown in answers; [`AccountKind::parse`] reads it.
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
    /// The account's id, a UUID v7: the `sub` of its tokens (RFC 7519 §4.1.2). It never changes.
    pub id: Id,
    /// Its address as the user typed it, if it has one. It is a claim until [`Account::email_verified_at`] says more.
    pub email: Option<String>,
    /// Its user name as the user typed it, if it has one.
    pub username: Option<String>,
    /// Whether it may act; asked of every credential, not only at a login.
    pub state: AccountState,
    /// When the address was proven, if it was.
    pub email_verified_at: Option<Timestamp>,
    /// The present security stamp.
    pub stamp: Stamp,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Whether a person or a program owns it; it never changes.
    pub kind: AccountKind,
}

/// The kind of token that proves an e-mail address.
#[derive(Debug)]
pub enum EmailVerification {}

impl secret::TokenKind for EmailVerification {
    const PREFIX: &'static str = "pcv_";
}

/// A token that proves an e-mail address; mailed, single use.
pub type VerificationToken = Opaque<EmailVerification>;

/// The kind of token that lets the first administrator in.
#[derive(Debug)]
pub enum Setup {}

impl secret::TokenKind for Setup {
    const PREFIX: &'static str = "pcsetup_";
}

/// The token that makes the first administrator; printed at the first start, single use.
pub type SetupToken = Opaque<Setup>;

/// What [`Store::register`] writes of a person's account. The identifiers are valid, the password is hashed.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The account's id, minted by the registrar; the password's hash is bound to it.
    pub id: Id,
    /// Its address as typed; `None` for an account with a user name only.
    pub email: Option<EmailAddress>,
    /// What having the address means.
    pub claim: Claim,
    /// Its user name as typed; `None` for an account with an address only.
    pub username: Option<Username>,
    /// [`AccountState::Unverified`] with an address that must still be proven, otherwise [`AccountState::Active`].
    pub state: AccountState,
    /// The security stamp that its first sessions and tokens carry; a random one.
    pub stamp: Stamp,
    /// The sealed hash of its password.
    pub password: SealedHash,
    /// The verification token and its e-mail; `None` sends no mail.
    pub verification: Option<Offer>,
    /// Names of roles it begins with; they must exist.
    pub roles: Vec<String>,
    /// When it is registered, in UTC: the one moment that the whole operation uses.
    pub at: Timestamp,
}

/// What [`Store::create_service`] writes of a program's account.
#[derive(Debug, Clone)]
pub struct NewServiceAccount {
    /// The account's id, minted by whoever creates it.
    pub id: Id,
    /// Its name, one of the names that people's accounts have too.
    pub username: Username,
    /// The security stamp that what is issued for it is bound to; a random one.
    pub stamp: Stamp,
}

/// What a login needs: the account and its sealed hash.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account that the identifier leads to, in whatever state it is.
    pub account: Account,
    /// Its sealed password hash; `None` for an account without a password.
    pub password: Option<SealedHash>,
}

port! {
    /// Where accounts are kept. Every verb is atomic: it happens wholly, with its audit event, or not at all.
    pub trait Store => account_port;

    /// Registers an account (audited as [`audit::Action::AccountRegistered`]). Its address is a claim beside those of
    /// others, or as [`NewAccount::claim`] says; one that is vouched for is audited as
    /// [`audit::Action::EmailVerified`], too. The e-mail of [`NewAccount::verification`] is written with it: to whoever
    /// claims the address, or where another account has proven it, to that one's owner. One that is withheld
    /// ([`audit::Action::JobWithheld`]) hinders nothing: whoever has the mailbox asks for another.
    write fn register(new: NewAccount, by: audit::Context) -> Result<Account, RegistrationError>;

    /// Remembers the set-up token of a server without an administrator, replacing an earlier one
    /// ([`audit::Action::SetupOffered`]). Answers `false`, and writes nothing, once any account holds the role
    /// `administrator`.
    write fn offer_setup(digest: Digest<Setup>, expires_at: Timestamp, by: audit::Context) -> bool;

    /// Whether the set-up token would be accepted at `now`. Uses nothing up.
    read fn setup_is_open(token: Digest<Setup>, now: Timestamp) -> bool;

    /// Whether any account, in whatever state, holds the role `administrator`: then set-up is closed. Costs one read.
    read fn administrator_exists() -> bool;

    /// Registers the first administrator and uses up the set-up token, both or neither. A [`Claim::Vouched`] address is
    /// taken from whoever claims it, as by a proof.
    write fn register_first_administrator(
        token: Digest<Setup>,
        new: NewAccount,
        by: audit::Context,
    ) -> Result<Account, RegistrationError>;

    /// Creates a service account ([`audit::Action::ServiceAccountCreated`]): active, without password and address.
    write fn create_service(new: NewServiceAccount, by: audit::Context) -> Result<Account, RegistrationError>;

    /// Up to `limit` service accounts with ids above `after`, by id.
    read fn list_services(after: Option<Id>, limit: u32) -> Vec<Account>;

    /// The account, if it exists.
    read fn find(id: Id) -> Option<Account>;

    /// The accounts and passwords an identifier leads to: of a user name one, of an address its [`LOGIN_CLAIMS`] newest
    /// claimants, newest first, and last whoever has proven it.
    read fn find_logins(who: Identifier) -> Vec<Login>;

    /// Up to `limit` accounts with ids above `after`, by id.
    read fn list(after: Option<Id>, limit: u32) -> Vec<Account>;

    /// Replaces the sealed hash if it still is `old`: a re-hash never overwrites a password changed meanwhile.
    write fn rehash(id: Id, old: SealedHash, new: SealedHash) -> bool;

    /// Sets the state. [`AccountState::Disabled`] also takes the new stamp and ends every session and refresh token. An
    /// account whose address isn't proven becomes [`AccountState::Unverified`] where [`AccountState::Active`] was asked for, or stays it
    /// ([`AccountsError::Unproven`]): locking and unlocking proves nothing. Whoever acts has all permissions of the server's that the account has, if
    /// it isn't their own. Invalidates the account.
    write fn set_state(id: Id, state: AccountState, stamp: Stamp, by: audit::Context) -> Result<Account, AccountsError>;

    /// Changes attributes of the account ([`audit::Action::AccountAttributesSet`], which names them and no values). Whoever acts
    /// may give, and has all permissions of the server's that the account has, if it isn't their own; the program itself
    /// ([`audit::Actor::System`]) may. Invalidates the account.
    write fn change_attributes(id: Id, changes: Vec<AttributeChange>, by: audit::Context) -> Result<(), AccountsError>;

    /// The account's attributes; `None` if there is no such account.
    read fn find_attributes(id: Id) -> Option<Attributes>;

    /// Counts one against each of the budgets at `now`, all or none; else answers how long to wait.
    write fn spend(budgets: Vec<Budget>, now: Timestamp) -> Result<(), Duration>;

    /// Remembers a further verification token for the account's claim and writes its e-mail, both or neither
    /// ([`audit::Action::EmailVerificationRequested`]). Where another account has proven the address there is no token,
    /// and the e-mail is to that one's owner.
    write fn offer_verification(id: Id, offer: Offer, by: audit::Context) -> Result<Offered, AgainError>;

    /// The account, with its password, whose address a token would prove at `now`. Uses nothing up.
    read fn find_verification(token: Digest<EmailVerification>, now: Timestamp) -> Option<Login>;

    /// Counts one try of a password beside a good token, if fewer than `most` were counted.
    write fn count_verification_try(token: Digest<EmailVerification>, most: u32, now: Timestamp) -> bool;

    /// Redeems a verification token: of any number of parallel calls with one token, or with the tokens of several
    /// claimants of one address, exactly one proves it ([`audit::Action::EmailVerified`]). The token must
    /// be unused, unexpired at `by.at`, and for a claim that is neither over nor lost; nothing else uses it up. An
    /// unverified account becomes active.
    ///
    /// Every other claimant loses the address ([`audit::Action::EmailClaimLost`]), takes the new `stamp`, and its
    /// sessions and refresh tokens end; without user name and role it is disabled, and its password and keys end, too.
    /// By [`Proof::TakeOver`] the account itself takes the stamp, everything that was made for it ends, API keys
    /// included, and the password is replaced; an account with a role isn't taken over.
    write fn redeem_verification(
        token: Digest<EmailVerification>,
        proof: Proof,
        stamp: Stamp,
        by: audit::Context,
    ) -> Result<Account, VerifyError>;

    /// Proves the account's address in the name of whoever acts, without a token; otherwise as
    /// [`Store::redeem_verification`]. Whoever acts has all permissions of the server's that the account has.
    write fn prove_email(id: Id, stamp: Stamp, by: audit::Context) -> Result<Account, AccountsError>;

    /// Ends up to `limit` claims that are over at `now`; answers how many. Claims of accounts that have a role, or an API
    /// key in use, live on. An account without a user name is disabled with its claim, and all it has ends.
    write fn expire_claims(now: Timestamp, limit: u32, stamp: Stamp, by: audit::Context) -> u64;
}

/// How many claimants of one address may log in by it: the newest. Each costs a hash.
pub const LOGIN_CLAIMS: usize = 3;
