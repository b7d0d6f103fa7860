//! What is mailed, and the port that mails it.

use async_trait::async_trait;

use crate::job::Id;

/// A letter to exactly one stored address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Letter {
    /// The address, as it is compared: its domain may be written in any script.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The text. A link stands on a line of its own.
    pub text: String,
}

/// Why a letter was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// This letter never will be: its recipient is refused, or it can't be written as mail.
    #[error("the letter is undeliverable: {0}")]
    Never(String),
    /// It is to be tried again: the mail system can't take it now, or the settings are wrong.
    #[error("the letter could not be handed over: {0}")]
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

/// Hands letters over to the mail system.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one letter over. `id` is the letter's for ever: when it is handed over again, because nobody knows whether it
    /// arrived, the id is the same, and so should be the letter's `Message-ID`.
    ///
    /// # Errors
    /// [`MailError`], which says whether to try again.
    async fn send(&self, letter: Letter, id: Id) -> Result<(), MailError>;
}
