//! What a registration hands to the store.

mod proving;

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::account::{AccountKind, Setup};
use crate::checks;
use crate::key::fakes::{START, environment};
use crate::key::{MasterKey, Sealer};
use crate::password::{Cost, Settings};
use crate::secret::Digest;

/// Keeps what it was handed, and says that it was written.
#[derive(Default)]
struct Desk(Mutex<Vec<NewAccount>>);

impl Desk {
    fn write(&self, new: NewAccount) -> Account {
        let account = Account {
            id: new.id,
            email: new.email.as_ref().map(|email| email.as_str().to_owned()),
            username: new.username.as_ref().map(|name| name.as_str().to_owned()),
            state: new.state,
            email_verified_at: None,
            stamp: new.stamp,
            created_at: new.at,
            kind: AccountKind::Person,
        };
        self.0.lock().unwrap().push(new);
        account
    }

    fn last(&self) -> NewAccount {
        self.0.lock().unwrap().pop().unwrap()
    }
}

type Outcome = Result<Result<Account, RegistrationError>, Fault>;

#[async_trait]
impl crate::account::Stub for Desk {
    async fn register(&self, new: NewAccount, _: audit::Context) -> Outcome {
        Ok(Ok(self.write(new)))
    }

    async fn register_first_administrator(
        &self,
        _: Digest<Setup>,
        new: NewAccount,
        _: audit::Context,
    ) -> Outcome {
        Ok(Ok(self.write(new)))
    }
}

fn hasher() -> Arc<Hasher> {
    let master = MasterKey::parse("a = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let settings = Settings {
        cost: Cost::DANGEROUSLY_CHEAP,
        threads: 1,
        waiting: 8,
    };
    let sealer = Arc::new(Sealer::new(master, environment(1)));
    Arc::new(Hasher::start(sealer, environment(2), &settings).unwrap())
}

fn registrar_over(store: Arc<dyn Store>) -> Registrar {
    Registrar::new(store, hasher(), environment(3), PasswordPolicy::default())
}

fn registrar() -> (Arc<Desk>, Registrar) {
    let desk = Arc::new(Desk::default());
    (Arc::clone(&desk), registrar_over(desk))
}

fn form(email: Option<&str>, username: Option<&str>) -> Registration {
    Registration {
        email: email.map(|text| EmailAddress::parse(text).unwrap()),
        username: username.map(|text| Username::parse(text).unwrap()),
        password: SecretText::new("correct horse battery".into()),
    }
}

fn by() -> audit::Context {
    audit::Context::system(START)
}

#[tokio::test]
async fn an_address_is_unproven_until_somebody_proves_it_and_a_name_needs_no_proof() {
    let (desk, registrar) = registrar();
    for (email, username, state) in [
        (Some("anna@example.com"), None, AccountState::Unverified),
        (Some("anna@example.com"), Some("anna"), AccountState::Unverified),
        (None, Some("anna"), AccountState::Active),
    ] {
        let made = registrar.register(form(email, username), by()).await.unwrap();
        let new = desk.last();
        assert_eq!(new.state, state, "{email:?} {username:?}");
        assert_eq!(new.claim, Claim::Open);
        assert_eq!(new.roles, [""; 0]);
        assert_eq!(new.verification.is_some(), email.is_some());
        assert_eq!(made.verification.is_some(), email.is_some());
        assert_eq!(made.account.id, new.id);
        let (offer, token) = (new.verification, made.verification);
        assert_eq!(
            offer.as_ref().map(|offer| offer.digest),
            token.map(|token| token.digest())
        );
        assert!(offer.is_none_or(|offer| offer.expires_at == START.plus(VERIFICATION_LIFETIME)));
    }
}

#[tokio::test]
async fn where_addresses_are_hidden_a_claim_says_so() {
    let (desk, registrar) = registrar();
    let registrar = registrar.hiding_addresses();
    let form = form(Some("anna@example.com"), None);
    assert!(
        registrar
            .register(form, by())
            .await
            .unwrap()
            .verification
            .is_some()
    );
    let new = desk.last();
    assert_eq!((new.claim, new.state), (Claim::Hidden, AccountState::Unverified));
}

#[tokio::test]
async fn whoever_sets_up_is_administrator_and_vouches_for_the_address() {
    checks!("T031");
    let (desk, registrar) = registrar();
    let token = SetupToken::mint(&environment(4));
    let form = form(Some("root@example.com"), None);
    let made = registrar.set_up(&token, form, by()).await.unwrap();
    let new = desk.last();
    assert_eq!((new.state, new.claim), (AccountState::Active, Claim::Vouched));
    assert_eq!(new.roles, [ADMINISTRATOR]);
    assert!(new.verification.is_none() && made.verification.is_none());
}

#[tokio::test]
async fn an_address_that_is_vouched_for_asks_for_no_proof() {
    let (desk, registrar) = registrar();
    // Taken addresses being hidden is for strangers: whoever vouches is told.
    let registrar = registrar.hiding_addresses();
    let form = form(Some("anna@example.com"), None);
    registrar.register_vouched(form, by()).await.unwrap();
    let new = desk.last();
    assert_eq!((new.state, new.claim), (AccountState::Active, Claim::Vouched));
    assert!(new.verification.is_none() && new.roles.is_empty());
}

#[tokio::test]
async fn what_cannot_be_registered_never_reaches_the_store() {
    let (desk, registrar) = registrar();
    let nobody = registrar.register(form(None, None), by()).await.unwrap_err();
    assert_eq!(nobody.details().fields.first().unwrap().code, "required");
    let mut weak = form(None, Some("anna"));
    weak.password = SecretText::new("aaaaaaaa".into());
    let weak = registrar.register(weak, by()).await.unwrap_err();
    let codes: Vec<_> = weak.details().fields.iter().map(|field| field.code).collect();
    assert_eq!(codes, ["password_single_character"]);
    assert!(desk.0.lock().unwrap().is_empty());
}
