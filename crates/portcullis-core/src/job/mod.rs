//! Jobs: what is done after an answer, such as sending an e-mail, and must not be forgotten.
//!
//! Flow: a verb of the store writes the job in the transaction of the change it follows, so that there is neither
//! without the other → a worker of any node *leases* it for a while → it is finished, put off, or given up. A worker
//! that dies loses its lease, and another takes the job again.
//!
//! **Invariants:** a job is leased by one worker at a time; only who holds the lease may finish, put off or give up;
//! what a job needs is sealed at rest and gone with the job. A job whose worker dies after its deed and before
//! [`Store::finish`] is done again: whatever a job does must bear that.
//!
//! **Deliberately absent:** a table for each kind of job: a new kind is a variant of [`JobKind`].

use std::time::Duration;

use crate::environment::Timestamp;
use crate::id::AccountId;
use crate::key::Sealed;
use crate::port::port;
use crate::throttle::Budget;
use crate::{audit, define_id};

define_id! {
    /// Names a job; an e-mail that is tried again has it as before.
    Id
}

define_id! {
    /// Names the hold of one worker on one job; no other worker's, and no earlier one of the same worker's, is the same.
    Lease
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobKind {
    /// An e-mail is to be handed to the mail system.
    Email,
}

impl JobKind {
    /// The word that is stored; [`JobKind::parse`] reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "letter",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Email].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The job's id, minted by whoever writes it: its payload is sealed for it.
    pub id: Id,
    /// What is to be done.
    pub kind: JobKind,
    /// What it is about, in words of ours: they stand in the audit log and in the program's.
    pub label: &'static str,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// What is needed for it, sealed for this id.
    pub payload: Sealed,
    /// Not before this moment.
    pub run_at: Timestamp,
    /// From this moment on it is of no use any more.
    pub ends_at: Timestamp,
    /// What it is counted against. If one of them has nothing left, the job isn't written.
    pub budgets: Vec<Budget>,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Job {
    /// The job's id, the same for every attempt.
    pub id: Id,
    /// What is to be done.
    pub kind: JobKind,
    /// What it is about.
    pub label: String,
    /// What is needed for it, sealed for this id.
    pub payload: Vec<u8>,
    /// How often it was leased, this time included.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// From this moment on it is of no use any more.
    pub ends_at: Timestamp,
}

/// A job isn't written: one of its budgets has nothing left for this long. Nothing was counted or written but an audit
/// event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is withheld for {} s", .0.as_secs())]
pub struct Withheld(pub Duration);

port! {
    /// Where jobs wait until a worker takes them.
    pub trait Store => jobs_port;

    /// Writes a job that follows no change in the database, and counts it against its budgets; one that is withheld is
    /// audited as [`audit::Action::JobWithheld`]. Verbs that write a job with their change do the same.
    write fn enqueue(job: NewJob, by: audit::Context) -> Result<(), Withheld>;

    /// When the next job of this kind is due, also one whose lease runs out then.
    read fn next_due(kind: JobKind) -> Option<Timestamp>;

    /// How many jobs of this kind there are.
    read fn waiting(kind: JobKind) -> u64;

    /// Takes the job of this kind that has been due for longest at `now`, until `until`. Of any number of parallel
    /// calls, on any node, each gets another job, or none; one whose lease ran out is due again.
    write fn lease(kind: JobKind, under: Lease, now: Timestamp, until: Timestamp) -> Option<Job>;

    /// Forgets a job that is done. Answers `false`, and changes nothing, if the lease is another's by now.
    write fn finish(job: Id, lease: Lease) -> bool;

    /// Puts a job off until `at`. Answers `false`, and changes nothing, if the lease is another's by now.
    write fn retry_at(job: Id, lease: Lease, at: Timestamp) -> bool;

    /// Forgets a job that can't be done ([`audit::Action::JobGivenUp`]); `reason` is in words of ours. Answers `false`,
    /// and changes nothing, if the lease is another's by now.
    write fn give_up(job: Id, lease: Lease, reason: String, by: audit::Context) -> bool;
}
