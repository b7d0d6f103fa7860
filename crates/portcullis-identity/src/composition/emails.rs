//! Sends the e-mails that wait in the database, beside the requests: who waits for an answer doesn't wait for the mail
//! system, and the time of an answer doesn't tell whether an e-mail was written.
//!
//! A verb of the store writes an e-mail with the change it follows: as it is ([`Emails::write`]), or worded in the verb's
//! transaction by [`Words`] where only the verb finds out what to say. A worker of this process is woken then, and looks by
//! itself every second while [`Upkeep`](crate::upkeep::Upkeep) runs; so does every other node. What the mail system
//! doesn't take comes back later; what waits when the process ends is sent by the next, or by another node.
//!
//! **Deliberately absent:** an e-mail written beside the change it follows: a crash between would lose it.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::account::{Account, Addressee, VerificationToken};
use portcullis_core::api_key::{self, Expiring};
use portcullis_core::email::{About, Email, MailError, Mailer, Outbox, next_try};
use portcullis_core::environment::Environment;
use portcullis_core::fault::Fault;
use portcullis_core::job::{self, Job, JobKind, Lease, NewJob};
use portcullis_core::session::{Device, News};
use portcullis_core::{account, audit, defends};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::emails::account::{already_registered, new_device, verify_email};
use crate::emails::api_key::emails_about;
use crate::mail::Silent;

/// Writes e-mails down, and sends them.
#[derive(Clone)]
pub(crate) struct Emails(Arc<Inner>);

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

impl Emails {
    /// E-mails by `mailer`; without one they wait until they are of no use, and the log says so. `limit` bounds the
    /// handing over of one e-mail.
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
        let emails = self.clone();
        Worker(tokio::spawn(async move {
            loop {
                emails.0.wake.notified().await;
                match emails.send_due().await {
                    Ok(()) => {}
                    // What is still queued is sent by the next process.
                    Err(Fault::Closed) => return,
                    Err(fault) => tracing::warn!(%fault, "queued e-mails can't be read; they are sent later"),
                }
            }
        }))
    }

    /// Whether there is a mailer at all.
    pub(crate) fn reach_anybody(&self) -> bool {
        !self.0.silent
    }

    /// The job that sends the e-mail, for a verb of the store to write; whoever calls the verb then calls
    /// [`Emails::wake`].
    pub(crate) fn write(
        &self,
        email: &Email,
        about: About,
        account: Option<account::Id>,
        by: &audit::Context,
    ) -> Result<NewJob, Fault> {
        self.0.outbox.write(email, about, account, by)
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
            // Whoever is being sent to right now gets the e-mail once, if the mail system answers soon.
            let _ = timeout(LAST_WORDS, self.0.lanes.acquire_many(ALL_LANES)).await;
        }
        match self.0.jobs.waiting(JobKind::Email).await {
            Ok(0) => {}
            Ok(waiting) => tracing::info!(waiting, "queued e-mails wait in the database until a server runs"),
            Err(fault) => tracing::warn!(%fault, "the queue of e-mails can't be read"),
        }
    }

    async fn send_due(&self) -> Result<(), Fault> {
        let due = self.0.jobs.next_due(JobKind::Email).await?;
        if self.0.silent || due.is_none_or(|due| due > self.0.environment.now()) {
            return Ok(());
        }
        let lanes = (0..LANES).map(|_| self.lane());
        futures_util::future::try_join_all(lanes).await.map(drop)
    }

    /// Sends one e-mail after another until none is due.
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
            match self.0.jobs.lease(JobKind::Email, lease, now, until).await? {
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
                    tracing::warn!(email = %job.id, label, "an e-mail took so long that it may be sent twice");
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
            tracing::error!(email = %job.id, label, attempts, %next, %error, "sending an e-mail failed; it will be retried");
            self.0.jobs.retry_at(job.id, lease, next).await?;
        } else {
            tracing::error!(email = %job.id, label, attempts, %error, "sending an e-mail failed; giving up");
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
        let email = self.0.outbox.open(job);
        let email = email.map_err(|error| MailError::NotNow(error.to_string()))?;
        let sent = self.0.mailer.send(email, job.id);
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
    pub(super) emails: Emails,
    pub(super) public_url: Option<Url>,
}

impl News for Words {
    fn new_device(
        &self,
        account: &Account,
        device: &Device,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        let email = self.public_url.as_ref();
        let email = email.and_then(|url| new_device(url, account, device, by.at));
        let write = |email| self.emails.write(&email, About::NewDevice, Some(account.id), by);
        email.map(write).transpose()
    }
}

impl account::VerificationWording for Words {
    fn email(
        &self,
        to: Addressee<'_>,
        token: &VerificationToken,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        let Some(url) = &self.public_url else {
            return Ok(None);
        };
        let (email, about, account) = match to {
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
        let write = |email| self.emails.write(&email, about, Some(account), by);
        email.map(write).transpose()
    }
}

impl api_key::ExpiryWording for Words {
    fn ends_soon(&self, expiring: &Expiring, by: &audit::Context) -> Result<Vec<NewJob>, Fault> {
        if !self.emails.reach_anybody() {
            return Ok(Vec::new());
        }
        let (emails, owner) = (&self.emails, Some(expiring.owner.id));
        let write = |email| emails.write(&email, About::KeyExpiring, owner, by);
        let about = emails_about(self.public_url.as_ref(), expiring);
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

/// How many e-mails are handed over at once.
const LANES: usize = 4;
#[allow(clippy::cast_possible_truncation, reason = "it is four")]
const ALL_LANES: u32 = LANES as u32;

/// What a lease is longer than an e-mail can take.
const LEASE: Duration = Duration::from_secs(60);

/// How long an e-mail that is on its way at the end is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
