//! Why nothing was opened.

use portcullis_core::attribute::InvalidAttribute;
use portcullis_core::fault::Fault;
use portcullis_core::key::KeyringError;
use portcullis_core::roles::DeclarationError;
use portcullis_core::signature::InvalidSettings;
use portcullis_core::token;

use crate::cookie::InvalidCookies;
use crate::policies::PoliciesError;
use crate::{enforcer, secrets};

/// Why Portcullis could not be opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database can't be opened, or isn't what it should be.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The store of opaque sessions.
    #[error("the session store can't be opened: {0}")]
    Sessions(#[source] Fault),
    /// Where it is counted how often things are done.
    #[error("rates can't be counted there: {0}")]
    Rates(#[source] Fault),
    /// The signing keys can't be read, opened or made.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The file of the master key.
    #[error(transparent)]
    Secrets(#[from] secrets::SecretsError),
    /// There is no master key and no file to keep one beside.
    #[error("a database that isn't a SQLite file needs a master key: give the builder one with `master_key`")]
    NoMasterKey,
    /// The settings of the cookies can't be kept by browsers.
    #[error(transparent)]
    Cookies(#[from] InvalidCookies),
    /// A resource that tokens may be for.
    #[error(transparent)]
    Resource(#[from] token::InvalidResource),
    /// The roles of the program's code.
    #[error(transparent)]
    Roles(#[from] DeclarationError),
    /// The policies that are functions.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// One header for two things.
    #[error("the header {0} can't carry both API keys and CSRF tokens: give one of them another")]
    SharedHeader(String),
    /// What challenges call this server.
    #[error(transparent)]
    Realm(#[from] enforcer::InvalidRealm),
    /// What is asked of signed requests.
    #[error(transparent)]
    Signatures(#[from] InvalidSettings),
    /// The issuer of tokens ends in a slash.
    #[error(
        "the issuer of tokens must not end in a slash: many clients compare it with the address they ask, to the letter"
    )]
    Issuer,
    /// The page of invitations.
    #[error(
        "invitations can't lead to this address: it must be https (http is for loopback addresses only), without user, \
         query and fragment"
    )]
    InvitationUrl,
    /// How long a signing key signs.
    #[error(
        "a signing key must sign for an hour at least: verifiers elsewhere must learn the next one before it does"
    )]
    KeyAge,
    /// An attribute of accounts.
    #[error(transparent)]
    Attribute(#[from] InvalidAttribute),
    /// A claim of the program's own.
    #[error(transparent)]
    Claim(#[from] token::InvalidClaim),
    /// Two hooks of one name, or one without.
    #[error("every hook at {0} needs a name of its own: `{1}` isn't one")]
    Hook(&'static str, String),
    /// A limit of time that nothing can keep.
    #[error(
        "a transaction and a hook need more time than none: give `transaction_limit` and `hook_limit` at least some milliseconds"
    )]
    NoTime,
    /// How long tokens of a program's own purpose are good for.
    #[error(
        "keys are rotated so often that those which retired would be too many: let a token of your own purpose be good for \
         seven times the age of a key at most"
    )]
    PurposeLifetime,
    /// The system gives no threads to hash passwords in.
    #[error("the hashing threads can't be started: {0}")]
    Threads(#[source] std::io::Error),
}
