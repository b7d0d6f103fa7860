//! Sends the letters that wait in the database, beside the requests: who waits for an answer doesn't wait for the mail
//! system, and the time of an answer doesn't tell whether a letter was written.
//!
//! A verb of the store writes a letter with the change it follows: as it is ([`Letters::write`]), or worded in the verb's
//! transaction by [`Words`] where only the verb finds out what to say. A worker of this process is woken then, and looks by
//! itself every second while [`Upkeep`](crate::upkeep::Upkeep) runs; so does every other node. What the mail system
//! doesn't take comes back later; what waits when the process ends is sent by the next, or by another node.
//!
//! **Deliberately absent:** a letter written beside the change it follows: a crash between would lose it.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::account::{Account, Addressee, VerificationToken};
use portcullis_core::api_key::{self, Expiring};
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::job::{self, Job, Kind, Lease, NewJob};
use portcullis_core::letter::{About, Letter, MailError, Mailer, Outbox, next_try};
use portcullis_core::session::{Device, News};
use portcullis_core::{account, audit, defends};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::letters::account::{already_registered, new_device, verify_email};
use crate::letters::api_key::letters_about;
use crate::mail::Silent;

/// Writes letters down, and sends them.
#[derive(Clone)]
pub(crate) struct Letters(Arc<Inner>);

struct Inner {
    mailer: Arc<dyn Mailer>,
    silent: bool,
    outbox: Outbox,
    jobs: Arc<dyn job::Store>,
    environment: Environment,
    limit: Duration,
    wake: Notify,
    lanes: Semaphore,
    stop: CancellationToken,
}

impl Letters {
    /// Letters by `mailer`; without one they wait until they are of no use, and the log says so. `limit` bounds the
    /// handing over of one letter.
    pub(crate) fn new(
        mailer: Option<Arc<dyn Mailer>>,
        outbox: Outbox,
        jobs: Arc<dyn job::Store>,
        environment: Environment,
        limit: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            silent: mailer.is_none(),
            mailer: mailer.unwrap_or_else(|| Arc::new(Silent)),
            outbox,
            jobs,
            environment,
            limit,
            wake: Notify::new(),
            lanes: Semaphore::new(LANES),
            stop: CancellationToken::new(),
        }))
    }

    /// Begins to send what is written, whenever it is woken.
    pub(super) fn work(&self) -> Worker {
        let letters = self.clone();
        Worker(tokio::spawn(async move {
            loop {
                letters.0.wake.notified().await;
                if let Err(fault) = letters.send_due().await {
                    tracing::warn!(%fault, "the letters that wait can't be read; they are sent later");
                }
            }
        }))
    }

    /// Whether there is a mailer at all.
    pub(crate) fn reach_anybody(&self) -> bool {
        !self.0.silent
    }

    /// The job that sends the letter, for a verb of the store to write; whoever calls the verb then calls
    /// [`Letters::wake`].
    pub(crate) fn write(
        &self,
        letter: &Letter,
        about: About,
        account: Option<account::Id>,
        by: &audit::Context,
    ) -> Result<NewJob, Fault> {
        self.0.outbox.write(letter, about, account, by)
    }

    /// Sends what is due, beside the caller.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Sends what is due; answers when nothing is, and nothing is on its way.
    pub(crate) async fn settled(&self) -> Result<(), Fault> {
        self.send_due().await?;
        let _ = self.0.lanes.acquire_many(ALL_LANES).await;
        Ok(())
    }

    /// Sends what is due for as long as `within` at most. What isn't sent then waits in the database.
    pub(crate) async fn close(&self, within: Duration) {
        defends!("T133");
        let settled = timeout(within, self.settled()).await;
        self.0.stop.cancel();
        if settled.is_err() {
            // Whoever is being sent to right now gets the letter once, if the mail system answers soon.
            let _ = timeout(LAST_WORDS, self.0.lanes.acquire_many(ALL_LANES)).await;
        }
        match self.0.jobs.waiting(Kind::Letter).await {
            Ok(0) => {}
            Ok(waiting) => tracing::info!(waiting, "letters wait in the database until a server runs"),
            Err(fault) => tracing::warn!(%fault, "whether letters wait can't be read"),
        }
    }

    async fn send_due(&self) -> Result<(), Fault> {
        let due = self.0.jobs.next_due(Kind::Letter).await?;
        if self.0.silent || due.is_none_or(|due| due > self.0.environment.now()) {
            return Ok(());
        }
        let lanes = (0..LANES).map(|_| self.lane());
        futures_util::future::try_join_all(lanes).await.map(drop)
    }

    /// Sends one letter after another until none is due.
    async fn lane(&self) -> Result<(), Fault> {
        loop {
            let Ok(_lane) = self.0.lanes.acquire().await else {
                return Ok(());
            };
            if self.0.stop.is_cancelled() {
                return Ok(());
            }
            let (lease, now) = (Lease::new(&self.0.environment), self.0.environment.now());
            let until = now.plus(self.0.limit * 2 + LEASE);
            match self.0.jobs.lease(Kind::Letter, lease, now, until).await? {
                Some(job) => self.deliver(&job, lease).await?,
                None => return Ok(()),
            }
        }
    }

    async fn deliver(&self, job: &Job, lease: Lease) -> Result<(), Fault> {
        let sent = self.send(job).await;
        let (now, label, attempts) = (self.0.environment.now(), &job.label, job.attempts);
        let (error, next) = match sent {
            Ok(()) => {
                if !self.0.jobs.finish(job.id, lease).await? {
                    tracing::warn!(letter = %job.id, label, "a letter took so long that it may be sent twice");
                }
                return Ok(());
            }
            Err(error @ MailError::Never(_)) => (error, None),
            Err(error) => {
                let next = next_try(attempts, now, job.ends_at);
                (error, next)
            }
        };
        if let Some(next) = next {
            tracing::error!(letter = %job.id, label, attempts, %next, %error, "a letter was not sent; it is tried again");
            self.0.jobs.retry_at(job.id, lease, next).await?;
        } else {
            tracing::error!(letter = %job.id, label, attempts, %error, "a letter was not sent, and is given up");
            let by = audit::Context::system(now);
            let reason = error.reason().to_owned();
            self.0.jobs.give_up(job.id, lease, reason, by).await?;
        }
        Ok(())
    }

    async fn send(&self, job: &Job) -> Result<(), MailError> {
        defends!("T133");
        if job.ends_at <= self.0.environment.now() {
            return Err(MailError::Never("it was of no use any more".to_owned()));
        }
        let letter = self.0.outbox.open(job);
        let letter = letter.map_err(|error| MailError::NotNow(error.to_string()))?;
        let sent = self.0.mailer.send(letter, job.id);
        match timeout(self.0.limit, sent).await {
            Ok(sent) => sent,
            Err(_) => Err(MailError::NotNow(
                "the mail system didn't answer in time".to_owned(),
            )),
        }
    }
}

/// Words what is told about addresses, sessions and keys.
pub(super) struct Words {
    pub(super) letters: Letters,
    pub(super) public_url: Option<Url>,
}

impl News for Words {
    fn new_device(
        &self,
        account: &Account,
        device: &Device,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        let letter = self.public_url.as_ref();
        let letter = letter.and_then(|url| new_device(url, account, device, by.at));
        let write = |letter| {
            self.letters
                .write(&letter, About::NewDevice, Some(account.id), by)
        };
        letter.map(write).transpose()
    }
}

impl account::Wording for Words {
    fn letter(
        &self,
        to: Addressee<'_>,
        token: &VerificationToken,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        let Some(url) = &self.public_url else {
            return Ok(None);
        };
        let (letter, about, account) = match to {
            Addressee::Claimant(claimed) => (
                verify_email(url, claimed, token),
                About::Verification,
                claimed.account.id,
            ),
            Addressee::Owner { account, address } => (
                Some(already_registered(url, address)),
                About::AlreadyRegistered,
                account,
            ),
        };
        let write = |letter| self.letters.write(&letter, about, Some(account), by);
        letter.map(write).transpose()
    }
}

impl api_key::Wording for Words {
    fn ends_soon(&self, expiring: &Expiring, by: &audit::Context) -> Result<Vec<NewJob>, Fault> {
        if !self.letters.reach_anybody() {
            return Ok(Vec::new());
        }
        let (letters, owner) = (&self.letters, Some(expiring.owner.id));
        let write = |letter| letters.write(&letter, About::KeyExpiring, owner, by);
        let about = letters_about(self.public_url.as_ref(), expiring);
        about.into_iter().map(write).collect()
    }
}

/// The task that sends. Dropping it ends that; what it was about to send is sent by another later.
pub(super) struct Worker(JoinHandle<()>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many letters are handed over at once.
const LANES: usize = 4;
#[allow(clippy::cast_possible_truncation, reason = "it is four")]
const ALL_LANES: u32 = LANES as u32;

/// What a lease is longer than a letter can take.
const LEASE: Duration = Duration::from_secs(60);

/// How long a letter that is on its way at the end is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
