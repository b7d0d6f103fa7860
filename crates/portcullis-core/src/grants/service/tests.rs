mod changes;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::account::{self, Account, AccountState};
use crate::authz::{CredentialKind, Facts, PermissionSet, Rights};
use crate::grants::Stub;
use crate::scopes::Scopes;
use crate::{checks, resource_actions};

struct Post;

resource_actions! {
    Post:
    Read = "grant-test:read": "Read a post": owner, shared;
    Erase = "grant-test:erase": "Erase a post": owner;
}

static KIND: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: crate::authz::resource::Tenancy::Anywhere,
    fields: &[],
    actions: Post::NAMES,
};

/// Knows `ids` shared resources and counts how often it is asked; keeps what it was asked to change.
struct Shelf {
    ids: u32,
    /// For how long they are shared.
    term: Term,
    asked: AtomicU32,
    changed: Mutex<Vec<(Change, audit::Context)>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Change {
    Share(Grant, Ground),
    Unshare(Target, Subject, String),
    UnshareAll(Target),
}

#[async_trait]
impl Stub for Shelf {
    async fn held(&self, _: Holder, _: Target, _: String, _: Timestamp) -> Result<Option<Term>, Fault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok((self.ids > 0).then_some(self.term))
    }

    async fn share(
        &self,
        grant: Grant,
        on: Ground,
        by: audit::Context,
    ) -> Result<Result<Effect, GrantError>, Fault> {
        self.changed.lock().unwrap().push((Change::Share(grant, on), by));
        Ok(Ok(Effect::Changed))
    }

    async fn unshare(
        &self,
        target: Target,
        subject: Subject,
        action: String,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        let change = Change::Unshare(target, subject, action);
        self.changed.lock().unwrap().push((change, by));
        Ok(self.ids > 0)
    }

    async fn unshare_all(&self, target: Target, by: audit::Context) -> Result<u64, Fault> {
        let change = Change::UnshareAll(target);
        self.changed.lock().unwrap().push((change, by));
        Ok(3)
    }

    async fn grants_of(&self, target: Target, now: Timestamp) -> Result<Vec<GrantRecord>, Fault> {
        let grant = Grant {
            target,
            subject: Subject::Role("editor".into()),
            action: "grant-test:read".into(),
            expires_at: Some(now),
        };
        Ok(vec![GrantRecord {
            grant,
            granted_by: "operator".into(),
            granted_at: now,
        }])
    }

    async fn held_ids(
        &self,
        _: Holder,
        _: String,
        _: String,
        _: Timestamp,
        _: String,
        limit: u32,
    ) -> Result<Vec<String>, Fault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok((0..self.ids.min(limit)).map(|id| id.to_string()).collect())
    }
}

fn grants(ids: u32) -> (Arc<Shelf>, Grants) {
    grants_for(ids, Term::Open)
}

fn grants_for(ids: u32, term: Term) -> (Arc<Shelf>, Grants) {
    let shelf = Arc::new(Shelf {
        ids,
        term,
        asked: AtomicU32::new(0),
        changed: Mutex::default(),
    });
    (Arc::clone(&shelf), Grants::new(shelf))
}

fn id(number: u128) -> account::Id {
    account::Id::from_uuid(Uuid::from_u128(number))
}

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

/// Account 1 through a credential with these scopes.
fn principal(scopes: Scopes) -> Principal {
    Principal {
        facts: Arc::new(Facts {
            account: Account {
                id: id(1),
                kind: account::AccountKind::Person,
                email: None,
                username: Some("anna".into()),
                state: AccountState::Active,
                email_verified_at: None,
                stamp: account::Stamp::from_uuid(Uuid::nil()),
                created_at: NOW,
            },
            rights: Arc::new(Rights {
                roles: vec!["editor".into()],
                permission_names: Vec::new(),
                permissions: PermissionSet::default(),
            }),
            attributes: crate::attribute::Attributes::default(),
        }),
        kind: CredentialKind::Jwt,
        session: None,
        token: None,
        key: None,
        method: None,
        assurance: None,
        authenticated_at: None,
        scopes,
        effective: PermissionSet::default(),
        signer: None,
    }
}

#[tokio::test]
async fn grants_are_read_only_where_they_could_decide() {
    let narrowed = Scopes::Only(vec!["grant-test:erase".into()]);
    for (action, scopes, owner, post, reads, allowed) in [
        (Read::RULE, Scopes::Everything, Some(1), "7", 0, true),
        (Read::RULE, Scopes::Everything, Some(2), "7", 1, true),
        (Read::RULE, Scopes::Everything, None, "7", 1, true),
        (Read::RULE, narrowed, Some(2), "7", 0, false),
        (Read::RULE, Scopes::Everything, Some(2), "a\0b", 0, false),
        (Erase::RULE, Scopes::Everything, Some(2), "7", 0, false),
    ] {
        let (shelf, grants) = grants(1);
        let resource = ResourceFacts::new(&KIND, post).owned_by(owner.map(id));
        let decided = grants
            .decide(&action, &principal(scopes), &DecisionContext::at(NOW), &resource)
            .await;
        assert_eq!(decided.is_ok(), allowed, "{action:?} {owner:?} {post:?}");
        assert_eq!(
            shelf.asked.load(Ordering::Relaxed),
            reads,
            "{action:?} {owner:?} {post:?}"
        );
    }
}

#[tokio::test]
async fn a_list_takes_along_only_so_many_grants_and_says_when_it_left_some_out() {
    checks!("T067");
    let most = Grants::MOST_IDS;
    for (held, listed, complete) in [
        (most - 1, most - 1, true),
        (most, most, true),
        (most + 1, most, false),
    ] {
        let (_, grants) = grants(held);
        let who = principal(Scopes::Everything);
        let visible = grants
            .visible(&Read::RULE, &who, &DecisionContext::at(NOW), &KIND)
            .await
            .unwrap();
        let Filter::Any(ways) = &visible.filter else {
            panic!("{:?}", visible.filter)
        };
        let ids = ways.iter().find_map(|way| match way {
            Filter::Ids(ids) => Some(ids.len()),
            _ => None,
        });
        assert_eq!(ids, usize::try_from(listed).ok());
        assert_eq!(visible.complete, complete, "{held}");
    }
}
