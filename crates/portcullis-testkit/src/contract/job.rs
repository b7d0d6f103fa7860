//! Jobs: who gets one, who may end it, and when it comes back.

use std::sync::Arc;

use portcullis_core::account;
use portcullis_core::audit::{Action, Context};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::job::{Id, Job, JobKind, Lease, NewJob, Withheld};
use portcullis_core::key::{MasterKey, Sealer};
use portcullis_core::throttle::{Budget, BudgetSubject, Rate};

use super::Stores;
use super::fixtures::{
    CROWD, DAY, HOUR, MICROSECOND, MINUTE, START, by, event_count, events, fresh_id, together,
};
use crate::FakeClock;

/// An e-mail that is due at once, for a day, and counted against nothing.
pub(super) fn new_job() -> NewJob {
    let environment = crate::environment(&Arc::new(FakeClock::new()), 1);
    let sealer = Sealer::new(MasterKey::generate(&environment), environment);
    let id = Id::from_uuid(fresh_id());
    NewJob {
        id,
        kind: JobKind::Email,
        label: "an e-mail",
        account: None,
        payload: sealer.seal("job", id.as_uuid().as_bytes(), b"secret").unwrap(),
        run_at: START,
        ends_at: START.plus(DAY),
        budgets: Vec::new(),
    }
}

async fn written<S: Stores>(db: &S, job: &NewJob) {
    let enqueued = db.enqueue(job.clone(), by(START)).await.unwrap();
    assert_eq!(enqueued, Ok(()));
}

fn fresh_lease() -> Lease {
    Lease::from_uuid(fresh_id())
}

async fn take<S: Stores>(db: &S, lease: Lease, now: Timestamp) -> Option<Job> {
    db.lease(JobKind::Email, lease, now, now.plus(MINUTE))
        .await
        .unwrap()
}

/// A job is counted against all of its budgets or none; one too many isn't written, and the log says so.
pub async fn enqueue_over_a_budget_is_withheld<S: Stores>(db: S) {
    checks!("T130");
    let budget = |subject: &[u8], rate| Budget {
        subject: BudgetSubject::new("a test", &[subject]),
        rate: Rate::parse(rate).unwrap(),
    };
    let about = account::Id::from_uuid(fresh_id());
    let counted = |first: &[u8]| NewJob {
        budgets: vec![budget(first, "2/day"), budget(b"wide", "3/day")],
        account: Some(about),
        ..new_job()
    };
    let enqueue = async |job: NewJob, at| db.enqueue(job, by(at)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(enqueue(counted(b"a"), START).await, Ok(()));
    }
    let before = event_count(&db).await;
    for _ in 0..3 {
        assert_eq!(enqueue(counted(b"a"), START).await, Err(Withheld(DAY / 2)));
    }
    assert_eq!(event_count(&db).await, before + 3);
    let withheld = &events(&db, Action::JobWithheld).await[0];
    assert_eq!(withheld.detail.as_deref(), Some("an e-mail"));
    assert_eq!(withheld.account, Some(about));
    // What was withheld took nothing from the wider budget.
    assert_eq!(enqueue(counted(b"b"), START).await, Ok(()));
    assert_eq!(enqueue(counted(b"b"), START).await, Err(Withheld(DAY / 3)));
    assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 3);
    let later = START.plus(DAY / 2);
    assert_eq!(enqueue(counted(b"a"), later).await, Ok(()));
}

/// Nobody gets a job before its moment.
pub async fn lease_before_its_moment_is_nothing<S: Stores>(db: S) {
    assert_eq!(db.next_due(JobKind::Email).await.unwrap(), None);
    let job = NewJob {
        run_at: START.plus(HOUR),
        ..new_job()
    };
    written(&db, &job).await;
    assert_eq!(db.next_due(JobKind::Email).await.unwrap(), Some(job.run_at));
    let early = job.run_at.minus(MICROSECOND);
    assert!(take(&db, fresh_lease(), early).await.is_none());
    let taken = take(&db, fresh_lease(), job.run_at).await.unwrap();
    assert_eq!((taken.id, taken.attempts), (job.id, 1));
    assert_eq!(taken.payload, job.payload.as_bytes());
    assert_eq!((taken.created_at, taken.ends_at), (START, job.ends_at));
    assert_eq!(taken.label, "an e-mail");
}

/// However many workers ask at once, each job is one worker's.
pub async fn lease_in_parallel_gives_each_job_once<S: Stores>(db: S) {
    checks!("T131");
    let jobs: Vec<NewJob> = (0..10).map(|_| new_job()).collect();
    for job in &jobs {
        written(&db, job).await;
    }
    let taken = together(|_| {
        let db = db.clone();
        async move { take(&db, fresh_lease(), START).await }
    })
    .await;
    let mut ids: Vec<Id> = taken.into_iter().flatten().map(|job| job.id).collect();
    let many = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), many, "of {CROWD} workers two had the same job");
    // Who passed over a job that another was taking may have found none: it is there for the next.
    while let Some(job) = take(&db, fresh_lease(), START).await {
        ids.push(job.id);
    }
    ids.sort();
    let mut wanted: Vec<Id> = jobs.iter().map(|job| job.id).collect();
    wanted.sort();
    assert_eq!(ids, wanted);
}

/// What a worker left behind is taken again when its lease is over, and not before.
pub async fn lease_that_ran_out_is_taken_again<S: Stores>(db: S) {
    checks!("T131");
    let job = new_job();
    written(&db, &job).await;
    assert!(take(&db, fresh_lease(), START).await.is_some());
    let over = START.plus(MINUTE);
    assert!(take(&db, fresh_lease(), over.minus(MICROSECOND)).await.is_none());
    let again = take(&db, fresh_lease(), over).await.unwrap();
    assert_eq!((again.id, again.attempts), (job.id, 2));
    assert_eq!(again.payload, job.payload.as_bytes());
}

/// Who lost the lease ends nothing any more.
pub async fn finish_after_the_lease_was_lost_is_refused<S: Stores>(db: S) {
    checks!("T131");
    let job = new_job();
    written(&db, &job).await;
    let (first, second) = (fresh_lease(), fresh_lease());
    assert!(!db.finish(job.id, first).await.unwrap());
    assert!(take(&db, first, START).await.is_some());
    let over = START.plus(MINUTE);
    assert!(take(&db, second, over).await.is_some());
    let before = event_count(&db).await;
    assert!(!db.finish(job.id, first).await.unwrap());
    assert!(!db.retry_at(job.id, first, over).await.unwrap());
    let context = Context::system(over);
    assert!(
        !db.give_up(job.id, first, "late".to_owned(), context)
            .await
            .unwrap()
    );
    assert_eq!(event_count(&db).await, before);
    assert!(db.finish(job.id, second).await.unwrap());
    assert!(!db.finish(job.id, second).await.unwrap());
    assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 0);
}

/// What was put off is due at its moment, and its former lease is void.
pub async fn retry_at_comes_back_at_its_moment<S: Stores>(db: S) {
    let job = new_job();
    written(&db, &job).await;
    let lease = fresh_lease();
    assert!(take(&db, lease, START).await.is_some());
    let later = START.plus(HOUR);
    assert!(db.retry_at(job.id, lease, later).await.unwrap());
    assert!(!db.finish(job.id, lease).await.unwrap());
    assert_eq!(db.next_due(JobKind::Email).await.unwrap(), Some(later));
    assert!(take(&db, fresh_lease(), later.minus(MICROSECOND)).await.is_none());
    assert_eq!(take(&db, fresh_lease(), later).await.unwrap().attempts, 2);
}

/// What is given up is gone, with an event that says why.
pub async fn give_up_forgets_what_was_sealed<S: Stores>(db: S) {
    let about = account::Id::from_uuid(fresh_id());
    let job = NewJob {
        account: Some(about),
        ..new_job()
    };
    written(&db, &job).await;
    let lease = fresh_lease();
    assert!(take(&db, lease, START).await.is_some());
    let context = Context::system(START);
    assert!(
        db.give_up(job.id, lease, "refused".to_owned(), context)
            .await
            .unwrap()
    );
    assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 0);
    assert_eq!(db.next_due(JobKind::Email).await.unwrap(), None);
    let event = &events(&db, Action::JobGivenUp).await[0];
    assert_eq!(event.detail.as_deref(), Some("an e-mail: refused"));
    assert_eq!((event.account, event.actor.as_str()), (Some(about), "system"));
}

/// First come, first served.
pub async fn lease_takes_the_oldest_of_its_kind<S: Stores>(db: S) {
    let ages = [2, 0, 1].map(|minutes| NewJob {
        run_at: START.plus(MINUTE * minutes),
        ..new_job()
    });
    for job in &ages {
        written(&db, job).await;
    }
    let now = START.plus(HOUR);
    for index in [1, 2, 0] {
        let taken = take(&db, fresh_lease(), now).await.unwrap();
        assert_eq!(taken.id, ages[index].id);
    }
}
