//! Which keys end soon enough to be told of.

use std::sync::Arc;

use portcullis_core::account::{self, AccountState};
use portcullis_core::api_key::{
    ApiKey, Change, Expiring, ExpiryWindow, ExpiryWording, Id, NewApiKey, Warned, Warning,
};
use portcullis_core::audit::{Action, Context};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::job::{JobKind, NewJob};
use portcullis_core::throttle::{Budget, BudgetSubject, Rate};

use super::{api_key, created, new_key};
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, MICROSECOND, START, by, events, registered, set_state, together};
use crate::contract::job::new_job;

/// Whoever asks first gets it, and nobody else.
pub async fn warn_expiring_answers_each_key_once<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let expires_at = Some(START.plus(DAY * 30));
    let mut new: Vec<_> = (0..3)
        .map(|_| NewApiKey {
            expires_at,
            ..new_key(anna.id)
        })
        .collect();
    new[2].expires_at = None;
    for new in &new {
        created(&db, new).await;
    }
    let take = |at: Timestamp, limit: u32| {
        let db = db.clone();
        async move { warned(&db, at, limit).await }
    };
    let in_time = START.plus(DAY * 23);
    assert_eq!(take(in_time.minus(MICROSECOND), 10).await, []);
    let first = take(in_time, 1).await;
    assert_eq!((first.len(), first[0].account), (1, anna.id));
    let answers = together(|_| take(in_time, 10)).await;
    assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), 1);
    assert_eq!(events(&db, Action::ApiKeyExpiring).await.len(), 2);
}

/// Who can't use the key, or made it for so short a time, isn't told.
pub async fn warn_expiring_leaves_out_what_needs_no_warning<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let otto = registered(&db, "otto").await;
    let soon = Some(START.plus(DAY * 8));
    let of = |account: account::Id, expires_at| NewApiKey {
        expires_at,
        ..new_key(account)
    };
    let (good, disabled) = (of(anna.id, soon), of(anna.id, soon));
    let (short, lockeds) = (of(anna.id, Some(START.plus(DAY * 7))), of(otto.id, soon));
    for new in [&good, &disabled, &short, &lockeds] {
        created(&db, new).await;
    }
    let change = Change {
        enabled: Some(false),
        ..Change::default()
    };
    api_key(&db)
        .change_key(anna.id, disabled.id, change, None, by(START))
        .await
        .unwrap()
        .unwrap();
    set_state(&db, otto.id, AccountState::Locked).await;
    let at = START.plus(DAY * 2);
    let ids: Vec<_> = warned(&db, at, 10).await.iter().map(|key| key.id).collect();
    assert_eq!(ids, [good.id]);
    let over = START.plus(DAY * 9);
    assert_eq!(warned(&db, over, 10).await, []);
}

/// An e-mail that can't be written leaves the key as it was: a later call tells of it.
pub async fn warn_expiring_without_its_email_marks_nothing<S: Stores>(db: S) {
    let (at, key) = ending_soon(&db).await;
    let there = new_job();
    db.enqueue(there.clone(), by(at)).await.unwrap().unwrap();
    let fresh = new_job();
    let half = Words::of(vec![fresh.clone(), there]);
    for wording in [Words::failing(), half] {
        assert!(db.warn_expiring(due(at, 10), wording, by(at)).await.is_err());
        assert_eq!(events(&db, Action::ApiKeyExpiring).await.len(), 0);
        assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 1);
    }
    let words = Words::of(vec![fresh]);
    let warnings = db.warn_expiring(due(at, 10), words, by(at)).await.unwrap();
    assert_eq!(outcomes(&warnings), [(key, Warned::Told(1))]);
    assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 2);
    assert_eq!(warned(&db, at, 10).await, []);
}

/// A key whose every e-mail is withheld is answered again, but not to who asks for those behind it; one e-mail is enough.
pub async fn warn_expiring_answers_what_was_withheld_again<S: Stores>(db: S) {
    let (at, key) = ending_soon(&db).await;
    let budget = Budget {
        subject: BudgetSubject::new("a test", &[b"keys"]),
        rate: Rate::parse("1/day").unwrap(),
    };
    assert_eq!(db.spend(vec![budget], at).await.unwrap(), Ok(()));
    let withheld = || NewJob {
        budgets: vec![budget],
        ..new_job()
    };
    let warn = async |emails: Vec<NewJob>, after| {
        let due = ExpiryWindow { after, ..due(at, 10) };
        let warnings = db.warn_expiring(due, Words::of(emails), by(at)).await;
        outcomes(&warnings.unwrap())
    };
    let untold = warn(vec![withheld(), withheld()], None).await;
    assert_eq!(untold, [(key, Warned::Untold)]);
    assert_eq!(events(&db, Action::ApiKeyUntold).await.len(), 1);
    assert_eq!(events(&db, Action::JobWithheld).await.len(), 2);
    assert_eq!(events(&db, Action::ApiKeyExpiring).await.len(), 0);
    let end = START.plus(DAY * 8);
    assert_eq!(warn(vec![new_job()], Some((end, key))).await, []);
    let told = warn(vec![withheld(), new_job()], None).await;
    assert_eq!(told, [(key, Warned::Told(1))]);
    assert_eq!(warn(vec![new_job()], None).await, []);
    assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 1);
}

/// A key that ends in time for a warning at this moment.
async fn ending_soon<S: Stores>(db: &S) -> (Timestamp, Id) {
    let anna = registered(db, "anna").await;
    let new = NewApiKey {
        expires_at: Some(START.plus(DAY * 8)),
        ..new_key(anna.id)
    };
    created(db, &new).await;
    (START.plus(DAY * 2), new.id)
}

fn due(at: Timestamp, limit: u32) -> ExpiryWindow {
    ExpiryWindow {
        before: at.plus(DAY * 7),
        after: None,
        limit,
    }
}

fn outcomes(warnings: &[Warning]) -> Vec<(Id, Warned)> {
    let outcome = |one: &Warning| (one.expiring.key.id, one.outcome);
    warnings.iter().map(outcome).collect()
}

/// The keys of which a call tells, without an e-mail, that they end within a week.
pub(super) async fn warned<S: Stores>(db: &S, at: Timestamp, limit: u32) -> Vec<ApiKey> {
    let silent = Words::of(Vec::new());
    let warnings = db.warn_expiring(due(at, limit), silent, by(at)).await.unwrap();
    warnings.into_iter().map(|one| one.expiring.key).collect()
}

/// Says the same of every key.
struct Words(Result<Vec<NewJob>, Fault>);

impl Words {
    fn of(emails: Vec<NewJob>) -> Arc<dyn ExpiryWording> {
        Arc::new(Self(Ok(emails)))
    }

    fn failing() -> Arc<dyn ExpiryWording> {
        Arc::new(Self(Err(Fault::Other("no words".to_owned()))))
    }
}

impl ExpiryWording for Words {
    fn ends_soon(&self, _: &Expiring, _: &Context) -> Result<Vec<NewJob>, Fault> {
        self.0.clone()
    }
}
