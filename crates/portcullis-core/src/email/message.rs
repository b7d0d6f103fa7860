//! What is mailed, and the port that mails it.

use async_trait::async_trait;

use crate::job::Id;

/// An e-mail to exactly one stored address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Email {
    /// The address, as it is compared: its domain may be written in any script.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The text. A link stands on a line of its own.
    pub text: String,
}

/// Why an e-mail was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// This e-mail never will be: its recipient is refused, or it can't be written as mail.
    #[error("the e-mail is undeliverable: {0}")]
    Never(String),
    /// It is to be tried again: the mail system can't take it now, or the settings are wrong.
    #[error("the e-mail could not be handed over: {0}")]
    NotNow(String),
}

impl MailError {
    /// What was wrong, in words that quote nobody.
    pub fn reason(&self) -> &str {
        match self {
            Self::Never(reason) | Self::NotNow(reason) => reason,
        }
    }
}

/// Hands e-mails over to the mail system.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one e-mail over. `id` is the e-mail's for ever: when it is handed over again, because nobody knows whether it
    /// arrived, the id is the same, and so should be the e-mail's `Message-ID`.
    ///
    /// # Errors
    /// [`MailError`], which says whether to try again.
    async fn send(&self, email: Email, id: Id) -> Result<(), MailError>;
}
