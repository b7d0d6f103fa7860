//! Offering a code that proves an address, with the e-mail that carries it.
//!
//! Flow: the registrar mints a token → its digest goes to the store in an [`Offer`], which knows how the e-mail is worded
//! → inside its transaction the store finds out who the e-mail is for ([`Addressee`]) → it writes the e-mail's job with
//! what it follows. So there is neither an account nor a token without its e-mail, nor an e-mail without them.
//!
//! **Invariants:** the store never sees the token, only its digest and the sealed e-mail; whether the e-mail goes to the
//! claimant or to the owner of a proven address, one is worded, sealed and counted (`T012`).

use std::fmt;
use std::sync::Arc;

use super::{Claimed, EmailVerification, Id, VerificationToken};
use crate::audit;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::job::NewJob;
use crate::secret::Digest;

/// Whom the e-mail about a claim is for.
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

/// Words the e-mails about claims.
pub trait VerificationWording: Send + Sync {
    /// The job that sends the e-mail; `None` where nobody can be told. It is called inside the store's transaction, perhaps
    /// more than once: it waits for nothing.
    ///
    /// # Errors
    /// If it can't be written down.
    fn email(
        &self,
        to: Addressee<'_>,
        token: &VerificationToken,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault>;
}

/// A token that proves an address, as the store gets it, and the e-mail that carries it.
#[derive(Clone)]
pub struct Offer {
    /// The digest of the token that was minted: all of it that is stored.
    pub digest: Digest<EmailVerification>,
    /// From when on the token is refused, in UTC.
    pub expires_at: Timestamp,
    email: Option<Arc<Write>>,
}

type Write = dyn Fn(Addressee<'_>, &audit::Context) -> Result<Option<NewJob>, Fault> + Send + Sync;

impl Offer {
    /// An offer without an e-mail.
    pub const fn new(digest: Digest<EmailVerification>, expires_at: Timestamp) -> Self {
        Self {
            digest,
            expires_at,
            email: None,
        }
    }

    /// The same with the e-mail that this words, as [`VerificationWording::email`] does.
    #[must_use]
    pub fn with_email(
        mut self,
        email: impl Fn(Addressee<'_>, &audit::Context) -> Result<Option<NewJob>, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.email = Some(Arc::new(email));
        self
    }

    /// The job that sends the e-mail, for the store to write; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be written down.
    pub fn email(&self, to: Addressee<'_>, by: &audit::Context) -> Result<Option<NewJob>, Fault> {
        match &self.email {
            Some(email) => email(to, by),
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
    /// The token is good for this claim, and its e-mail is written.
    Made(Claimed),
    /// Another account has proven the address, and the e-mail to its owner is written. The token is worth nothing.
    Taken,
    /// The account claims no address. Nothing was written.
    NothingToProve,
}
