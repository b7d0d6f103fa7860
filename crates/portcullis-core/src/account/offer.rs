//! Offering a code that proves an address, with the letter that carries it.
//!
//! Flow: the registrar mints a token → its digest goes to the store in an [`Offer`], which knows how the letter is worded
//! → inside its transaction the store finds out who the letter is for ([`Addressee`]) → it writes the letter's job with
//! what it follows. So there is neither an account nor a token without its letter, nor a letter without them.
//!
//! **Invariants:** the store never sees the token, only its digest and the sealed letter; whether the letter goes to the
//! claimant or to the owner of a proven address, one is worded, sealed and counted (`T012`).

use std::fmt;
use std::sync::Arc;

use super::{Claimed, EmailVerification, Id, VerificationToken};
use crate::audit;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::job::NewJob;
use crate::secret::Digest;

/// Whom the letter about a claim is for.
#[derive(Debug, Clone, Copy)]
pub enum Addressee<'a> {
    /// Whoever claims the address: they are sent the code.
    Claimant(&'a Claimed),
    /// Another account has proven the address. Its owner is told that somebody tried it, at the address as they typed it,
    /// because another spelling may be another mailbox.
    Owner {
        /// The account that has proven the address.
        account: Id,
        /// The address as that account's owner typed it: the e-mail goes there.
        address: &'a str,
    },
}

/// Words the letters about claims.
pub trait Wording: Send + Sync {
    /// The job that sends the letter; `None` where nobody can be told. It is called inside the store's transaction, perhaps
    /// more than once: it waits for nothing.
    ///
    /// # Errors
    /// If it can't be written down.
    fn letter(
        &self,
        to: Addressee<'_>,
        token: &VerificationToken,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault>;
}

/// A token that proves an address, as the store gets it, and the letter that carries it.
#[derive(Clone)]
pub struct Offer {
    /// The digest of the token that was minted: all of it that is stored.
    pub digest: Digest<EmailVerification>,
    /// From when on the token is refused, in UTC.
    pub expires_at: Timestamp,
    letter: Option<Arc<Letter>>,
}

type Letter = dyn Fn(Addressee<'_>, &audit::Context) -> Result<Option<NewJob>, Fault> + Send + Sync;

impl Offer {
    /// An offer without a letter.
    pub const fn new(digest: Digest<EmailVerification>, expires_at: Timestamp) -> Self {
        Self {
            digest,
            expires_at,
            letter: None,
        }
    }

    /// The same with the letter that this words, as [`Wording::letter`] does.
    #[must_use]
    pub fn with_letter(
        mut self,
        letter: impl Fn(Addressee<'_>, &audit::Context) -> Result<Option<NewJob>, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.letter = Some(Arc::new(letter));
        self
    }

    /// The job that sends the letter, for the store to write; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be written down.
    pub fn letter(&self, to: Addressee<'_>, by: &audit::Context) -> Result<Option<NewJob>, Fault> {
        match &self.letter {
            Some(letter) => letter(to, by),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What came of a further offer. Whoever asked is told none of it: whether an address is proven, or claimed at all, is its
/// owner's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// The token is good for this claim, and its letter is written.
    Made(Claimed),
    /// Another account has proven the address, and the letter to its owner is written. The token is worth nothing.
    Taken,
    /// The account claims no address. Nothing was written.
    NothingToProve,
}
