use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use uuid::Uuid;

use super::*;
use crate::account::{self, Account, AccountState};
use crate::authz::resource::{ActionOn as _, Actions as _, Comparison, Value};
use crate::authz::{
    CredentialKind, Facts, Membership, Permission as _, PermissionSet, Policies, Reasons, Rights,
};
use crate::environment::Timestamp;
use crate::id::OrganizationId;
use crate::scopes::Scopes;
use crate::session::Method;
use crate::{checks, permissions, resource_actions};

struct Post;

permissions! { Admin = "on-test:admin": "Do everything to every post"; }

resource_actions! {
    Post:
    Edit = "on-test:edit": "Change a post": owner, shared, privileged(Admin);
    Erase = "on-test:erase": "Erase a post": privileged(Admin);
    Own = "on-test:own": "What only owners may": owner;
    Lend = "on-test:lend": "What only guests may": shared;
}

static KIND: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[],
    actions: Post::NAMES,
};

static BOUND: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Members,
    fields: &[],
    actions: Post::NAMES,
};

/// Policies that permit and forbid whatever two filters mean.
#[derive(Debug)]
struct Fixed(PolicyFilters);

impl Fixed {
    fn silent() -> Self {
        Self(PolicyFilters {
            permitted: Filter::Never,
            forbidden: Filter::Never,
        })
    }
}

impl Policies for Fixed {
    fn decide(
        &self,
        _: &Principal,
        _: &DecisionContext<'_>,
        _: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict {
        let resource = resource.expect("the decision is about a resource");
        if self.0.forbidden.matches(resource) {
            Verdict::Forbidden
        } else if self.0.permitted.matches(resource) {
            Verdict::Permitted
        } else {
            Verdict::Silent
        }
    }

    fn reasons(&self, _: &Principal, _: &DecisionContext<'_>, _: &str, _: Option<&ResourceFacts>) -> Reasons {
        panic!("reasons are for people")
    }

    fn filters(
        &self,
        _: &Principal,
        _: &DecisionContext<'_>,
        _: &str,
        _: &'static ResourceKind,
    ) -> PolicyFilters {
        self.0.clone()
    }
}

fn person(number: u128) -> account::Id {
    account::Id::from_uuid(Uuid::from_u128(number))
}

fn tenant(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

/// Account 1 with these permissions, through a credential with these scopes.
fn principal(permissions: &[&str], scopes: Option<&[&str]>) -> Principal {
    (Admin::PERMISSION.id)();
    let set = PermissionSet::of_names(permissions.iter().copied());
    let scopes = Scopes::from_list(scopes.map(|all| all.iter().map(|name| (*name).to_owned()).collect()));
    let effective = match &scopes {
        Scopes::Everything => set.clone(),
        Scopes::Only(names) => set.intersection(&PermissionSet::of_names(names.iter().map(String::as_str))),
    };
    Principal {
        facts: Arc::new(Facts {
            account: Account {
                id: person(1),
                kind: account::AccountKind::Person,
                email: None,
                username: Some("anna".into()),
                state: AccountState::Active,
                email_verified_at: None,
                stamp: account::Stamp::from_uuid(Uuid::nil()),
                created_at: NOW,
            },
            rights: Arc::new(Rights {
                roles: Vec::new(),
                permission_names: permissions.iter().map(|name| (*name).to_owned()).collect(),
                permissions: set,
            }),
            attributes: crate::attribute::Attributes::default(),
        }),
        kind: CredentialKind::Jwt,
        session: None,
        token: None,
        method: Some(Method::Password),
        authenticated_at: Some(NOW),
        assurance: Some(Method::Password.assurance()),
        scopes,
        effective,
        key: None,
        signer: None,
    }
}

fn post(owner: Option<u128>, organization: Option<u128>, mark: i64) -> ResourceFacts {
    ResourceFacts {
        kind: &KIND,
        id: "7".into(),
        owner: owner.map(person),
        organization: organization.map(tenant),
        fields: BTreeMap::from([("mark", Value::Long(mark))]),
    }
}

fn marked(mark: i64) -> Filter {
    Filter::Compare("mark", Comparison::Equal, Value::Long(mark))
}

fn at(policies: &Fixed) -> DecisionContext<'_> {
    DecisionContext {
        policies,
        ..DecisionContext::at(NOW)
    }
}

/// Decides both ways; they must agree.
#[track_caller]
fn check(
    action: &ActionRule,
    who: &Principal,
    context: &DecisionContext<'_>,
    resource: &ResourceFacts,
    granted: bool,
) -> Result<Basis, &'static str> {
    let one = decide_on(action, who, context, resource, granted);
    let ids = if granted {
        vec!["3".into(), "7".into()]
    } else {
        vec!["3".into()]
    };
    let filter = filter_for(action, who, context, resource.kind, ids);
    assert_eq!(
        filter.matches(resource),
        one.is_ok(),
        "{filter:?} on {resource:?}"
    );
    one.map_err(|denied| denied.code())
}

#[test]
fn somebody_elses_resource_is_refused_whatever_the_action() {
    checks!("T063");
    let (anna, silent) = (principal(&[], None), Fixed::silent());
    for action in Post::ACTIONS {
        for owner in [None, Some(2)] {
            let got = check(action, &anna, &at(&silent), &post(owner, None, 0), false);
            assert_eq!(got, Err("not_granted"), "{action:?} of {owner:?}");
        }
    }
}

#[test]
fn each_way_in_opens_the_actions_that_name_it_and_no_other() {
    let silent = Fixed::silent();
    let (anna, admin) = (principal(&[], None), principal(&["on-test:admin"], None));
    let (own, foreign) = (post(Some(1), None, 0), post(Some(2), None, 0));
    const NO: Result<Basis, &str> = Err("not_granted");
    for (action, owner, granted, privileged) in [
        (
            Edit::RULE,
            Ok(Basis::Owner),
            Ok(Basis::Grant),
            Ok(Basis::Privilege),
        ),
        (Erase::RULE, NO, NO, Ok(Basis::Privilege)),
        (Own::RULE, Ok(Basis::Owner), NO, NO),
        (Lend::RULE, NO, Ok(Basis::Grant), NO),
    ] {
        assert_eq!(
            check(&action, &anna, &at(&silent), &own, false),
            owner,
            "{action:?}"
        );
        assert_eq!(
            check(&action, &anna, &at(&silent), &foreign, true),
            granted,
            "{action:?}"
        );
        assert_eq!(
            check(&action, &admin, &at(&silent), &foreign, false),
            privileged,
            "{action:?}"
        );
    }
}

#[test]
fn a_policy_that_forbids_overrides_owner_grant_and_privilege() {
    let policies = Fixed(PolicyFilters {
        permitted: Filter::Always,
        forbidden: marked(1),
    });
    let admin = principal(&["on-test:admin"], None);
    let got = check(&Edit::RULE, &admin, &at(&policies), &post(Some(1), None, 1), true);
    assert_eq!(got, Err("forbidden_by_policy"));
    let got = check(
        &Edit::RULE,
        &principal(&[], None),
        &at(&policies),
        &post(None, None, 0),
        false,
    );
    assert_eq!(got, Ok(Basis::Policy));
}

#[test]
fn a_narrowed_credential_needs_the_action_among_its_scopes_whatever_its_account_may() {
    checks!("T064");
    let policies = Fixed(PolicyFilters {
        permitted: Filter::Always,
        forbidden: Filter::Never,
    });
    let all = ["on-test:admin", "on-test:edit"];
    for (scopes, expected) in [
        (None, Ok(Basis::Privilege)),
        (Some(&[][..]), Err("insufficient_scope")),
        (Some(&["on-test:admin"]), Err("insufficient_scope")),
        (Some(&["on-test:edit"]), Ok(Basis::Owner)),
        (Some(&["on-test:admin", "on-test:edit"]), Ok(Basis::Privilege)),
    ] {
        let got = check(
            &Edit::RULE,
            &principal(&all, scopes),
            &at(&policies),
            &post(Some(1), None, 0),
            true,
        );
        assert_eq!(got, expected, "{scopes:?}");
    }
}

#[test]
fn a_selected_organization_hides_the_resources_of_every_other() {
    let silent = Fixed::silent();
    let (anna, admin) = (principal(&[], None), principal(&["on-test:admin"], None));
    let within = DecisionContext {
        selected: Some(tenant(5)),
        ..at(&silent)
    };
    for (organization, expected) in [
        (None, Err("other_organization")),
        (Some(6), Err("other_organization")),
        (Some(5), Ok(Basis::Owner)),
    ] {
        let own = post(Some(1), organization, 0);
        assert_eq!(
            check(&Edit::RULE, &anna, &within, &own, true),
            expected,
            "{organization:?}"
        );
        assert_eq!(
            check(&Edit::RULE, &admin, &within, &own, false).is_ok(),
            expected.is_ok()
        );
        assert_eq!(
            check(&Edit::RULE, &anna, &at(&silent), &own, false),
            Ok(Basis::Owner)
        );
    }
}

#[test]
fn what_only_members_reach_is_out_of_reach_of_everybody_else() {
    checks!("T099");
    let silent = Fixed::silent();
    let (anna, admin) = (principal(&[], None), principal(&["on-test:admin"], None));
    let membership = membership(5);
    for (organization, selected, member, expected) in [
        (Some(5), None, false, Err("no_organization")),
        (Some(5), Some(5), false, Err("not_a_member")),
        (Some(5), Some(6), false, Err("other_organization")),
        (Some(6), Some(5), true, Err("other_organization")),
        (Some(5), Some(5), true, Ok(())),
        (None, None, false, Ok(())),
        (None, Some(5), true, Err("other_organization")),
    ] {
        let context = DecisionContext {
            selected: selected.map(tenant),
            member: member.then_some(&membership),
            ..at(&silent)
        };
        let own = ResourceFacts {
            kind: &BOUND,
            ..post(Some(1), organization, 0)
        };
        for who in [&anna, &admin] {
            let got = check(&Edit::RULE, who, &context, &own, true).map(|_| ());
            assert_eq!(got, expected, "{organization:?} {selected:?} {member}");
        }
    }
}

fn membership(number: u128) -> Membership {
    Membership {
        organization: tenant(number),
        roles: Vec::new(),
        permission_names: Vec::new(),
        permissions: PermissionSet::default(),
    }
}

/// Any filter about what the resources of these tests have.
fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        Just(Filter::Always),
        Just(Filter::Never),
        (0_i64..3).prop_map(marked),
        (0_u128..3).prop_map(|n| Filter::OwnedBy(person(n))),
        (5_u128..7).prop_map(|n| Filter::Of(tenant(n))),
        Just(Filter::Ids(vec!["7".into()])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    // Shows: AZ-5
    /// A list shows exactly what single calls allow; and what a policy forbids, nothing allows.
    #[test]
    fn the_filter_means_what_single_decisions_allow(
        permitted in filters(),
        forbidden in filters(),
        scoped in proptest::option::of(proptest::sample::subsequence(vec!["on-test:edit", "on-test:admin", "on-test:lend"], 0..3)),
        admin in any::<bool>(),
        granted in any::<bool>(),
        selected in proptest::option::of(5_u128..7),
        member in any::<bool>(),
        bound in any::<bool>(),
        owner in proptest::option::of(0_u128..3),
        organization in proptest::option::of(5_u128..7),
        mark in 0_i64..3,
    ) {
        checks!("T065");
        let policies = Fixed(PolicyFilters { permitted, forbidden: forbidden.clone() });
        let who = principal(if admin { &["on-test:admin"] } else { &[] }, scoped.as_deref());
        let membership = selected.map(membership);
        let context = DecisionContext {
            selected: selected.map(tenant),
            member: membership.as_ref().filter(|_| member),
            ..at(&policies)
        };
        let kind = if bound { &BOUND } else { &KIND };
        let resource = ResourceFacts { kind, ..post(owner, organization, mark) };
        for action in Post::ACTIONS {
            let got = check(action, &who, &context, &resource, granted);
            prop_assert!(!(forbidden.matches(&resource) && got.is_ok()), "deny overrides");
            // A grant only ever adds.
            prop_assert!(check(action, &who, &context, &resource, false).is_err() || got.is_ok());
        }
    }
}
