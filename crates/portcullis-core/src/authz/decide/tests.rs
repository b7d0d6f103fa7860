use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::audit;
use crate::authz::fixtures::*;
use crate::authz::{
    Any, Authenticated, CredentialKind, FreshLogin, Member, Membership, PermissionSet, Permit, Policy,
    Requirement, Role, SecondFactor, Unscoped,
};
use crate::checks;
use crate::environment::Timestamp;
use crate::id::OrganizationId;

fn check<R: Requirement>(who: &Arc<Principal>, seconds_after_login: i64, expected: Result<(), &str>) {
    let now = Timestamp::from_seconds(LOGIN.as_seconds() + seconds_after_login);
    let got = Permit::<R>::decide(Arc::clone(who), &DecisionContext::at(now))
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

// Shows: AZ-3
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
    let microsecond = Duration::from_micros(1);
    let decided = |rule: &Rule, now: Timestamp| decide(rule, &anna, &DecisionContext::at(now)).is_ok();
    let limit = LOGIN.plus(Duration::from_secs(300));
    let rule = FreshLogin::<300>::RULE;
    for (now, fresh) in [
        (LOGIN.minus(microsecond), true),
        (LOGIN, true),
        (limit.minus(microsecond), true),
        (limit, false),
        (limit.plus(microsecond), false),
        (limit.plus(Duration::from_secs(1)), false),
    ] {
        assert_eq!(decided(&rule, now), fresh, "{now}");
    }
    let rule = FreshLogin::<0>::RULE;
    assert!(decided(&rule, LOGIN.minus(microsecond)));
    assert!(!decided(&rule, LOGIN));
    let longest = i64::from(u32::MAX);
    check::<FreshLogin<{ u32::MAX }>>(&anna, longest - 1, Ok(()));
    check::<FreshLogin<{ u32::MAX }>>(&anna, longest, Err("login_too_old"));
}

/// What `principal` may do in an organization.
fn here(permissions: &[&str], roles: &[&str]) -> Membership {
    Membership {
        organization: OrganizationId::from_uuid(Uuid::from_u128(7)),
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
    let stranger = DecisionContext {
        selected: Some(OrganizationId::NONE),
        ..DecisionContext::at(LOGIN)
    };
    let suspended = DecisionContext {
        suspended: true,
        ..stranger
    };
    let member = |member| DecisionContext {
        selected: Some(both.organization),
        member: Some(member),
        ..DecisionContext::at(LOGIN)
    };
    let code = |rule: &Rule, who: &Principal, context: &DecisionContext<'_>| {
        decide(rule, who, context)
            .err()
            .map_or("", |denied| denied.code())
    };
    for (rule, who, context, expected) in [
        (
            Member::<Read>::RULE,
            &outside,
            DecisionContext::at(LOGIN),
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
        assert_eq!(code(&rule, who, &context), expected, "{rule}");
    }
}

#[test]
fn a_permit_knows_the_organization_it_was_made_in() {
    checks!("T068");
    let (who, both) = (principal(&[], &[], None), here(&["decide-test:read"], &[]));
    let context = DecisionContext {
        selected: Some(both.organization),
        member: Some(&both),
        ..DecisionContext::at(LOGIN)
    };
    let permit = Permit::<(Member<Read>, Authenticated)>::decide(who, &context).unwrap();
    assert_eq!(permit.clone().organization(), both.organization);
    let operator = Permit::<Member>::dangerous_for_operator();
    assert_eq!(operator.organization(), OrganizationId::NONE);
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
    assert!(decide(&Rule::Any(&[]), &all, &DecisionContext::at(LOGIN)).is_err());
}

#[test]
fn a_policy_that_forbids_beats_whatever_permits_in_its_own_node_only() {
    let reader = principal(&["decide-test:read"], &[], None);
    let decided = |rule: &Rule, verdict| {
        let policies = Fixed([verdict, Verdict::Permitted]);
        let context = DecisionContext {
            policies: &policies,
            ..DecisionContext::at(LOGIN)
        };
        decide(rule, &reader, &context).map_err(|denied| denied.code())
    };
    for (verdict, alone) in [
        (Verdict::Permitted, Ok(())),
        (Verdict::Forbidden, Err("forbidden_by_policy")),
        (Verdict::Silent, Err("no_policy_permits")),
    ] {
        assert_eq!(decided(&Policy::<Export>::RULE, verdict), alone);
        assert_eq!(decided(&<(Read, Policy<Export>)>::RULE, verdict), alone);
        assert_eq!(decided(&<(Policy<Import>, Policy<Export>)>::RULE, verdict), alone);
        // Any is any: an alternative beside the policy is a way of its own.
        assert_eq!(decided(&<Any<(Policy<Export>, Read)>>::RULE, verdict), Ok(()));
    }
    let nothing = <Any<(Policy<Export>, Write)>>::RULE;
    assert_eq!(decided(&nothing, Verdict::Forbidden), Err("no_alternative"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn a_member_counts_with_the_membership_alone() {
    let everything = principal(&NAMES, &["auditor", "editor"], None);
    let nobody = principal(&[], &[], None);
    let inside = membership(&["decide-test:write"], &["editor"]);
    let elsewhere = membership(&[], &[]);
    for (who, member, selected, rule, expected) in [
        (
            &everything,
            None,
            false,
            Member::<Read>::RULE,
            Err("no_organization"),
        ),
        (&everything, None, true, Member::<Read>::RULE, Err("not_a_member")),
        (
            &everything,
            None,
            true,
            Member::<Authenticated>::RULE,
            Err("not_a_member"),
        ),
        (
            &everything,
            Some(&elsewhere),
            true,
            Member::<Read>::RULE,
            Err("missing_permission"),
        ),
        (
            &everything,
            Some(&elsewhere),
            true,
            Member::<Role<Editor>>::RULE,
            Err("missing_role"),
        ),
        (
            &everything,
            Some(&elsewhere),
            true,
            Member::<Authenticated>::RULE,
            Ok(()),
        ),
        (&nobody, Some(&inside), true, Member::<Write>::RULE, Ok(())),
        (
            &nobody,
            Some(&inside),
            true,
            Write::RULE,
            Err("missing_permission"),
        ),
        (
            &nobody,
            Some(&inside),
            true,
            <(Member<Write>, Write)>::RULE,
            Err("missing_permission"),
        ),
        (
            &nobody,
            Some(&inside),
            true,
            Member::<(Role<Editor>, Any<(Read, Write)>)>::RULE,
            Ok(()),
        ),
    ] {
        let context = DecisionContext {
            selected: selected.then_some(inside.organization),
            member,
            ..DecisionContext::at(LOGIN)
        };
        let decided = decide(&rule, who, &context).map_err(|denied| denied.code());
        assert_eq!(decided, expected, "{rule}");
    }
    let narrowed = principal(&[], &[], Some(&["decide-test:read"]));
    let context = DecisionContext {
        selected: Some(inside.organization),
        member: Some(&inside),
        ..DecisionContext::at(LOGIN)
    };
    for (rule, code) in [
        (Member::<Write>::RULE, "insufficient_scope"),
        (Member::<Role<Editor>>::RULE, "missing_role"),
    ] {
        assert_eq!(decide(&rule, &narrowed, &context).unwrap_err().code(), code);
    }
}

#[test]
fn a_machine_is_never_fresh_and_never_has_a_second_factor() {
    checks!("T077");
    for kind in CredentialKind::ALL {
        let mut who = Principal::clone(&principal(&NAMES, &["auditor", "editor"], None));
        who.kind = kind;
        who.assurance = Some(Assurance::MultiFactor);
        let decided = |rule: Rule| decide(&rule, &who, &DecisionContext::at(LOGIN)).is_ok();
        assert_eq!(decided(FreshLogin::<300>::RULE), kind.is_personal(), "{kind:?}");
        assert_eq!(decided(<(Read, FreshLogin<300>)>::RULE), kind.is_personal());
        assert_eq!(
            decided(<Any<(SecondFactor, FreshLogin<300>)>>::RULE),
            kind.is_personal()
        );
        assert_eq!(decided(SecondFactor::RULE), kind.is_personal());
        assert_eq!(
            decided(<(SecondFactor, Any<(Read, Write)>)>::RULE),
            kind.is_personal()
        );
    }
}

// Shows: AZ-3
#[test]
fn a_narrowed_credential_never_speaks_for_the_account_as_a_whole() {
    checks!("T106");
    let inside = membership(&NAMES, &["editor"]);
    let context = DecisionContext {
        selected: Some(inside.organization),
        member: Some(&inside),
        ..DecisionContext::at(LOGIN)
    };
    // However wide: also scopes that name all that the account may.
    for (scopes, whole) in [(None, true), (Some(&NAMES[..]), false), (Some(&[]), false)] {
        let who = principal(&NAMES, &["auditor", "editor"], scopes);
        for rule in [
            Unscoped::RULE,
            Member::<Unscoped>::RULE,
            <(Member, Unscoped)>::RULE,
            <(Authenticated, Unscoped)>::RULE,
        ] {
            let decided = decide(&rule, &who, &context).map_err(|denied| denied.code());
            let expected = if whole { Ok(()) } else { Err("insufficient_scope") };
            assert_eq!(decided, expected, "{rule} with {scopes:?}");
        }
    }
}

/// The same rule without its steps up: what is left for a machine.
fn without_logins(rule: &Rule) -> Rule {
    let all = |rules: &[Rule]| leak(rules.iter().map(without_logins).collect());
    match *rule {
        Rule::FreshLogin(_) | Rule::SecondFactor => Rule::Any(&[]),
        Rule::All(rules) => Rule::All(all(rules)),
        Rule::Any(rules) => Rule::Any(all(rules)),
        Rule::Member(rule) => Rule::Member(&leak(vec![without_logins(rule)])[0]),
        other => other,
    }
}

proptest! {
    // Shows: AZ-2
    /// Who has more may do at least as much; who is narrowed may do at most as much.
    #[test]
    fn decisions_are_monotonic(rule in any_rule(), who in any_caller(), more in any_caller(), place in any_place()) {
        let context = place.context();
        let allowed = |caller: &Caller| decide(&rule, &caller.principal(), &context).is_ok();
        let unscoped = Caller { scopes: None, ..who };
        let greater = Caller { permissions: who.permissions | more.permissions, roles: who.roles | more.roles, ..who };
        let narrower = Caller { scopes: Some(who.scopes.unwrap_or(0xff) & more.permissions), ..who };
        prop_assert!(!allowed(&who) || allowed(&greater), "{rule} was lost by gaining");
        prop_assert!(!allowed(&who) || allowed(&unscoped), "{rule} was gained by narrowing");
        prop_assert!(!allowed(&narrower) || allowed(&who), "{rule} was gained by narrowing further");
        let allowed_at = |place: &Place| decide(&rule, &who.principal(), &place.context()).is_ok();
        let lesser = Place { member: place.member.map(|_| (0, 0)), ..place.clone() };
        prop_assert!(!allowed_at(&lesser) || allowed_at(&place), "{rule} was lost by gaining in the organization");
    }

    // Shows: AZ-2
    /// A tuple allows what each part allows, an alternative what one of them does; nothing comes of composing.
    #[test]
    fn composing_adds_and_hides_nothing(rules in proptest::collection::vec(any_rule(), 0..4), who in any_caller(), place in any_place()) {
        let (who, context) = (who.principal(), place.context());
        let rules = leak(rules);
        let each: Vec<bool> = rules.iter().map(|rule| decide(rule, &who, &context).is_ok()).collect();
        prop_assert_eq!(decide(&Rule::All(rules), &who, &context).is_ok(), each.iter().all(|ok| *ok));
        prop_assert_eq!(decide(&Rule::Any(rules), &who, &context).is_ok(), each.contains(&true));
    }

    /// Inside an organization nothing counts that the account has elsewhere.
    #[test]
    fn a_membership_never_borrows_from_the_account(rule in any_rule(), who in any_caller(), other in any_caller(), place in any_place()) {
        let rule = Rule::Member(&leak(vec![rule])[0]);
        let other = Caller { permissions: other.permissions, roles: other.roles, ..who };
        let allowed = |caller: &Caller| decide(&rule, &caller.principal(), &place.context()).is_ok();
        prop_assert_eq!(allowed(&who), allowed(&other), "{}", rule);
        prop_assert!((place.member.is_some() && !place.suspended) || !allowed(&who));
    }

    // Shows: AZ-8
    /// However a rule is composed, a machine passes only where no login is needed at all.
    #[test]
    fn no_composition_lets_a_machine_step_up(rule in any_rule(), who in any_caller(), place in any_place()) {
        checks!("T077");
        for kind in CredentialKind::ALL.into_iter().filter(|kind| !kind.is_personal()) {
            let machine = Caller { kind, ..who }.principal();
            let context = place.context();
            prop_assert_eq!(
                decide(&rule, &machine, &context).is_ok(),
                decide(&without_logins(&rule), &machine, &context).is_ok(),
                "{} for {:?}", rule, kind
            );
        }
    }
}
