//! E-mails about addresses: each is written with what it follows, or neither is.

use std::sync::{Arc, Mutex};

use portcullis_core::account::{
    self, Account, Addressee, AgainError, Claim, EmailAddress, EmailVerification, Identifier, NewAccount,
    Offer, Offered, RegistrationError,
};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::fault::Fault;
use portcullis_core::job::{self, JobKind, Lease, NewJob};
use portcullis_core::secret::Digest;
use portcullis_core::throttle::{Budget, BudgetSubject, Rate};

use crate::contract::Stores;
use crate::contract::fixtures::{
    DAY, HOUR, MINUTE, START, by, event_count, events, fresh_digest, fresh_id, new_account, proves,
    registered, verified,
};
use crate::contract::job::new_job;

/// Account, token and e-mail are there together, and the e-mail is to whoever claims the address.
pub async fn register_writes_the_email_with_the_account<S: Stores>(db: S) {
    let (mut new, email) = (new_account("Anna"), new_job());
    let (token, seen) = (fresh_digest(), Seen::default());
    new.verification = Some(seen.offer(token, &email));
    let account = created(&db, new).await;
    assert_eq!(seen.last(), To::Claimant(account.clone()));
    assert_eq!(waiting(&db).await, [email.id]);
    assert!(proves(&db, &account, token, START).await);
    assert_eq!(events(&db, Action::EmailVerificationRequested).await.len(), 0);
}

/// An e-mail that can't be written leaves no account; one that is withheld does, and the log says so.
pub async fn register_without_its_email_writes_nothing<S: Stores>(db: S) {
    for offer in unwritten(&db).await {
        let before = event_count(&db).await;
        let mut new = new_account("anna");
        new.verification = Some(offer);
        let id = new.id;
        assert!(db.register(new, by(START)).await.is_err());
        assert_eq!(account::Store::find(&db, id).await.unwrap(), None);
        let who = Identifier::parse("anna@example.com").unwrap();
        assert!(db.find_logins(who).await.unwrap().is_empty());
        assert_eq!(event_count(&db).await, before);
        assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 1);
    }
    let mut new = new_account("anna");
    new.verification = Some(Seen::default().offer(fresh_digest(), &withheld(&db).await));
    created(&db, new).await;
    assert_eq!(events(&db, Action::JobWithheld).await.len(), 1);
}

/// Beside a proof of another's, the e-mail is to the owner, as they typed the address, and it is written with the account.
pub async fn register_tells_the_owner_of_a_proven_address<S: Stores>(db: S) {
    checks!("T011");
    checks!("T012");
    let owner = registered(&db, "Anna").await;
    verified(&db, owner.id).await;
    let (email, seen) = (new_job(), Seen::default());
    let hidden = |name: &str, offer: Offer| NewAccount {
        claim: Claim::Hidden,
        email: Some(EmailAddress::parse("anna@EXAMPLE.com").unwrap()),
        verification: Some(offer),
        ..new_account(name)
    };
    let token = fresh_digest();
    let second = created(&db, hidden("second", seen.offer(token, &email))).await;
    let to = To::Owner(owner.id, "Anna@example.com".to_owned());
    assert_eq!(seen.last(), to);
    assert_eq!(waiting(&db).await, [email.id]);
    assert!(!proves(&db, &second, token, START).await);
    // Where taken addresses aren't hidden nothing is written, so no e-mail either.
    let mut open = hidden("third", seen.offer(fresh_digest(), &new_job()));
    open.claim = Claim::Open;
    let taken = db.register(open, by(START)).await.unwrap();
    assert!(matches!(taken, Err(RegistrationError::Taken { email: true, .. })));
    for offer in unwritten(&db).await {
        let new = hidden("fourth", offer);
        let id = new.id;
        assert!(db.register(new, by(START)).await.is_err());
        assert_eq!(account::Store::find(&db, id).await.unwrap(), None);
    }
}

/// A further token is remembered with its e-mail and its event; an e-mail that is withheld or can't be written leaves
/// neither.
pub async fn offer_verification_writes_token_and_email_or_neither<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    for offer in unwritten(&db).await {
        let (before, token) = (event_count(&db).await, offer.digest);
        assert!(db.offer_verification(anna.id, offer, by(START)).await.is_err());
        assert!(!known(&db, token).await);
        assert_eq!(event_count(&db).await, before);
        assert_eq!(db.waiting(JobKind::Email).await.unwrap(), 1);
    }
    waiting(&db).await;
    let seen = Seen::default();
    let offer = async |token, email: &NewJob| {
        let offer = seen.offer(token, email);
        db.offer_verification(anna.id, offer, by(START)).await.unwrap()
    };
    let token = fresh_digest();
    let email = withheld(&db).await;
    assert_eq!(offer(token, &email).await, Err(AgainError::TooSoon(DAY)));
    assert!(!known(&db, token).await);
    assert_eq!(events(&db, Action::JobWithheld).await.len(), 1);
    assert_eq!(events(&db, Action::EmailVerificationRequested).await.len(), 0);
    let email = new_job();
    assert!(matches!(offer(token, &email).await, Ok(Offered::Made(claimed)) if claimed.account == anna));
    assert_eq!(seen.last(), To::Claimant(anna.clone()));
    assert_eq!(waiting(&db).await, [email.id]);
    let requested = events(&db, Action::EmailVerificationRequested).await;
    assert_eq!(requested.len(), 1);
    assert_eq!(requested[0].account, Some(anna.id));
    assert_eq!(
        requested[0].detail.as_deref(),
        Some("a code to the claimed address")
    );
    assert!(proves(&db, &anna, token, START).await);
}

/// Who asks for a code for an address that another account has proven gets none; the owner gets a word, and the log tells.
pub async fn offer_verification_of_a_proven_address_tells_its_owner<S: Stores>(db: S) {
    checks!("T012");
    let owner = registered(&db, "anna").await;
    verified(&db, owner.id).await;
    let mut new = new_account("second");
    (new.claim, new.email) = (Claim::Hidden, EmailAddress::parse("anna@example.com").ok());
    let second = created(&db, new).await;
    let (email, seen, token) = (new_job(), Seen::default(), fresh_digest());
    let offer = seen.offer(token, &email);
    let offered = db.offer_verification(second.id, offer, by(START)).await.unwrap();
    assert_eq!(offered, Ok(Offered::Taken));
    assert_eq!(seen.last(), To::Owner(owner.id, "anna@example.com".to_owned()));
    assert_eq!(waiting(&db).await, [email.id]);
    assert!(!known(&db, token).await);
    let requested = events(&db, Action::EmailVerificationRequested).await;
    assert_eq!(requested[0].account, Some(second.id));
    assert_eq!(
        requested[0].detail.as_deref(),
        Some("a word to the address, which another account has proven")
    );
}

/// Whom an e-mail was worded for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Claimant(Account),
    Owner(account::Id, String),
}

/// Notes whom e-mails are worded for.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<To>>>);

impl Seen {
    /// An offer whose e-mail is this job.
    fn offer(&self, token: Digest<EmailVerification>, email: &NewJob) -> Offer {
        let (seen, email) = (self.clone(), email.clone());
        Offer::new(token, START.plus(HOUR)).with_email(move |to, _| {
            *seen.0.lock().unwrap() = Some(match to {
                Addressee::Claimant(claimed) => To::Claimant(claimed.account.clone()),
                Addressee::Owner { account, address } => To::Owner(account, address.to_owned()),
            });
            Ok(Some(email.clone()))
        })
    }

    fn last(&self) -> To {
        self.0.lock().unwrap().take().unwrap()
    }
}

/// Offers whose e-mail can't be written: one isn't worded, the other has the id of an e-mail that waits.
async fn unwritten<S: Stores>(db: &S) -> [Offer; 2] {
    let there = new_job();
    db.enqueue(there.clone(), by(START)).await.unwrap().unwrap();
    let unworded = Offer::new(fresh_digest(), START.plus(HOUR));
    let unworded = unworded.with_email(|_, _| Err(Fault::Other("no words".to_owned())));
    [unworded, Seen::default().offer(fresh_digest(), &there)]
}

/// An e-mail whose budget has nothing left for a day.
async fn withheld<S: Stores>(db: &S) -> NewJob {
    let budget = Budget {
        subject: BudgetSubject::new("a test", &[fresh_id().as_bytes()]),
        rate: Rate::parse("1/day").unwrap(),
    };
    assert_eq!(db.spend(vec![budget], START).await.unwrap(), Ok(()));
    NewJob {
        budgets: vec![budget],
        ..new_job()
    }
}

async fn created<S: Stores>(db: &S, new: NewAccount) -> Account {
    db.register(new, by(START)).await.unwrap().unwrap()
}

async fn known<S: Stores>(db: &S, token: Digest<EmailVerification>) -> bool {
    db.find_verification(token, START).await.unwrap().is_some()
}

/// The e-mails that wait; they wait no more.
async fn waiting<S: Stores>(db: &S) -> Vec<job::Id> {
    let mut found = Vec::new();
    let lease = Lease::from_uuid(fresh_id());
    while let Some(job) = db
        .lease(JobKind::Email, lease, START, START.plus(MINUTE))
        .await
        .unwrap()
    {
        assert!(db.finish(job.id, lease).await.unwrap());
        found.push(job.id);
    }
    found
}
