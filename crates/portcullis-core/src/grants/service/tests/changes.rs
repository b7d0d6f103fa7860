//! Who shares what with whom on which ground, and who takes it back.

use super::*;
use crate::authz::fixtures::membership;
use crate::authz::{Membership, Policies, PolicyFilters, Reasons, Verdict};
use crate::id::{ApiKeyId, OrganizationId};
use crate::problem::Refusal as _;

const READ: &str = "grant-test:read";
const ERASE: &str = "grant-test:erase";
const OWNER: u128 = 1;
const SOMEBODY: u128 = 2;

/// Policies that permit everything.
#[derive(Debug)]
struct Generous;

impl Policies for Generous {
    fn decide(&self, _: &Principal, _: &DecisionContext<'_>, _: &str, _: Option<&ResourceFacts>) -> Verdict {
        Verdict::Permitted
    }

    fn reasons(&self, _: &Principal, _: &DecisionContext<'_>, _: &str, _: Option<&ResourceFacts>) -> Reasons {
        Reasons {
            verdict: Verdict::Permitted,
            permitting: Vec::new(),
            forbidding: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn filters(
        &self,
        _: &Principal,
        _: &DecisionContext<'_>,
        _: &str,
        _: &'static ResourceKind,
    ) -> PolicyFilters {
        PolicyFilters {
            permitted: Filter::Always,
            forbidden: Filter::Never,
        }
    }
}

/// Account 1 is `auditor` in organization 3.
fn acme() -> Membership {
    membership(&[], &["auditor"])
}

fn post(owner: u128, organization: Option<OrganizationId>) -> ResourceFacts {
    ResourceFacts {
        organization,
        ..ResourceFacts::new(&KIND, "7").owned_by(Some(id(owner)))
    }
}

/// What the caller says of itself; who acts is the permit's to say.
fn by() -> audit::Context {
    audit::Context {
        scopes: Scopes::Only(Vec::new()),
        api_key: Some(ApiKeyId::from_uuid(Uuid::from_u128(78))),
        trace: Some(Uuid::from_u128(77)),
        ..audit::Context::system(NOW)
    }
}

fn wish(subject: Subject, action: &str, expires_at: Option<Timestamp>) -> Shared {
    Shared {
        subject,
        action: action.into(),
        expires_at,
    }
}

fn role(name: &str) -> Subject {
    Subject::Role(name.into())
}

/// What was written last, which account 1 has signed by a credential with these scopes that is no key.
fn written(shelf: &Shelf, scopes: &Scopes) -> Option<Change> {
    let (change, by) = shelf.changed.lock().unwrap().pop()?;
    assert_eq!((by.actor, &by.scopes), (audit::Actor::Account(id(1)), scopes));
    assert_eq!(by.api_key, None);
    assert_eq!((by.at, by.trace), (NOW, Some(Uuid::from_u128(77))));
    assert!(shelf.changed.lock().unwrap().is_empty());
    Some(change)
}

/// Shares post 7, whose [`Read`] permit account 1 has by owning it or by the shelf's grants.
async fn share(
    (shelf, grants): &(Arc<Shelf>, Grants),
    post: ResourceFacts,
    context: &DecisionContext<'_>,
    wish: Shared,
) -> (Result<Effect, GrantError>, Option<Change>) {
    let who = Arc::new(principal(Scopes::Everything));
    let permit: ResourcePermit<Post, Read> = grants.permit(who, context, post).await.unwrap();
    let shared = grants.share(&permit, context, wish, by()).await;
    (shared, written(shelf, &Scopes::Everything))
}

fn code(error: &GrantError) -> &'static str {
    let details = error.details();
    details.fields.first().map_or(details.code, |field| field.code)
}

#[tokio::test]
async fn the_owner_shares_what_can_be_shared_with_others_and_for_a_time_to_come() {
    let somebody = || Subject::Account(id(SOMEBODY));
    let (acme, other) = (acme().organization, OrganizationId::from_uuid(Uuid::from_u128(4)));
    let later = NOW.plus(std::time::Duration::from_micros(1));
    for (subject, action, end, refused) in [
        (somebody(), "grant-test:none", None, Some("unknown_action")),
        (somebody(), ERASE, None, Some("unknown_action")),
        (Subject::Organization(other), READ, None, Some("unknown_subject")),
        (Subject::Account(id(1)), READ, None, Some("oneself")),
        (somebody(), READ, Some(NOW), Some("in_the_past")),
        (somebody(), READ, Some(later), None),
        (somebody(), READ, None, None),
        // A role or an organization of one's own: the owner's privilege ends with neither.
        (role("editor"), READ, None, None),
        (Subject::Organization(acme), READ, None, None),
    ] {
        let world = grants(0);
        let wish = wish(subject, action, end);
        let case = format!("{wish:?}");
        let post = post(OWNER, Some(acme));
        let (shared, change) = share(&world, post, &DecisionContext::at(NOW), wish.clone()).await;
        assert_eq!(shared.as_ref().err().map(code), refused, "{case}");
        let grant = Grant {
            target: Target {
                kind: "Post".into(),
                id: "7".into(),
            },
            subject: wish.subject,
            action: wish.action,
            expires_at: wish.expires_at,
        };
        let expected = refused.is_none().then_some(Change::Share(grant, Ground::Own));
        assert_eq!(change, expected, "{case}");
    }
}

#[tokio::test]
async fn a_post_of_no_organization_is_shared_with_none_and_an_id_that_cannot_be_kept_with_nobody() {
    let context = DecisionContext::at(NOW);
    let organization = Subject::Organization(acme().organization);
    let (shared, _) = share(
        &grants(0),
        post(OWNER, None),
        &context,
        wish(organization, READ, None),
    )
    .await;
    assert_eq!(shared, Err(GrantError::UnknownSubject));
    let odd = ResourceFacts::new(&KIND, "a\0b").owned_by(Some(id(OWNER)));
    let (shared, change) = share(&grants(0), odd, &context, wish(role("reader"), READ, None)).await;
    assert_eq!((shared, change), (Err(GrantError::InvalidId), None));
}

#[tokio::test]
async fn who_holds_a_grant_shares_it_for_no_longer_and_with_nobody_whose_grant_were_their_own() {
    checks!("T100");
    let member = acme();
    let organization = member.organization;
    let selected = DecisionContext {
        selected: Some(organization),
        member: Some(&member),
        ..DecisionContext::at(NOW)
    };
    let nowhere = DecisionContext::at(NOW);
    let of = Subject::Organization(organization);
    let end = NOW.plus(std::time::Duration::from_secs(60));
    let micro = std::time::Duration::from_micros(1);
    let until = Term::Until(end);
    for (context, term, subject, expires_at, refused) in [
        (&nowhere, until, role("reader"), None, Some("outlives_own")),
        (
            &nowhere,
            until,
            role("reader"),
            Some(end.plus(micro)),
            Some("outlives_own"),
        ),
        (
            &nowhere,
            Term::Open,
            Subject::Account(id(1)),
            None,
            Some("oneself"),
        ),
        (&nowhere, Term::Open, role("editor"), None, Some("oneself")),
        (&selected, Term::Open, role("editor"), None, Some("oneself")),
        (&selected, Term::Open, role("auditor"), None, Some("oneself")),
        (&selected, Term::Open, of.clone(), None, Some("oneself")),
        (&nowhere, until, role("reader"), Some(end), None),
        (&nowhere, Term::Open, role("reader"), None, None),
        (&nowhere, Term::Open, Subject::Account(id(SOMEBODY)), None, None),
        // What one is elsewhere doesn't count here.
        (&nowhere, Term::Open, role("auditor"), None, None),
        (&nowhere, Term::Open, of, None, None),
        (&selected, Term::Open, role("reader"), None, None),
    ] {
        let world = grants_for(1, term);
        let wish = wish(subject, READ, expires_at);
        let case = format!("{wish:?} {term:?} {:?}", context.selected);
        let (shared, change) = share(&world, post(SOMEBODY, Some(organization)), context, wish).await;
        assert_eq!(shared.as_ref().err().map(code), refused, "{case}");
        let ground = change.map(|change| match change {
            Change::Share(_, ground) => ground,
            other => panic!("{other:?}"),
        });
        let holder = Holder {
            account: id(1),
            organization: context.selected,
        };
        assert_eq!(
            ground,
            refused.is_none().then_some(Ground::Held(holder)),
            "{case}"
        );
    }
}

#[tokio::test]
async fn what_only_a_policy_permits_is_nobodys_to_give() {
    checks!("T100");
    let context = DecisionContext {
        policies: &Generous,
        ..DecisionContext::at(NOW)
    };
    for (held, owner, ground) in [
        (0, SOMEBODY, None),
        (0, OWNER, Some(true)),
        (1, SOMEBODY, Some(false)),
    ] {
        let world = grants(held);
        let wish = wish(role("reader"), READ, None);
        let (shared, change) = share(&world, post(owner, None), &context, wish).await;
        let own = change.map(|change| matches!(change, Change::Share(_, Ground::Own)));
        assert_eq!(own, ground, "{held} {owner}");
        assert_eq!(shared.err(), ground.is_none().then_some(GrantError::Escalation));
    }
}

#[tokio::test]
async fn the_owner_takes_back_everything_and_others_what_they_may_do_themselves() {
    checks!("T109");
    let narrowed = || Scopes::Only(vec![READ.into()]);
    for (owner, scopes, action, taken) in [
        (SOMEBODY, Scopes::Everything, ERASE, false),
        (OWNER, narrowed(), ERASE, false),
        (SOMEBODY, Scopes::Everything, READ, true),
        (SOMEBODY, Scopes::Everything, "grant-test:former", true),
        (OWNER, narrowed(), READ, true),
        (OWNER, Scopes::Everything, ERASE, true),
        (OWNER, Scopes::Everything, READ, true),
    ] {
        let (shelf, grants) = grants(1);
        let context = DecisionContext::at(NOW);
        let case = format!("{owner} {scopes:?} {action}");
        let who = Arc::new(principal(scopes.clone()));
        let post = post(owner, None);
        let target = Target::of(&post);
        let permit: ResourcePermit<Post, Read> = grants.permit(who, &context, post).await.unwrap();
        let gone = grants.unshare(&permit, &context, role("reader"), action.into(), by());
        let expected = if taken {
            Ok(true)
        } else {
            Err(GrantError::Escalation)
        };
        assert_eq!(gone.await, expected, "{case}");
        let change = taken.then(|| Change::Unshare(target, role("reader"), action.into()));
        assert_eq!(written(&shelf, &scopes), change, "{case}");
    }
}

#[tokio::test]
async fn everything_of_a_resource_is_listed_and_taken_back_and_what_was_none_is_told() {
    let (shelf, grants) = grants(0);
    let context = DecisionContext::at(NOW);
    let post = post(OWNER, None);
    let target = Target::of(&post);
    let who = Arc::new(principal(Scopes::Everything));
    let permit: ResourcePermit<Post, Read> = grants.permit(who, &context, post.clone()).await.unwrap();
    assert_eq!((permit.resource(), permit.principal().id()), (&post, id(1)));
    let listed = grants.list(&permit, NOW).await.unwrap();
    assert_eq!((listed.len(), &listed[0].grant.target), (1, &target));
    let gone = grants.unshare(&permit, &context, role("reader"), READ.into(), by());
    assert_eq!(gone.await, Ok(false));
    assert!(written(&shelf, &Scopes::Everything).is_some());
    assert_eq!(grants.unshare_all(&permit, by()).await, Ok(3));
    let all = Change::UnshareAll(target);
    assert_eq!(written(&shelf, &Scopes::Everything), Some(all));
}

#[tokio::test]
async fn a_decision_by_a_grant_ends_when_the_grant_does() {
    let end = NOW.plus(std::time::Duration::from_secs(60));
    for (term, owner, basis, until) in [
        (Term::Open, OWNER, Basis::Owner, None),
        (Term::Until(end), OWNER, Basis::Owner, None),
        (Term::Open, SOMEBODY, Basis::Grant, None),
        (Term::Until(end), SOMEBODY, Basis::Grant, Some(end)),
    ] {
        let (_, grants) = grants_for(1, term);
        let who = principal(Scopes::Everything);
        let context = DecisionContext::at(NOW);
        let decided = grants
            .decide(&Read::RULE, &who, &context, &post(owner, None))
            .await;
        assert_eq!(decided.unwrap(), Decided { basis, until });
    }
}
