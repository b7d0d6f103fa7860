//! What is mailed, and the port that mails it.

use async_trait::async_trait;

/// A letter to exactly one stored address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address, as its owner typed it.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// A letter could not be handed over; it may be asked for again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the mail could not be handed over: {0}")]
pub struct MailError(pub String);

/// Hands letters over to the mail system.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one letter over.
    ///
    /// # Errors
    /// [`MailError`]; nothing was sent.
    async fn send(&self, letter: Letter) -> Result<(), MailError>;
}
