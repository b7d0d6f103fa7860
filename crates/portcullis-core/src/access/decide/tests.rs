use super::*;
use crate::access::{
    Any, Authenticated, CredentialKind, Facts, FreshLogin, Member, Membership, Permission as _,
    PermissionSet, Role, Scopes,
};
use crate::account::{self, Account, State};
use crate::environment::Timestamp;
use crate::session::Method;
use crate::{checks, permissions, roles};
use proptest::prelude::*;
use uuid::Uuid;

permissions! {
    Read = "decide-test:read": "Read";
    Write = "decide-test:write": "Write";
    Erase = "decide-test:erase": "Erase";
}

roles! {
    Auditor = "auditor";
    Editor = "editor";
}

const LOGIN: Timestamp = Timestamp::from_seconds(1_000_000);

/// A principal with these permissions and roles; `scopes` as in a token.
fn principal(permissions: &[&str], roles: &[&str], scopes: Option<&[&str]>) -> Arc<Principal> {
    // Declaring the names gives them their bits.
    for id in [Read::PERMISSION.id, Write::PERMISSION.id, Erase::PERMISSION.id] {
        id();
    }
    let set = PermissionSet::of_names(permissions.iter().copied());
    let scopes = Scopes::from_list(scopes.map(|names| names.iter().map(|name| (*name).to_owned()).collect()));
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
                state: State::Active,
                email_verified_at: None,
                stamp: account::Stamp::from_uuid(Uuid::from_u128(2)),
                created_at: LOGIN,
                kind: account::Kind::Person,
            },
            roles: roles.iter().map(|name| (*name).to_owned()).collect(),
            permission_names: permissions.iter().map(|name| (*name).to_owned()).collect(),
            permissions: set,
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
    })
}

fn check<R: Requirement>(who: &Arc<Principal>, seconds_after_login: i64, expected: Result<(), &str>) {
    let now = Timestamp::from_seconds(LOGIN.as_seconds() + seconds_after_login);
    let got = Permit::<R>::decide(Arc::clone(who), &Situation::at(now))
        .map(|_| ())
        .map_err(|denied| denied.code());
    assert_eq!(got, expected, "{} for {:?}", R::RULE, who.permissions());
}

#[test]
fn a_permission_is_missing_until_it_is_given() {
    check::<Read>(&principal(&[], &[], None), 0, Err("missing_permission"));
    check::<Read>(
        &principal(&["decide-test:write"], &[], None),
        0,
        Err("missing_permission"),
    );
    check::<Read>(&principal(&["decide-test:read"], &[], None), 0, Ok(()));
    check::<Authenticated>(&principal(&[], &[], None), 0, Ok(()));
}

#[test]
fn scopes_narrow_and_never_widen() {
    checks!("T024");
    let both = ["decide-test:read", "decide-test:write"];
    check::<Write>(
        &principal(&both, &[], Some(&["decide-test:read"])),
        0,
        Err("insufficient_scope"),
    );
    check::<Read>(&principal(&both, &[], Some(&["decide-test:read"])), 0, Ok(()));
    check::<Erase>(
        &principal(&both, &[], Some(&["decide-test:erase"])),
        0,
        Err("missing_permission"),
    );
    check::<Read>(&principal(&both, &[], Some(&[])), 0, Err("insufficient_scope"));
    check::<Role<Editor>>(
        &principal(&both, &["editor"], Some(&["decide-test:read"])),
        0,
        Err("missing_role"),
    );
    assert_eq!(
        principal(&both, &[], Some(&["decide-test:read", "x:y"])).permissions(),
        ["decide-test:read"]
    );
}

#[test]
fn all_needs_every_part_and_any_needs_one() {
    let reader = principal(&["decide-test:read"], &["auditor"], None);
    check::<(Read, Write)>(&reader, 0, Err("missing_permission"));
    check::<(Read, Role<Auditor>)>(&reader, 0, Ok(()));
    check::<Any<(Write, Erase)>>(&reader, 0, Err("no_alternative"));
    check::<Any<(Write, Read)>>(&reader, 0, Ok(()));
    check::<Any<(Role<Editor>, Role<Auditor>)>>(&reader, 0, Ok(()));
    check::<(Read, Any<(Write, Role<Editor>)>)>(&reader, 0, Err("no_alternative"));
    check::<Any<((Read, Write), (Read, Role<Auditor>))>>(&reader, 0, Ok(()));
}

#[test]
fn a_fresh_login_is_fresh_for_exactly_its_seconds() {
    let anna = principal(&[], &[], None);
    check::<FreshLogin<300>>(&anna, 0, Ok(()));
    check::<FreshLogin<300>>(&anna, 299, Ok(()));
    check::<FreshLogin<300>>(&anna, 300, Err("login_too_old"));
    check::<FreshLogin<0>>(&anna, 0, Err("login_too_old"));
}

/// What `principal` may do in an organization.
fn here(permissions: &[&str], roles: &[&str]) -> Membership {
    Membership {
        organization: organization::Id::from_uuid(Uuid::from_u128(7)),
        roles: roles.iter().map(|name| (*name).to_owned()).collect(),
        permission_names: permissions.iter().map(|name| (*name).to_owned()).collect(),
        permissions: PermissionSet::of_names(permissions.iter().copied()),
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn inside_of_member_only_the_membership_counts() {
    checks!("T068");
    checks!("T024");
    let everything = ["decide-test:read", "decide-test:write"];
    let outside = principal(&everything, &["editor"], None);
    let narrowed = principal(&everything, &[], Some(&["decide-test:read"]));
    let (nothing, both) = (here(&[], &[]), here(&everything, &["editor"]));
    let stranger = Situation {
        selected: Some(organization::Id::NONE),
        ..Situation::at(LOGIN)
    };
    let suspended = Situation {
        suspended: true,
        ..stranger
    };
    let member = |member| Situation {
        selected: Some(both.organization),
        member: Some(member),
        ..Situation::at(LOGIN)
    };
    let code = |rule: &Rule, who: &Principal, situation: &Situation<'_>| {
        decide(rule, who, situation)
            .err()
            .map_or("", |denied| denied.code())
    };
    for (rule, who, situation, expected) in [
        (
            Member::<Read>::RULE,
            &outside,
            Situation::at(LOGIN),
            "no_organization",
        ),
        (Member::<Read>::RULE, &outside, stranger, "not_a_member"),
        (Member::<Authenticated>::RULE, &outside, stranger, "not_a_member"),
        (
            Member::<Authenticated>::RULE,
            &outside,
            suspended,
            "organization_suspended",
        ),
        (
            Member::<Read>::RULE,
            &outside,
            member(&nothing),
            "missing_permission",
        ),
        (
            Member::<Role<Editor>>::RULE,
            &outside,
            member(&nothing),
            "missing_role",
        ),
        (
            Member::<Write>::RULE,
            &narrowed,
            member(&both),
            "insufficient_scope",
        ),
        (
            Member::<Role<Editor>>::RULE,
            &narrowed,
            member(&both),
            "missing_role",
        ),
        (
            Any::<(Member<Read>, Erase)>::RULE,
            &outside,
            stranger,
            "no_alternative",
        ),
        (Any::<(Member<Read>, Write)>::RULE, &outside, suspended, ""),
        (
            <(Member<Read>, Write)>::RULE,
            &outside,
            member(&nothing),
            "missing_permission",
        ),
        (Member::<Read>::RULE, &narrowed, member(&both), ""),
        (Member::<(Write, Role<Editor>)>::RULE, &outside, member(&both), ""),
        (Member::<Authenticated>::RULE, &outside, member(&nothing), ""),
        // A membership gives nothing outside of it.
        (
            Erase::RULE,
            &outside,
            member(&here(&["decide-test:erase"], &[])),
            "missing_permission",
        ),
    ] {
        assert_eq!(code(&rule, who, &situation), expected, "{rule}");
    }
}

#[test]
fn a_permit_knows_the_organization_it_was_made_in() {
    checks!("T068");
    let (who, both) = (principal(&[], &[], None), here(&["decide-test:read"], &[]));
    let situation = Situation {
        selected: Some(both.organization),
        member: Some(&both),
        ..Situation::at(LOGIN)
    };
    let permit = Permit::<(Member<Read>, Authenticated)>::decide(who, &situation).unwrap();
    assert_eq!(permit.clone().organization(), both.organization);
    let operator = Permit::<Member>::dangerous_for_operator();
    assert_eq!(operator.organization(), organization::Id::NONE);
    let operator = Permit::<Member>::dangerous_for_operator_in(both.organization);
    assert_eq!(operator.organization(), both.organization);
    assert_eq!(operator.actor(), audit::Actor::Operator);
}

#[test]
fn rules_read_like_their_types() {
    for (rule, text) in [
        (
            <(Read, FreshLogin<300>)>::RULE,
            "decide-test:read and fresh-login(300)",
        ),
        (
            <Any<(Role<Auditor>, Role<Editor>)>>::RULE,
            "role(auditor) or role(editor)",
        ),
        (
            <(Read, Any<(Write, Erase)>)>::RULE,
            "decide-test:read and (decide-test:write or decide-test:erase)",
        ),
        (
            <Any<((Read, Write), Erase)>>::RULE,
            "(decide-test:read and decide-test:write) or decide-test:erase",
        ),
        (<(Authenticated,)>::RULE, "authenticated"),
        (Rule::Any(&[]), "nobody"),
    ] {
        assert_eq!(rule.to_string(), text);
    }
}

#[test]
fn an_empty_alternative_admits_nobody() {
    let all = principal(
        &["decide-test:read", "decide-test:write", "decide-test:erase"],
        &["auditor"],
        None,
    );
    assert!(decide(&Rule::Any(&[]), &all, &Situation::at(LOGIN)).is_err());
}

const NAMES: [&str; 3] = ["decide-test:read", "decide-test:write", "decide-test:erase"];
const RULES: [Rule; 6] = [
    Read::RULE,
    <(Read, Write)>::RULE,
    <Any<(Read, Erase)>>::RULE,
    <(Write, Any<(Read, Erase)>)>::RULE,
    <Any<((Read, Write), Role<Editor>)>>::RULE,
    <(Role<Auditor>, Any<(Erase, Role<Editor>)>)>::RULE,
];

fn subset<'a>(bits: u8, names: &[&'a str]) -> Vec<&'a str> {
    names
        .iter()
        .enumerate()
        .filter(|(index, _)| bits & (1 << index) != 0)
        .map(|(_, name)| *name)
        .collect()
}

proptest! {
    /// Who has more may do at least as much; who is narrowed may do at most as much.
    #[test]
    fn decisions_are_monotonic(held in 0_u8..8, more in 0_u8..8, roles in 0_u8..4, scopes in 0_u8..8) {
        let roles = subset(roles, &["auditor", "editor"]);
        let less = principal(&subset(held, &NAMES), &roles, None);
        let greater = principal(&subset(held | more, &NAMES), &["auditor", "editor"], None);
        let narrowed = principal(&subset(held, &NAMES), &roles, Some(&subset(scopes, &NAMES)));
        for rule in &RULES {
            let allowed = decide(rule, &less, &Situation::at(LOGIN)).is_ok();
            prop_assert!(!allowed || decide(rule, &greater, &Situation::at(LOGIN)).is_ok(), "{rule} lost by gaining");
            prop_assert!(allowed || decide(rule, &narrowed, &Situation::at(LOGIN)).is_err(), "{rule} gained by narrowing");
        }
    }
}
