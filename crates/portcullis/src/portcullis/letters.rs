//! Hands letters to the mailer beside the request: who waits for an answer doesn't wait for the mail system, and
//! the time of an answer doesn't tell whether a letter was sent.

use std::sync::Arc;

use portcullis_core::account::{Letter, Mailer};
use tokio::sync::Semaphore;

/// Sends letters in the background, a bounded number at once.
#[derive(Clone)]
pub(crate) struct Letters {
    mailer: Arc<dyn Mailer>,
    slots: Arc<Semaphore>,
}

impl Letters {
    pub(crate) fn new(mailer: Arc<dyn Mailer>) -> Self {
        Self {
            mailer,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Sends a letter, if there is one to send. A letter that can't be handed over is logged without its text; its
    /// owner can ask for another.
    pub(crate) fn send(&self, letter: Option<Letter>) {
        let Some(letter) = letter else { return };
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            tracing::error!(
                subject = letter.subject,
                "too many letters are waiting for the mail system; one was dropped"
            );
            return;
        };
        let mailer = Arc::clone(&self.mailer);
        tokio::spawn(async move {
            let subject = letter.subject.clone();
            if let Err(error) = mailer.send(letter).await {
                tracing::error!(%error, subject, "a letter was not sent");
            }
            drop(slot);
        });
    }

    /// Waits until every letter was handed over. For an orderly stop.
    pub(crate) async fn settled(&self) {
        let _ = self
            .slots
            .acquire_many(u32::try_from(AT_ONCE).unwrap_or(u32::MAX))
            .await;
    }
}

/// How many letters may be on their way to the mail system.
const AT_ONCE: usize = 256;
