//! Codes that prove addresses: who gets one, and what is asked of whoever brings it.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::account::{
    Addressee, Claimed, EmailVerification, Identifier, Login, Offered, Proof, VerificationWording,
};
use crate::job::{JobKind, NewJob};
use crate::password::{PasswordVerdict, SealedHash};
use crate::throttle::{Budget, Per, Rate};

/// Answers as its fields say, and keeps what it was asked.
struct Counter {
    spends: Result<(), Duration>,
    spent: Mutex<Vec<Budget>>,
    offers: Offered,
    offered: Mutex<Option<Offer>>,
    /// Whom a code leads to.
    login: Option<Login>,
    /// Whether a password may be tried beside it.
    tries: bool,
    redeemed: Mutex<Option<(Digest<EmailVerification>, Proof)>>,
    logins: Vec<Login>,
    /// Whether there is no administrator yet.
    unset: bool,
    set_up: Mutex<Option<(Digest<Setup>, Timestamp, audit::Actor)>>,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            spends: Ok(()),
            spent: Mutex::default(),
            offers: Offered::NothingToProve,
            offered: Mutex::default(),
            login: None,
            tries: true,
            redeemed: Mutex::default(),
            logins: Vec::new(),
            unset: true,
            set_up: Mutex::default(),
        }
    }
}

#[async_trait]
impl crate::account::Stub for Counter {
    async fn spend(&self, budgets: Vec<Budget>, now: Timestamp) -> Result<Result<(), Duration>, Fault> {
        assert_eq!(now, START);
        self.spent.lock().unwrap().extend(budgets);
        Ok(self.spends)
    }

    async fn offer_verification(
        &self,
        _: Id,
        offer: Offer,
        _: audit::Context,
    ) -> Result<Result<Offered, AgainError>, Fault> {
        *self.offered.lock().unwrap() = Some(offer);
        Ok(Ok(self.offers.clone()))
    }

    async fn find_logins(&self, _: Identifier) -> Result<Vec<Login>, Fault> {
        Ok(self.logins.clone())
    }

    async fn find_verification(
        &self,
        _: Digest<EmailVerification>,
        now: Timestamp,
    ) -> Result<Option<Login>, Fault> {
        assert_eq!(now, START);
        Ok(self.login.clone())
    }

    async fn count_verification_try(
        &self,
        _: Digest<EmailVerification>,
        most: u32,
        _: Timestamp,
    ) -> Result<bool, Fault> {
        assert_eq!(most, PASSWORD_TRIES);
        Ok(self.tries)
    }

    async fn redeem_verification(
        &self,
        token: Digest<EmailVerification>,
        proof: Proof,
        stamp: Stamp,
        _: audit::Context,
    ) -> Result<Result<Account, VerifyError>, Fault> {
        assert_ne!(stamp, anna().stamp);
        *self.redeemed.lock().unwrap() = Some((token, proof));
        Ok(Ok(anna()))
    }

    async fn offer_setup(
        &self,
        digest: Digest<Setup>,
        expires_at: Timestamp,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        *self.set_up.lock().unwrap() = Some((digest, expires_at, by.actor));
        Ok(self.unset)
    }

    async fn administrator_exists(&self) -> Result<bool, Fault> {
        Ok(!self.unset)
    }

    async fn setup_is_open(&self, _: Digest<Setup>, now: Timestamp) -> Result<bool, Fault> {
        assert_eq!(now, START);
        Ok(self.unset)
    }

    async fn expire_claims(
        &self,
        now: Timestamp,
        limit: u32,
        stamp: Stamp,
        by: audit::Context,
    ) -> Result<u64, Fault> {
        assert_eq!((now, limit), (START.plus(CLAIM_LIFETIME), 5));
        assert_eq!((by.at, by.actor), (START, audit::Actor::System));
        assert_ne!(stamp, anna().stamp);
        Ok(3)
    }
}

fn anna() -> Account {
    Account {
        id: Id::from_uuid(Uuid::from_u128(1)),
        email: Some("anna-maria@example.com".into()),
        username: None,
        state: AccountState::Unverified,
        email_verified_at: None,
        stamp: Stamp::from_uuid(Uuid::from_u128(2)),
        created_at: START,
        kind: AccountKind::Person,
    }
}

fn secret(text: &str) -> SecretText {
    SecretText::new(text.into())
}

async fn sealed(text: &str) -> SealedHash {
    let password = Password::new(&secret(text)).unwrap();
    hasher().hash(anna().id, password).await.unwrap()
}

fn code() -> VerificationToken {
    VerificationToken::mint(&environment(9))
}

/// The proof that the store was asked to redeem, by the code of these tests.
fn redeemed(counter: &Counter) -> Option<Proof> {
    let (token, proof) = counter.redeemed.lock().unwrap().take()?;
    assert_eq!(token, code().digest());
    Some(proof)
}

#[tokio::test]
async fn another_code_is_for_who_has_something_to_prove_and_within_bounds() {
    checks!("T091");
    let claimed = || Claimed {
        account: anna(),
        at: START,
        from: None,
    };
    let wait = Duration::from_secs(7);
    for (spends, offers, given) in [
        (
            Err(wait),
            Offered::Made(claimed()),
            Err(AgainError::TooSoon(wait)),
        ),
        (Ok(()), Offered::Taken, Ok(None)),
        (Ok(()), Offered::NothingToProve, Ok(None)),
        (Ok(()), Offered::Made(claimed()), Ok(Some(claimed()))),
    ] {
        let case = format!("{spends:?} {offers:?}");
        let counter = Arc::new(Counter {
            spends,
            offers,
            ..Counter::default()
        });
        let registrar = registrar_over(Arc::clone(&counter) as _);
        let asked = registrar.verify_again(anna().id, by()).await;
        let offered = counter.offered.lock().unwrap().take();
        assert_eq!(offered.is_some(), spends.is_ok(), "{case}");
        let told = asked.map(|made| {
            made.map(|(token, claimed)| {
                let offer = offered.unwrap();
                assert_eq!(offer.digest, token.digest());
                assert_eq!(offer.expires_at, START.plus(VERIFICATION_LIFETIME));
                claimed
            })
        });
        assert_eq!(told, given, "{case}");
        let spent = counter.spent.lock().unwrap();
        let rates: Vec<Rate> = spent.iter().map(|budget| budget.rate).collect();
        assert_eq!(rates, [Rate::clamped(10, Per::Day)], "{case}");
    }
}

/// Words e-mails by the address that they are for.
struct Words(Mutex<Vec<VerificationToken>>);

impl VerificationWording for Words {
    fn email(
        &self,
        to: Addressee<'_>,
        token: &VerificationToken,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        let Addressee::Owner { account, .. } = to else {
            panic!("this test asks for the owner's")
        };
        self.0.lock().unwrap().push(token.clone());
        let master = MasterKey::generate(&environment(1));
        Ok(Some(NewJob {
            id: crate::job::Id::from_uuid(Uuid::from_u128(3)),
            kind: JobKind::Email,
            label: "a code",
            account: Some(account),
            payload: Sealer::new(master, environment(2))
                .seal("test", &[], b"")
                .unwrap(),
            run_at: by.at,
            ends_at: by.at,
            budgets: Vec::new(),
        }))
    }
}

#[tokio::test]
async fn an_email_is_worded_with_the_token_where_somebody_words_it() {
    for worded in [false, true] {
        let desk = Arc::new(Desk::default());
        let words = Arc::new(Words(Mutex::default()));
        let mut registrar = registrar_over(Arc::clone(&desk) as _);
        if worded {
            registrar = registrar.writing(Arc::clone(&words) as _);
        }
        let form = form(Some("anna@example.com"), None);
        let made = registrar.register(form, by()).await.unwrap();
        let to = Addressee::Owner {
            account: anna().id,
            address: "anna@example.com",
        };
        let email = desk.last().verification.unwrap().email(to, &by()).unwrap();
        assert_eq!(email.and_then(|job| job.account), worded.then_some(anna().id));
        let tokens = words.0.lock().unwrap();
        let digests: Vec<_> = tokens.iter().map(VerificationToken::digest).collect();
        let own = made.verification.unwrap().digest();
        assert_eq!(digests, [own][..usize::from(worded)]);
    }
}

#[tokio::test]
async fn what_is_unproven_has_an_address_and_no_proof_of_it() {
    let of = |email: Option<&str>, email_verified_at| Login {
        account: Account {
            email: email.map(str::to_owned),
            email_verified_at,
            ..anna()
        },
        password: None,
    };
    let address = Some("anna@example.com");
    for (login, unproven) in [
        (of(None, None), 0),
        (of(address, Some(START)), 0),
        (of(address, None), 1),
    ] {
        let counter = Counter {
            logins: vec![login],
            ..Counter::default()
        };
        let who = Identifier::parse("anna").unwrap();
        let found = registrar_over(Arc::new(counter)).unproven(who).await.unwrap();
        assert_eq!(found.len(), unproven);
    }
}

#[tokio::test]
async fn asking_is_counted_against_the_identifier_and_whoever_asks_from_a_known_address() {
    checks!("T122");
    let (of, from) = (Rate::clamped(5, Per::Hour), Rate::clamped(30, Per::Hour));
    let asked_by = Some([192, 0, 2, 7].into());
    for (address, spends, rates) in [
        (None, Ok(()), &[of][..]),
        (asked_by, Ok(()), &[of, from]),
        (asked_by, Err(Duration::from_secs(7)), &[of, from]),
    ] {
        let counter = Arc::new(Counter {
            spends,
            ..Counter::default()
        });
        let registrar = registrar_over(Arc::clone(&counter) as _);
        let who = Identifier::parse("anna@example.com").unwrap();
        let asked = registrar.spend_asking(&who, address).await;
        assert_eq!(asked, spends.map_err(AgainError::TooSoon));
        let spent = counter.spent.lock().unwrap();
        let counted: Vec<Rate> = spent.iter().map(|budget| budget.rate).collect();
        assert_eq!(counted, rates);
    }
}

#[tokio::test]
async fn a_code_counts_beside_the_password_of_the_account_that_it_is_about() {
    checks!("T120");
    let right = sealed("correct horse battery").await;
    let own = anna().id;
    for (known, password, tries, typed, refused) in [
        (
            false,
            None,
            true,
            "correct horse battery",
            Some(VerifyError::Refused),
        ),
        (
            true,
            Some(&right),
            false,
            "correct horse battery",
            Some(VerifyError::TooManyTries(own)),
        ),
        (
            true,
            Some(&right),
            true,
            "wrong",
            Some(VerifyError::WrongPassword(own)),
        ),
        (
            true,
            Some(&right),
            true,
            &"a".repeat(100_000),
            Some(VerifyError::WrongPassword(own)),
        ),
        (true, None, true, "", Some(VerifyError::WrongPassword(own))),
        (true, Some(&right), true, "correct horse battery", None),
    ] {
        let login = Login {
            account: anna(),
            password: password.cloned(),
        };
        let counter = Arc::new(Counter {
            login: known.then_some(login),
            tries,
            ..Counter::default()
        });
        let registrar = registrar_over(Arc::clone(&counter) as _);
        let proven = registrar.verify_by_password(&code(), &secret(typed), by()).await;
        assert_eq!(proven.err(), refused);
        match redeemed(&counter) {
            Some(Proof::Own { account, stamp }) => {
                assert_eq!((account, stamp), (own, anna().stamp));
                assert_eq!(refused, None);
            }
            other => assert!(other.is_none() && refused.is_some(), "{refused:?}"),
        }
    }
}

#[tokio::test]
async fn who_takes_an_account_over_gives_it_a_good_password_of_its_own() {
    checks!("T120");
    let too_short = "password_too_short";
    let named = "password_contains_identifier";
    for (known, typed, refused) in [
        (false, "correct horse battery", Some("invalid_code")),
        (true, "short", Some(too_short)),
        (true, "my name is anna-maria", Some(named)),
        (true, "correct horse battery", None),
    ] {
        let login = Login {
            account: anna(),
            password: None,
        };
        let counter = Arc::new(Counter {
            login: known.then_some(login),
            ..Counter::default()
        });
        let registrar = registrar_over(Arc::clone(&counter) as _);
        let taken = registrar.take_over(&code(), &secret(typed), by()).await;
        let code = taken.err().map(|error| {
            let details = error.details();
            details.fields.first().map_or(details.code, |field| field.code)
        });
        assert_eq!(code, refused, "{typed}");
        match redeemed(&counter) {
            Some(Proof::TakeOver { password }) => {
                assert_eq!(refused, None, "{typed}");
                let stored = Some((anna().id, &password));
                let asked = Password::new(&secret(typed)).unwrap();
                let verdict = hasher().verify(stored, asked).await.unwrap();
                assert_eq!(verdict, PasswordVerdict::Match);
            }
            other => assert!(other.is_none() && refused.is_some(), "{typed}"),
        }
    }
}

#[tokio::test]
async fn a_code_beside_a_login_is_redeemed_for_whoever_is_logged_in() {
    let counter = Arc::new(Counter {
        login: Some(Login {
            account: anna(),
            password: None,
        }),
        ..Counter::default()
    });
    let registrar = registrar_over(Arc::clone(&counter) as _);
    assert_eq!(registrar.verification_of(&code()).await, Ok(anna()));
    assert!(redeemed(&counter).is_none());
    registrar.verify_as(&code(), &anna(), by()).await.unwrap();
    let Some(Proof::Own { account, stamp }) = redeemed(&counter) else {
        panic!("it wasn't redeemed by their own proof")
    };
    assert_eq!((account, stamp), (anna().id, anna().stamp));
}

#[tokio::test]
async fn a_set_up_token_is_made_at_the_machine_for_a_day_and_only_while_nobody_administers() {
    for unset in [false, true] {
        let counter = Arc::new(Counter {
            unset,
            ..Counter::default()
        });
        let registrar = registrar_over(Arc::clone(&counter) as _);
        let token = registrar.offer_setup().await.unwrap();
        let (digest, expires_at, actor) = counter.set_up.lock().unwrap().take().unwrap();
        assert_eq!(token.map(|token| token.digest()), unset.then_some(digest));
        assert_eq!(expires_at, START.plus(Duration::from_secs(24 * 3_600)));
        assert_eq!(actor, audit::Actor::Operator);
        let token = SetupToken::mint(&environment(4));
        assert_eq!(registrar.setup_is_open(&token).await, Ok(unset));
        assert_eq!(registrar.administrator_exists().await, Ok(!unset));
    }
}

#[test]
fn codes_are_good_for_a_day_and_claims_for_thirty() {
    let day = Duration::from_secs(86_400);
    assert_eq!((VERIFICATION_LIFETIME, SETUP_LIFETIME), (day, day));
    assert_eq!(CLAIM_LIFETIME, day * 30);
}

#[tokio::test]
async fn claims_that_are_over_end_by_the_programs_own_hand() {
    let registrar = registrar_over(Arc::new(Counter::default()));
    let ended = registrar.expire_claims(START.plus(CLAIM_LIFETIME), 5).await;
    assert_eq!(ended, Ok(3));
}
