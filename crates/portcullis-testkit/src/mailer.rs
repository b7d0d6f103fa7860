//! A mailer that keeps every e-mail.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::email::{Email, Id, MailError, Mailer};
use tokio::sync::Notify;

/// Keeps e-mails instead of sending them.
#[derive(Debug, Default)]
pub struct FakeMailer {
    emails: Mutex<Vec<Email>>,
    came: Notify,
}

impl FakeMailer {
    /// The next e-mail to `to`; waits for it.
    pub async fn email_to(&self, to: &str) -> Email {
        loop {
            // Registered before looking: an e-mail that comes in between wakes us.
            let came = self.came.notified();
            if let Some(email) = self.take(to) {
                return email;
            }
            came.await;
        }
    }

    /// The verification code in the next e-mail to `to`; waits for it.
    pub async fn code_to(&self, to: &str) -> String {
        let email = self.email_to(to).await;
        let code = email
            .text
            .split_whitespace()
            .find(|word| word.starts_with("pcv_"));
        code.unwrap_or_else(|| panic!("no code in: {}", email.text))
            .to_owned()
    }

    /// How many e-mails wait.
    pub fn waiting(&self) -> usize {
        self.emails.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self, to: &str) -> Option<Email> {
        let mut emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let index = emails.iter().position(|email| email.to == to)?;
        Some(emails.remove(index))
    }
}

#[async_trait]
impl Mailer for FakeMailer {
    async fn send(&self, email: Email, _: Id) -> Result<(), MailError> {
        self.emails
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(email);
        self.came.notify_waiters();
        Ok(())
    }
}
