//! E-mails without a mail system.

use async_trait::async_trait;
use portcullis_core::email::{Email, Id, MailError, Mailer};

/// The mailer of a program that was given none: it refuses, and the log says that an e-mail was lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silent;

#[async_trait]
impl Mailer for Silent {
    async fn send(&self, _email: Email, _: Id) -> Result<(), MailError> {
        Err(MailError::NotNow(
            "no mailer is configured: give the builder one".to_owned(),
        ))
    }
}
