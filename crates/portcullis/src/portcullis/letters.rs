//! Hands letters to the mailer beside the request: who waits for an answer doesn't wait for the mail system, and
//! the time of an answer doesn't tell whether a letter was sent.

use std::sync::Arc;

use portcullis_core::account::{Letter, Mailer};
use tokio::sync::Semaphore;

use crate::mail::Silent;

/// Sends letters in the background, a bounded number at once.
#[derive(Clone)]
pub(crate) struct Letters {
    mailer: Arc<dyn Mailer>,
    silent: bool,
    slots: Arc<Semaphore>,
}

impl Letters {
    /// Letters by `mailer`; without one they are lost, and the log says so.
    pub(crate) fn new(mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self {
            silent: mailer.is_none(),
            mailer: mailer.unwrap_or_else(|| Arc::new(Silent)),
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

    /// Whether there is a mailer at all.
    pub(crate) fn reach_anybody(&self) -> bool {
        !self.silent
    }

    /// Sends a letter and waits for the mail system; whether it took the letter. A failure is logged as by
    /// [`Letters::send`].
    pub(crate) async fn deliver(&self, letter: Letter) -> bool {
        let _slot = self.slots.acquire().await;
        let subject = letter.subject.clone();
        let sent = self.mailer.send(letter).await;
        if let Err(error) = &sent {
            tracing::error!(%error, subject, "a letter was not sent");
        }
        sent.is_ok()
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
