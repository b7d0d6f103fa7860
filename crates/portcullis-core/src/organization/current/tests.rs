//! When what is remembered of a membership counts, and when it is read again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::*;
use crate::authn::REMEMBERED;
use crate::checks;
use crate::invalidation::Invalidation;
use crate::organization::{Slug, Stub};

const ACCOUNT: account::Id = account::Id::from_uuid(Uuid::from_u128(0xa));
const HOME: Id = Id::from_uuid(Uuid::from_u128(0x1_0000_0001));
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// One membership, how often it was read, and what happens while it is read.
#[derive(Default)]
struct Fake {
    facts: Mutex<Option<MembershipFacts>>,
    reads: AtomicUsize,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

/// A bus that was silent for so many milliseconds.
#[derive(Default)]
struct Line(AtomicU64);

impl Bus for Line {
    fn silence(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn facts(permissions: &[&str]) -> MembershipFacts {
    MembershipFacts {
        organization: Organization {
            id: HOME,
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            state: OrganizationState::Active,
            created_at: NOW,
        },
        roles: vec!["reader".to_owned(), ADMINISTRATOR.to_owned()],
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
    }
}

struct Given {
    fake: Arc<Fake>,
    generations: Arc<Generations>,
    line: Arc<Line>,
    directory: MemberDirectory,
}

fn given() -> Given {
    let (fake, generations, line) = (
        Arc::new(Fake::default()),
        Arc::new(Generations::new()),
        Arc::new(Line::default()),
    );
    *fake.facts.lock().unwrap() = Some(facts(&["posts:read"]));
    let directory = MemberDirectory::new(
        Arc::clone(&fake) as Arc<dyn Store>,
        Arc::clone(&generations),
        Arc::clone(&line) as Arc<dyn Bus>,
        100,
    );
    Given {
        fake,
        generations,
        line,
        directory,
    }
}

impl Given {
    fn at(&self, selector: &str, now: Timestamp) -> Option<Vec<String>> {
        let selector = Selector::parse(selector).unwrap();
        let current = self
            .directory
            .current(ACCOUNT, selector, now)
            .now_or_never()
            .unwrap();
        current
            .unwrap()
            .map(|current| current.membership().permission_names.clone())
    }

    fn reads(&self) -> usize {
        self.fake.reads.load(Ordering::Relaxed)
    }

    fn become_of(&self, facts: Option<MembershipFacts>) {
        *self.fake.facts.lock().unwrap() = facts;
    }
}

#[test]
fn a_warm_membership_is_not_read_again() {
    let given = given();
    let id = HOME.to_string();
    for selector in ["acme", &id] {
        let before = given.reads();
        for second in 0..100 {
            let now = NOW.plus(Duration::from_secs(second * 9));
            assert_eq!(given.at(selector, now).unwrap(), ["posts:read"]);
        }
        assert_eq!(given.reads(), before + 1, "{selector}");
        given.at(selector, NOW.plus(REMEMBERED)).unwrap();
        assert_eq!(
            given.reads(),
            before + 2,
            "{selector}, after a quarter of an hour"
        );
    }
}

#[test]
fn whatever_moves_a_mark_makes_it_be_read_again() {
    checks!("T069");
    let given = given();
    let id = HOME.to_string();
    for what in [
        Invalidation::Organization(HOME),
        Invalidation::Account(ACCOUNT),
        Invalidation::Roles,
    ] {
        given.become_of(Some(facts(&["posts:read"])));
        given.generations.apply(what);
        assert_eq!(given.at("acme", NOW).unwrap(), ["posts:read"]);
        assert_eq!(given.at(&id, NOW).unwrap(), ["posts:read"]);
        given.become_of(None);
        assert!(given.at("acme", NOW).is_some(), "{what:?}: still warm");
        given.generations.apply(what);
        assert_eq!(given.at("acme", NOW), None, "{what:?}");
        assert_eq!(given.at(&id, NOW), None, "{what:?}");
    }
}

#[test]
fn a_membership_that_ends_while_it_is_read_is_stale_from_birth() {
    checks!("T021");
    checks!("T069");
    let given = given();
    let (fake, generations) = (Arc::clone(&given.fake), Arc::clone(&given.generations));
    *given.fake.meanwhile.lock().unwrap() = Some(Box::new(move || {
        *fake.facts.lock().unwrap() = None;
        generations.apply(Invalidation::Organization(HOME));
    }));
    assert_eq!(given.at("acme", NOW), None);
    assert_eq!(given.reads(), 2);
}

#[test]
fn no_membership_is_not_remembered() {
    let given = given();
    given.become_of(None);
    assert_eq!(given.at("acme", NOW), None);
    given.become_of(Some(facts(&["posts:read"])));
    assert!(given.at("acme", NOW).is_some());
}

#[test]
fn while_others_cannot_be_heard_a_membership_counts_for_a_second() {
    checks!("T020");
    let given = given();
    assert!(given.at("acme", NOW).is_some());
    given.line.0.store(1_001, Ordering::Relaxed);
    let bound = NOW.plus(SHORT_LIFE);
    assert!(given.at("acme", bound).is_some());
    assert_eq!(given.reads(), 1);
    given.at("acme", bound.plus(Duration::from_micros(1)));
    assert_eq!(given.reads(), 2);
    given.line.0.store(1_000, Ordering::Relaxed);
    given.at("acme", NOW.plus(Duration::from_secs(60)));
    assert_eq!(given.reads(), 2);
    // A clock that was set back makes nothing last longer.
    given.at("acme", NOW.minus(Duration::from_secs(1)));
    assert_eq!(given.reads(), 3);
}

#[test]
fn an_organization_is_named_by_its_own_id_and_slug_only_and_worked_in_while_it_is_active() {
    let slug = |text: &str| Selector::Slug(Slug::parse(text).unwrap());
    let mut facts = facts(&[]);
    for (state, active) in [
        (OrganizationState::Suspended, false),
        (OrganizationState::Active, true),
    ] {
        facts.organization.state = state;
        let current = Current::from(facts.clone());
        assert_eq!(current.is_active(), active);
        assert_eq!(
            (current.id(), current.organization()),
            (HOME, &facts.organization)
        );
        for (selector, named) in [
            (Selector::Id(Id::NONE), false),
            (slug("acme-two"), false),
            (Selector::Id(HOME), true),
            (slug("acme"), true),
        ] {
            assert_eq!(current.is_named_by(&selector), named, "{selector:?}");
        }
    }
}

#[test]
fn nothing_of_the_servers_comes_from_an_organization() {
    checks!("T073");
    let current = Current::from(facts(&["posts:read", "portcullis:roles:write"]));
    assert_eq!(current.membership().permission_names, ["posts:read"]);
    assert!(!current.membership().has_role(ADMINISTRATOR));
    assert!(current.membership().has_role("reader"));
    let nowhere = Current::nowhere();
    assert!(!nowhere.is_active() && nowhere.id() == Id::NONE && nowhere.membership().roles.is_empty());
}

#[async_trait]
impl Stub for Fake {
    async fn membership(&self, _: account::Id, _: Selector) -> Result<Option<MembershipFacts>, Fault> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let found = self.facts.lock().unwrap().clone();
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        Ok(found)
    }
}
