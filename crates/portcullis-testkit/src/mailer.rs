//! A mailer that keeps every letter.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::letter::{Id, Letter, MailError, Mailer};
use tokio::sync::Notify;

/// Keeps letters instead of sending them.
#[derive(Debug, Default)]
pub struct FakeMailer {
    letters: Mutex<Vec<Letter>>,
    came: Notify,
}

impl FakeMailer {
    /// The next letter to `to`; waits for it.
    pub async fn letter_to(&self, to: &str) -> Letter {
        loop {
            // Registered before looking: a letter that comes in between wakes us.
            let came = self.came.notified();
            if let Some(letter) = self.take(to) {
                return letter;
            }
            came.await;
        }
    }

    /// The verification code in the next letter to `to`; waits for it.
    pub async fn code_to(&self, to: &str) -> String {
        let letter = self.letter_to(to).await;
        let code = letter
            .text
            .split_whitespace()
            .find(|word| word.starts_with("pcv_"));
        code.unwrap_or_else(|| panic!("no code in: {}", letter.text))
            .to_owned()
    }

    /// How many letters wait.
    pub fn waiting(&self) -> usize {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self, to: &str) -> Option<Letter> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let index = letters.iter().position(|letter| letter.to == to)?;
        Some(letters.remove(index))
    }
}

#[async_trait]
impl Mailer for FakeMailer {
    async fn send(&self, letter: Letter, _: Id) -> Result<(), MailError> {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(letter);
        self.came.notify_waiters();
        Ok(())
    }
}
