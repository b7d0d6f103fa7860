use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::super::tests::{ACCOUNT, Bench, START, World, account, after};
use super::*;
use crate::account::{self, AccountState, Login, Mismatch, NotProven, Stamp};
use crate::authn::{Credential, REMEMBERED};
use crate::checks;
use crate::environment::Entropy;
use crate::fault::Fault;
use crate::invalidation::{Generations, Invalidation};
use crate::key::fakes::{FakeClock, block_on, environment};
use crate::key::{MasterKey, Sealer};
use crate::password::{Cost, Hasher, Password, SealedHash, Settings};
use crate::secret::SecretText;

type Hook = Box<dyn FnOnce() + Send>;

/// One account with a password.
struct Accounts {
    world: Arc<World>,
    login: Mutex<Option<Login>>,
    renewed: AtomicUsize,
    /// Runs once, after the next login was found and before it is answered.
    during_find: Mutex<Option<Hook>>,
}

struct Deployment {
    accounts: Arc<Accounts>,
    world: Arc<World>,
    generations: Arc<Generations>,
    authenticator: Authenticator,
    hasher: Arc<Hasher>,
    /// How often a salt was drawn.
    drawn: Arc<AtomicUsize>,
}

/// Randomness that counts how often it is asked.
struct Counted(Arc<AtomicUsize>);

impl Entropy for Counted {
    fn fill(&self, out: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        out.iter_mut()
            .zip(count.to_le_bytes().into_iter().cycle())
            .for_each(|(to, from)| *to = from);
    }
}

fn hasher(cost: Cost, drawn: &Arc<AtomicUsize>) -> Hasher {
    let settings = Settings {
        cost,
        threads: 1,
        waiting: 8,
    };
    let environment = Environment::new(FakeClock::at(START), Arc::new(Counted(Arc::clone(drawn))));
    let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
    Hasher::start(Arc::new(sealer), environment, &settings).unwrap()
}

fn seal(hasher: &Hasher, password: &str) -> SealedHash {
    let password = Password::new(&SecretText::new(password.into())).unwrap();
    block_on(hasher.hash(ACCOUNT, password)).unwrap()
}

impl Deployment {
    fn new() -> Self {
        let Bench {
            world,
            generations,
            authenticator,
            ..
        } = Bench::new();
        let drawn = Arc::new(AtomicUsize::new(0));
        let hasher = Arc::new(hasher(Cost::DANGEROUSLY_CHEAP, &drawn));
        let login = Login {
            account: account(AccountState::Active),
            password: Some(seal(&hasher, "right")),
        };
        let accounts = Arc::new(Accounts {
            world: Arc::clone(&world),
            login: Mutex::new(Some(login)),
            renewed: AtomicUsize::new(0),
            during_find: Mutex::default(),
        });
        let passwords = Passwords::new(Arc::clone(&accounts) as _, Arc::clone(&hasher), false);
        Self {
            authenticator: authenticator.with_passwords(passwords, &environment(4)),
            accounts,
            world,
            generations,
            hasher,
            drawn,
        }
    }

    fn ask(&self, password: &str, now: Timestamp) -> Result<Arc<Principal>, Refused> {
        let credential = credential(password);
        match block_on(self.authenticator.authenticate(&credential, now)) {
            Ok(principal) => Ok(principal),
            Err(AuthenticationError::Refused(why)) => Err(why),
            Err(other) => panic!("a fault: {other}"),
        }
    }

    fn change_password(&self, password: &str) {
        let sealed = seal(&self.hasher, password);
        self.accounts.login.lock().unwrap().as_mut().unwrap().password = Some(sealed);
    }

    fn reads(&self) -> usize {
        self.world.reads.swap(0, Ordering::Relaxed)
    }
}

fn credential(password: &str) -> Credential<'static> {
    Credential::Basic(Pair {
        identifier: SecretText::new("anna@example.com".into()),
        password: SecretText::new(password.into()),
    })
}

const WRONG: Refused = Refused::Password(NotProven {
    account: Some(ACCOUNT),
    reason: Mismatch::WrongPassword,
});

#[test]
fn without_passwords_every_pair_is_refused() {
    let bench = Bench::new();
    let asked = block_on(bench.authenticator.authenticate(&credential("right"), START));
    assert!(matches!(
        asked,
        Err(AuthenticationError::Refused(Refused::NoPasswords))
    ));
}

#[test]
fn a_wrong_pair_is_refused_and_nothing_is_remembered_of_it() {
    checks!("T047");
    let deployment = Deployment::new();
    for _ in 0..2 {
        assert_eq!(deployment.ask("wrong", after(1)).unwrap_err(), WRONG);
    }
    assert_eq!(deployment.authenticator.verified.len(), 0);
    *deployment.accounts.login.lock().unwrap() = None;
    let unknown = NotProven {
        account: None,
        reason: Mismatch::UnknownIdentifier,
    };
    let refused = deployment.ask("right", after(1)).unwrap_err();
    assert_eq!(refused, Refused::Password(unknown));
}

#[test]
fn a_password_longer_than_any_is_hashed_each_time_like_a_wrong_one() {
    checks!("T084");
    let deployment = Deployment::new();
    let drawn = || deployment.drawn.load(Ordering::Relaxed);
    let beyond = "x".repeat(Password::MAX_BYTES + 1);
    for _ in 0..3 {
        let before = drawn();
        assert_eq!(deployment.ask(&beyond, after(1)).unwrap_err(), WRONG);
        assert!(drawn() > before, "every hash draws a salt");
    }
    // Not even the empty password that is hashed instead opens an account that has it.
    deployment.change_password("");
    assert_eq!(deployment.ask(&beyond, after(1)).unwrap_err(), WRONG);
}

// Shows: PW-7
#[test]
fn a_warm_pair_reads_nothing_until_its_time_is_over() {
    let deployment = Deployment::new();
    deployment.ask("right", START).unwrap();
    assert!(deployment.reads() > 0);
    for second in 1..REMEMBERED.as_secs() {
        deployment.ask("right", after(second)).unwrap();
    }
    assert_eq!(deployment.reads(), 0);
    deployment.ask("right", START.plus(REMEMBERED)).unwrap();
    assert!(deployment.reads() > 0);
}

// Shows: PW-7
#[test]
fn a_changed_password_ends_a_warm_pair_at_once() {
    checks!("T047");
    let deployment = Deployment::new();
    deployment.ask("right", after(1)).unwrap();
    deployment.change_password("new");
    deployment
        .ask("right", after(1))
        .expect("nothing was invalidated yet");
    deployment.generations.apply(Invalidation::Account(ACCOUNT));
    assert_eq!(deployment.ask("right", after(1)).unwrap_err(), WRONG);
    deployment.ask("new", after(1)).unwrap();
}

#[test]
fn what_changes_while_the_password_is_found_or_hashed_is_honoured() {
    checks!("T021");
    checks!("T047");
    // The password is changed, and everybody is told, after its hash was read.
    let deployment = Deployment::new();
    let sealed = seal(&deployment.hasher, "new");
    let (accounts, generations) = (
        Arc::clone(&deployment.accounts),
        Arc::clone(&deployment.generations),
    );
    *deployment.accounts.during_find.lock().unwrap() = Some(Box::new(move || {
        accounts.login.lock().unwrap().as_mut().unwrap().password = Some(sealed);
        generations.apply(Invalidation::Account(ACCOUNT));
    }));
    assert_eq!(deployment.ask("right", after(1)).unwrap_err(), WRONG);
    // The account's stamp is another one by the time the hash is done.
    let deployment = Deployment::new();
    let mut login = deployment.accounts.login.lock().unwrap();
    login.as_mut().unwrap().account.stamp = Stamp::from_uuid(uuid::Uuid::from_u128(77));
    drop(login);
    assert_eq!(
        deployment.ask("right", after(1)).unwrap_err(),
        Refused::StampChanged
    );
    // It was locked meanwhile.
    let deployment = Deployment::new();
    *deployment.world.state.lock().unwrap() = Some(AccountState::Locked);
    let refused = deployment.ask("right", after(1)).unwrap_err();
    assert_eq!(refused, Refused::Account(AccountState::Locked));
    assert_eq!(deployment.authenticator.verified.len(), 0);
}

#[test]
fn a_proven_pair_is_not_hashed_again_while_its_stored_hash_is_the_same() {
    checks!("T047");
    let deployment = Deployment::new();
    let drawn = || deployment.drawn.load(Ordering::Relaxed);
    deployment.ask("right", after(1)).unwrap();
    let before = drawn();
    for what in [Invalidation::Roles, Invalidation::Account(ACCOUNT)] {
        deployment.generations.apply(what);
        deployment.ask("right", after(2)).unwrap();
        assert!(deployment.reads() > 0, "{what:?}");
    }
    assert_eq!(drawn(), before, "every hash draws a salt");
    // A proven pair of an account that may act no more proves nothing.
    let mut login = deployment.accounts.login.lock().unwrap();
    login.as_mut().unwrap().account.state = AccountState::Disabled;
    drop(login);
    deployment.generations.apply(Invalidation::Account(ACCOUNT));
    let disabled = NotProven {
        account: Some(ACCOUNT),
        reason: Mismatch::State(AccountState::Disabled),
    };
    let refused = deployment.ask("right", after(2)).unwrap_err();
    assert_eq!(refused, Refused::Password(disabled));
    let mut login = deployment.accounts.login.lock().unwrap();
    login.as_mut().unwrap().account.state = AccountState::Active;
    drop(login);
    // The same password, stored anew, is hashed once more; so is every other pair.
    deployment.change_password("right");
    deployment.generations.apply(Invalidation::Account(ACCOUNT));
    let before = drawn();
    deployment.ask("right", after(2)).unwrap();
    assert!(drawn() > before);
    deployment.ask("Right", after(2)).unwrap_err();
    assert!(drawn() > before + 1);
}

#[test]
fn a_pair_is_no_login_by_a_person() {
    let deployment = Deployment::new();
    let principal = deployment.ask("right", after(1)).unwrap();
    assert_eq!(principal.kind(), CredentialKind::Basic);
    assert!(!principal.kind().is_personal());
    assert_eq!(principal.authenticated_at(), None);
    assert_eq!(principal.method(), None);
    assert_eq!(principal.session(), None);
}

#[test]
fn an_outdated_hash_is_renewed_like_at_a_login() {
    let deployment = Deployment::new();
    deployment.ask("right", after(1)).unwrap();
    assert_eq!(deployment.accounts.renewed.load(Ordering::Relaxed), 0);
    // The same key, a higher cost.
    let dearer = Arc::new(hasher(Cost::OWASP, &Arc::default()));
    let passwords = Passwords::new(Arc::clone(&deployment.accounts) as _, dearer, false);
    let Deployment {
        authenticator,
        accounts,
        generations,
        ..
    } = deployment;
    let authenticator = authenticator.with_passwords(passwords, &environment(5));
    block_on(authenticator.authenticate(&credential("right"), after(2))).unwrap();
    assert_eq!(accounts.renewed.load(Ordering::Relaxed), 1);
    for _ in 0..2 {
        generations.apply(Invalidation::Account(ACCOUNT));
        block_on(authenticator.authenticate(&credential("right"), after(3))).unwrap();
        assert_eq!(accounts.renewed.load(Ordering::Relaxed), 1, "it is renewed once");
    }
}

#[test]
fn no_two_pairs_share_a_key_and_no_two_processes_either() {
    checks!("T046");
    let deployment = Deployment::new();
    let other = Deployment::new();
    let other = Authenticator {
        basic: other
            .authenticator
            .with_passwords(
                Passwords::new(other.accounts as _, other.hasher, false),
                &environment(9),
            )
            .basic,
        ..Bench::new().authenticator
    };
    let key = |on: &Authenticator, identifier: &str, password: &str| {
        let pair = Pair {
            identifier: SecretText::new(identifier.into()),
            password: SecretText::new(password.into()),
        };
        on.basic().unwrap().cache_key(&pair)
    };
    let here = &deployment.authenticator;
    let one = key(here, "ab", "c");
    assert_eq!(one, key(here, "ab", "c"));
    for (identifier, password) in [("a", "bc"), ("abc", ""), ("", "abc"), ("ab", "C"), ("ab", "c ")] {
        assert_ne!(one, key(here, identifier, password), "{identifier} {password}");
    }
    assert_ne!(one, key(&other, "ab", "c"));
}

#[test]
fn debug_shows_neither_part() {
    assert_eq!(format!("{:?}", credential("hunter2")), "Basic(…redacted…)");
}

#[async_trait]
impl account::Stub for Accounts {
    async fn find_logins(&self, _: account::Identifier) -> Result<Vec<Login>, Fault> {
        self.world.read()?;
        let found = self.login.lock().unwrap().clone();
        if let Some(change) = self.during_find.lock().unwrap().take() {
            change();
        }
        Ok(found.into_iter().collect())
    }
    async fn rehash(&self, _: account::Id, old: SealedHash, new: SealedHash) -> Result<bool, Fault> {
        let mut login = self.login.lock().unwrap();
        let login = login.as_mut().unwrap();
        assert!(login.password.as_ref() == Some(&old));
        login.password = Some(new);
        self.renewed.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }
}
