//! The mailers: into a folder while developing, through a mail server in production.
//!
//! Which e-mails there are, how many, and when one is tried again is decided below: a mailer hands one over.
//!
//! An e-mail has one recipient, who was parsed into an address before, and its headers are built from types: no text
//! of a user becomes a header line (`T011`).
//!
//! **Deliberately absent:** a mailer that drops e-mails in silence. Where nothing is configured, sending fails and
//! the start says so.

mod folder;
mod settings;
mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::email::{Email, Id, MailError, Mailer};
use portcullis_core::environment::Environment;
use url::Url;

pub(crate) use self::folder::Folder;
pub(crate) use self::settings::{Security, Smtp, Transport};
pub(crate) use self::smtp::{SmtpMailer, fits_header, wire_address};

/// The mailer that the configuration asks for.
///
/// # Errors
/// If the mail server's settings can't be used.
pub(crate) fn mailer(
    transport: &Transport,
    public_url: Option<&Url>,
    environment: &Environment,
) -> Result<Arc<dyn Mailer>, MailError> {
    Ok(match transport {
        Transport::Folder(folder) => Arc::new(Folder::new(folder.clone(), environment.clone())),
        Transport::Smtp(smtp) => Arc::new(SmtpMailer::new(smtp, public_url)?),
        Transport::Nowhere => Arc::new(Nowhere),
    })
}

/// No mail server is configured.
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _email: Email, _: Id) -> Result<(), MailError> {
        Err(MailError::NotNow(
            "no mail server is configured: set mail.smtp and mail.from".to_owned(),
        ))
    }
}

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod tests {
    use portcullis_identity::environment;

    use super::*;

    #[tokio::test]
    async fn without_a_mail_server_sending_fails_and_says_what_to_set() {
        let mailer = mailer(&Transport::Nowhere, None, &environment::system()).unwrap();
        let email = Email {
            to: "a@b.example".into(),
            subject: "s".into(),
            text: "t".into(),
        };
        let said = mailer
            .send(email, Id::from_uuid(uuid::Uuid::nil()))
            .await
            .unwrap_err()
            .to_string();
        assert!(said.contains("mail.smtp"), "{said}");
    }
}
