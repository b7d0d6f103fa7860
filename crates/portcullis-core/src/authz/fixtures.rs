//! What the tests of decisions begin with: principals, places and rules, chosen or random.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use crate::account::{self, Account, AccountState};
use crate::authz::{
    CredentialKind, DecisionContext, Facts, Filter, Membership, Permission as _, PermissionSet, Policies,
    PolicyFilters, Principal, Reasons, ResourceFacts, ResourceKind, Rights, Rule, Verdict,
};
use crate::environment::Timestamp;
use crate::id::OrganizationId;
use crate::scopes::Scopes;
use crate::session::{Assurance, Method};
use crate::{actions, permissions, roles};

permissions! {
    pub(crate) Read = "decide-test:read": "Read";
    pub(crate) Write = "decide-test:write": "Write";
    pub(crate) Erase = "decide-test:erase": "Erase";
}

roles! {
    pub(crate) Auditor = "auditor";
    pub(crate) Editor = "editor";
}

actions! {
    pub(crate) Export = "decide-test:export";
    pub(crate) Import = "decide-test:import";
}

pub(crate) const NAMES: [&str; 3] = ["decide-test:read", "decide-test:write", "decide-test:erase"];
const ROLES: [&str; 2] = ["auditor", "editor"];
pub(crate) const LOGIN: Timestamp = Timestamp::from_seconds(1_000_000);

fn set_of(permissions: &[&str]) -> PermissionSet {
    // Declaring the names gives them their bits.
    for id in [Read::PERMISSION.id, Write::PERMISSION.id, Erase::PERMISSION.id] {
        id();
    }
    PermissionSet::of_names(permissions.iter().copied())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A principal with these permissions and roles; `scopes` as in a token.
pub(crate) fn principal(permissions: &[&str], roles: &[&str], scopes: Option<&[&str]>) -> Arc<Principal> {
    let set = set_of(permissions);
    let scopes = Scopes::from_list(scopes.map(owned));
    let effective = match &scopes {
        Scopes::Everything => set.clone(),
        Scopes::Only(names) => set.intersection(&PermissionSet::of_names(names.iter().map(String::as_str))),
    };
    Arc::new(Principal {
        facts: Arc::new(Facts {
            account: Account {
                id: account::Id::from_uuid(Uuid::from_u128(1)),
                email: Some("anna@example.com".into()),
                username: None,
                state: AccountState::Active,
                email_verified_at: None,
                stamp: account::Stamp::from_uuid(Uuid::from_u128(2)),
                created_at: LOGIN,
                kind: account::AccountKind::Person,
            },
            rights: Arc::new(Rights {
                roles: owned(roles),
                permission_names: owned(permissions),
                permissions: set,
            }),
            attributes: crate::attribute::Attributes::default(),
        }),
        kind: CredentialKind::Jwt,
        session: None,
        token: None,
        method: Some(Method::Password),
        assurance: Some(Assurance::SingleFactor),
        authenticated_at: Some(LOGIN),
        scopes,
        effective,
        key: None,
        signer: None,
    })
}

/// A membership that gives these permissions and roles.
pub(crate) fn membership(permissions: &[&str], roles: &[&str]) -> Membership {
    Membership {
        organization: OrganizationId::from_uuid(Uuid::from_u128(3)),
        roles: owned(roles),
        permission_names: owned(permissions),
        permissions: set_of(permissions),
    }
}

/// Policies that say the same to everybody: the first of [`Export`], the second of [`Import`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed(pub(super) [Verdict; 2]);

impl Policies for Fixed {
    fn decide(
        &self,
        _: &Principal,
        _: &DecisionContext<'_>,
        action: &str,
        _: Option<&ResourceFacts>,
    ) -> Verdict {
        let [export, import] = self.0;
        if action == "decide-test:export" {
            export
        } else {
            import
        }
    }

    fn reasons(
        &self,
        who: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Reasons {
        let verdict = self.decide(who, context, action, resource);
        let named = |when| {
            let names = [format!("{action}.{when:?}")];
            names.into_iter().filter(|_| verdict == when).collect()
        };
        Reasons {
            verdict,
            permitting: named(Verdict::Permitted),
            forbidding: named(Verdict::Forbidden),
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
            permitted: Filter::Never,
            forbidden: Filter::Always,
        }
    }
}

/// A slice that lives as long as the process, as a rule's parts do.
pub(crate) fn leak(rules: Vec<Rule>) -> &'static [Rule] {
    Box::leak(rules.into_boxed_slice())
}

fn subset<'n>(bits: u8, names: &[&'n str]) -> Vec<&'n str> {
    names
        .iter()
        .enumerate()
        .filter(|(index, _)| bits & (1 << index) != 0)
        .map(|(_, name)| *name)
        .collect()
}

/// Any rule over the names of this file.
pub(crate) fn any_rule() -> impl Strategy<Value = Rule> {
    let leaf = prop_oneof![
        1 => Just(Rule::Public),
        1 => Just(Rule::Authenticated),
        1 => Just(Rule::Unscoped),
        6 => prop_oneof![Just(Read::PERMISSION), Just(Write::PERMISSION), Just(Erase::PERMISSION)]
            .prop_map(Rule::Permission),
        3 => prop_oneof![Just("auditor"), Just("editor")].prop_map(Rule::Role),
        3 => prop_oneof![Just(0), Just(300), Just(600)].prop_map(Rule::FreshLogin),
        2 => Just(Rule::SecondFactor),
        1 => Just(Rule::Signed),
        2 => prop_oneof![Just("decide-test:export"), Just("decide-test:import")].prop_map(Rule::Policy),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => several.clone().prop_map(|rules| Rule::All(leak(rules))),
            2 => several.prop_map(|rules| Rule::Any(leak(rules))),
            1 => inner.prop_map(|rule| Rule::Member(&leak(vec![rule])[0])),
        ]
    })
}

/// A caller as bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) permissions: u8,
    pub(crate) roles: u8,
    pub(crate) scopes: Option<u8>,
    pub(crate) kind: CredentialKind,
    /// How the login was made; `None` for a credential that stands for none.
    pub(crate) login: Option<Assurance>,
}

impl Caller {
    pub(crate) fn principal(&self) -> Principal {
        let scopes = self.scopes.map(|bits| subset(bits, &NAMES));
        let (permissions, roles) = (subset(self.permissions, &NAMES), subset(self.roles, &ROLES));
        let made = principal(&permissions, &roles, scopes.as_deref());
        Principal {
            kind: self.kind,
            authenticated_at: self.login.map(|_| LOGIN),
            method: self.login.map(|_| Method::Password),
            assurance: self.login,
            ..Principal::clone(&made)
        }
    }
}

pub(crate) fn any_caller() -> impl Strategy<Value = Caller> {
    let kind = proptest::sample::select(&CredentialKind::ALL[..]);
    let scopes = proptest::option::of(0_u8..8);
    let login =
        proptest::sample::select(&[None, Some(Assurance::SingleFactor), Some(Assurance::MultiFactor)][..]);
    (0_u8..8, 0_u8..4, scopes, kind, login).prop_map(|(permissions, roles, scopes, kind, login)| Caller {
        permissions,
        roles,
        scopes,
        kind,
        login,
    })
}

/// Where and when a decision is made.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) seconds: i64,
    pub(crate) selected: bool,
    pub(crate) suspended: bool,
    /// The permissions and roles of the membership, as bits.
    pub(crate) member: Option<(u8, u8)>,
    pub(crate) policies: Fixed,
}

impl Place {
    pub(crate) fn context(&self) -> DecisionContext<'static> {
        let member = self.member.map(|(permissions, roles)| {
            let made = membership(&subset(permissions, &NAMES), &subset(roles, &ROLES));
            &*Box::leak(Box::new(made))
        });
        DecisionContext {
            selected: self
                .selected
                .then_some(OrganizationId::from_uuid(Uuid::from_u128(3))),
            member: member.filter(|_| self.selected && !self.suspended),
            suspended: self.suspended,
            policies: &*Box::leak(Box::new(self.policies)),
            ..DecisionContext::at(Timestamp::from_seconds(LOGIN.as_seconds() + self.seconds))
        }
    }
}

pub(crate) fn any_place() -> impl Strategy<Value = Place> {
    let verdict = prop_oneof![
        Just(Verdict::Permitted),
        Just(Verdict::Forbidden),
        Just(Verdict::Silent)
    ];
    let seconds = prop_oneof![Just(0), Just(300), Just(301), Just(600), Just(601)];
    let member = proptest::option::of((0_u8..8, 0_u8..4));
    let organization = (any::<bool>(), proptest::bool::weighted(0.2), member);
    (seconds, organization, [verdict.clone(), verdict]).prop_map(
        |(seconds, (selected, suspended, member), verdicts)| Place {
            seconds,
            selected: selected || suspended || member.is_some(),
            suspended,
            member,
            policies: Fixed(verdicts),
        },
    )
}
