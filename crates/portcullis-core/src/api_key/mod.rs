//! API keys: long-lived credentials of programs.
//!
//! A key belongs to an account, a person's or a service's, and may do what is in its own list *and* in what its
//! owner may do at that moment: by roles, and to resources as their owner, by what was shared and by policies. What it names
//! gives nothing (ADR 0034). Its text is shown once; the store has its SHA-256 ([`KeyDigest`]).
//!
//! Flow of a request: [`Format::read`] recognises the text and hashes it, the authenticator finds the record by the
//! hash, checks key and owner, and remembers the result; then, with every request, the caller's address and the
//! key's rate are looked at. "Last used" is noted in memory and written behind, so a request writes nothing.
//!
//! **Invariants:** a key never stands for a person: no fresh login, no second factor, and no key makes or rotates a
//! key (`T041`). What the owner lost, the key lost with it (`T040`). Of any number of rotations at once one wins. Who
//! takes a key's fences off could have made it (`T081`).
//!
//! A key may have been made elsewhere ([`ForeignKey`]): then its text has another form, and is told by its hash, which every
//! node knows of all imported keys. An unknown text of such a form is refused without asking the store (`T185`).
//!
//! On its list are permissions that its owner has, and any actions on resources. What a membership in an organization gives
//! goes into one's own keys, and counts in that organization as long as the membership lasts (`T107`).
//!
//! **Deliberately absent:** an update of a key's permissions (make another key), a key's text anywhere but in the
//! answer that made it, and the account's stamp: logging out everywhere ends what people hold, not what programs run
//! on. Disabling or locking the owner refuses its keys at once.

mod base62;
mod error;
mod foreign;
mod format;
mod name;
mod networks;
mod settings;
mod terms;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::{ApiKeysError, EXCEEDING, UNKNOWN};
pub use self::foreign::{ForeignKey, InvalidForeign};
pub use self::format::{Format, InvalidApiKey, InvalidFormat, KeyDigest, Parts, Presented, Secret};
pub use self::name::{InvalidKeyName, KeyName};
pub use self::networks::{InvalidNetwork, Networks, network};
pub use self::settings::Settings;
pub(crate) use self::terms::Terms;
use crate::environment::Timestamp;
use crate::fault::Fault;
pub use crate::id::ApiKeyId as Id;
use crate::job::NewJob;
use crate::port::port;
use crate::throttle::Rate;
use crate::{account, audit};

/// What stands for all imported keys together: invalidated as a key of this id where one comes in.
pub const IMPORTS: Id = Id::from_uuid(uuid::Uuid::from_u128(0x696d_706f_7274));

/// A key as the store knows it. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id, a UUID v7: what it is named by, and no secret. A rotation keeps it.
    pub id: Id,
    /// The account that owns the key, and whose permissions bound the key's.
    pub account: account::Id,
    /// What the owner calls it.
    pub name: String,
    /// What it may do at most, sorted.
    pub permissions: Vec<String>,
    /// The hash of its text.
    pub digest: KeyDigest,
    /// What people recognise it by: how it begins and ends.
    pub hint: String,
    /// When it ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Whether it is honoured.
    pub enabled: bool,
    /// From where it may be used.
    pub networks: Networks,
    /// How often it may be used.
    pub limit: Option<Rate>,
    /// Until when the text before the last rotation is honoured too.
    pub previous_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute, and from where.
    pub last_used: Option<(Timestamp, Option<IpAddr>)>,
}

/// What [`Store::create_key`] writes of a key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The key's id, minted by whoever makes it.
    pub id: Id,
    /// The account that is to own it.
    pub account: account::Id,
    /// The owner's stamp as it was when they were let in to make the key: it must be theirs still. `None` if somebody else
    /// makes it.
    pub stamp: Option<account::Stamp>,
    /// What its owner calls it; for people alone.
    pub name: KeyName,
    /// What it may do, sorted and without repetition.
    pub permissions: Vec<String>,
    /// The hash of its text.
    pub digest: KeyDigest,
    /// What people recognise it by.
    pub hint: String,
    /// From when on it is refused, in UTC; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// From where it may be used.
    pub networks: Networks,
    /// How often it may be used.
    pub limit: Option<Rate>,
    /// How many keys the account may have.
    pub most: u32,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The key that has the text now.
    pub key: ApiKey,
    /// Whether it was made just now. If not, it is as it was: an earlier import made it.
    pub is_new: bool,
}

/// A key that was found by the hash of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The key whose text, present or former, has this hash.
    pub key: ApiKey,
    /// Until when this text is honoured, if it is the one before the last rotation.
    pub until: Option<Timestamp>,
}

/// What changes of a key; `None` leaves it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What its owner calls it from now on.
    pub name: Option<KeyName>,
    /// Whether it is honoured.
    pub enabled: Option<bool>,
    /// From where it may be used.
    pub networks: Option<Networks>,
    /// How often it may be used; `Some(None)` is as often as it likes.
    pub limit: Option<Option<Rate>>,
}

/// How a key is given another text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// How long the present text is honoured beside the new one; zero ends every earlier text at once.
    pub overlap: Duration,
    /// When the key ends from now on.
    pub end: NewEnd,
}

impl Renewal {
    /// With this overlap; the key ends when it did.
    pub const fn overlapping(overlap: Duration) -> Self {
        Self {
            overlap,
            end: NewEnd::AsBefore,
        }
    }
}

/// When a key ends after it was given another text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NewEnd {
    /// At the moment that it had before, or never if it had none.
    #[default]
    AsBefore,
    /// Never: the end that it had is taken away.
    Never,
    /// At this moment, in UTC.
    At(Timestamp),
}

/// A new text for a key.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// The owner's stamp, if the owner rotates: as [`NewApiKey::stamp`].
    pub stamp: Option<account::Stamp>,
    /// The hash of the text that it is to replace: whoever was overtaken by another rotation replaces nothing.
    pub from: KeyDigest,
    /// The hash of the new text.
    pub digest: KeyDigest,
    /// What people recognise it by.
    pub hint: String,
    /// Until when the present text is honoured too; `None` ends every earlier text now.
    pub previous_until: Option<Timestamp>,
    /// When the key ends. With a new end its owner is told anew before it comes.
    pub end: NewEnd,
}

/// A key that expires soon, its owner, and who is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// The key whose end is told of.
    pub key: ApiKey,
    /// The account that owns it; it may act.
    pub owner: account::Account,
    /// Who is to be told, all with an address: the owner; for an owner without one whoever made the key, and if that
    /// isn't known or nobody with an address who may act, the people who administer. Empty if there is nobody.
    pub recipients: Vec<account::Account>,
}

/// Words what is told of keys that end soon.
pub trait ExpiryWording: Send + Sync {
    /// The jobs that tell of it; none where nobody can be told. It is called inside the store's transaction, perhaps more
    /// than once: it waits for nothing.
    ///
    /// # Errors
    /// If one can't be written down.
    fn ends_soon(&self, expiring: &Expiring, by: &audit::Context) -> Result<Vec<NewJob>, Fault>;
}

/// What came of telling of a key that ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key, and who was to be told.
    pub expiring: Expiring,
    /// Whether e-mails about it were written, or withheld.
    pub outcome: Warned,
}

/// Whether somebody was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warned {
    /// So many e-mails are written: none where nobody can be told. The key isn't answered again.
    Told(usize),
    /// Every e-mail was withheld ([`audit::Action::JobWithheld`]): the key is answered again.
    Untold,
}

/// Which keys [`Store::warn_expiring`] looks at.
#[derive(Debug, Clone, Copy)]
pub struct ExpiryWindow {
    /// Those that expire until then.
    pub before: Timestamp,
    /// Those behind this one, by end and id: whoever asks in a loop isn't answered the untold once more.
    pub after: Option<(Timestamp, Id)>,
    /// So many at most.
    pub limit: u32,
}

port! {
    /// Where keys are kept. Every verb is atomic; one that changes or ends a key invalidates it.
    pub trait Store => api_key_port;

    /// Creates a key ([`audit::Action::ApiKeyCreated`]), if its owner may act and has room for one more.
    write fn create_key(new: NewApiKey, by: audit::Context) -> Result<ApiKey, ApiKeysError>;

    /// As [`Store::create_key`], for a text that was made elsewhere ([`audit::Action::ApiKeyImported`]). If the account has a key of this text, present or former,
    /// it is answered as it is; if another account has, it is [`ApiKeysError::Taken`]. What is imported anew invalidates
    /// [`IMPORTS`].
    write fn import_key(new: NewApiKey, by: audit::Context) -> Result<Imported, ApiKeysError>;

    /// The digests, present and former, of all keys that were imported.
    read fn imported() -> Vec<KeyDigest>;

    /// The account's keys, oldest first, expired ones too.
    read fn list(account: account::Id) -> Vec<ApiKey>;

    /// The account's key with this id, expired or not; `None` if it has no such key.
    read fn find(account: account::Id, id: Id) -> Option<ApiKey>;

    /// The key that this text is, or was before the last rotation. Times are the caller's to check.
    read fn find_by_digest(digest: KeyDigest) -> Option<Found>;

    /// Changes the account's key ([`audit::Action::ApiKeyChanged`], which says to what). `stamp` is as
    /// [`NewApiKey::stamp`].
    write fn change_key(
        account: account::Id,
        id: Id,
        change: Change,
        stamp: Option<account::Stamp>,
        by: audit::Context,
    ) -> Result<ApiKey, ApiKeysError>;

    /// Gives the account's key another text ([`audit::Action::ApiKeyRotated`]). Of any number of parallel calls that
    /// read the same text exactly one replaces it.
    write fn rotate_key(
        account: account::Id,
        id: Id,
        rotation: KeyRotation,
        by: audit::Context,
    ) -> Result<ApiKey, ApiKeysError>;

    /// Ends the account's key for ever ([`audit::Action::ApiKeyRevoked`]). Answers `false` if it has no such key.
    write fn revoke_key(account: account::Id, id: Id, by: audit::Context) -> bool;

    /// Writes down when, and from where, keys were last used; never moves one back.
    write fn note_used(used: Vec<(Id, Timestamp, Option<IpAddr>)>) -> ();

    /// Marks honoured keys that expire between `by.at` and [`ExpiryWindow::before`], were made for longer than that, and whose
    /// owners may act, as told of, and writes the e-mails that tell of them ([`audit::Action::ApiKeyExpiring`]): mark and
    /// e-mails of a key, or neither. Each is answered once, to one caller, by its end; one that is
    /// [`Warned::Untold`] ([`audit::Action::ApiKeyUntold`]) isn't marked.
    write fn warn_expiring(due: ExpiryWindow, wording: Arc<dyn ExpiryWording>, by: audit::Context) -> Vec<Warning>;
}
