use proptest::prelude::*;

use super::*;
use crate::authz::fixtures::*;
use crate::authz::{
    Any, CredentialKind, FreshLogin, Member, Policy, Requirement, Role, SecondFactor, StepUp, Unscoped,
    Verdict, decide, step_up,
};
use crate::checks;
use crate::environment::Timestamp;

/// The lines of an explanation: mark, rule, why.
fn lines(node: &Explanation) -> Vec<String> {
    let mark = if node.holds { "+" } else { "-" };
    let mut all = vec![format!("{mark} {}: {}", node.rule, node.why)];
    all.extend(node.parts.iter().flat_map(lines).map(|line| format!("  {line}")));
    all
}

fn check<R: Requirement>(who: &Principal, context: &DecisionContext<'_>, expected: &[&str]) {
    assert_eq!(lines(&explain(&R::RULE, who, context)), expected);
}

#[test]
fn every_part_says_why_also_behind_the_first_that_is_missing() {
    let reader = principal(&["decide-test:read"], &["auditor"], None);
    let later = DecisionContext::at(Timestamp::from_seconds(1_000_301));
    check::<(Write, Any<(Role<Editor>, Read)>, FreshLogin<300>, SecondFactor)>(
        &reader,
        &later,
        &[
            "- decide-test:write and (role(editor) or decide-test:read) and fresh-login(300) and second-factor: \
             1 of 4 hold; all must",
            "  - decide-test:write: the account lacks it",
            "  + role(editor) or decide-test:read: 1 of 2 hold; at least one must",
            "    - role(editor): the account lacks it",
            "    + decide-test:read: the account has it",
            "  - fresh-login(300): the login was made 301 s before, at 1970-01-12T13:46:40Z; it is fresh for 300 s",
            "  - second-factor: the login was made with one factor",
        ],
    );
}

#[test]
fn what_scopes_and_machines_lack_is_told_apart_from_what_the_account_lacks() {
    let narrowed = principal(&["decide-test:read"], &["auditor"], Some(&[]));
    let now = DecisionContext::at(LOGIN);
    check::<Read>(
        &narrowed,
        &now,
        &["- decide-test:read: the account has it, but the credential's scopes leave it out"],
    );
    check::<Role<Auditor>>(
        &narrowed,
        &now,
        &["- role(auditor): the account has it, but a credential narrowed by scopes carries no roles"],
    );
    check::<Role<Editor>>(&narrowed, &now, &["- role(editor): the account lacks it"]);
    check::<Unscoped>(
        &narrowed,
        &now,
        &["- unscoped: the credential is narrowed by scopes, and this is for the account as a whole"],
    );
    let mut machine = Principal::clone(&narrowed);
    machine.kind = CredentialKind::ApiKey;
    let told = "the credential stands for no login by a person";
    check::<FreshLogin<300>>(&machine, &now, &[&format!("- fresh-login(300): {told}")]);
    check::<SecondFactor>(&machine, &now, &[&format!("- second-factor: {told}")]);
    machine.authenticated_at = None;
    check::<FreshLogin<300>>(&machine, &now, &[&format!("- fresh-login(300): {told}")]);
}

#[test]
fn policies_and_organizations_name_their_reasons() {
    let nobody = principal(&[], &[], None);
    let inside = membership(&["decide-test:read"], &[]);
    let policies = Fixed([Verdict::Forbidden, Verdict::Silent]);
    let outside = DecisionContext {
        policies: &policies,
        ..DecisionContext::at(LOGIN)
    };
    check::<Any<(Policy<Export>, Policy<Import>)>>(
        &nobody,
        &outside,
        &[
            "- policy(decide-test:export) or policy(decide-test:import): 0 of 2 hold; at least one must",
            "  - policy(decide-test:export): forbidden by decide-test:export.Forbidden",
            "  - policy(decide-test:import): no policy speaks of it",
        ],
    );
    check::<Member<Read>>(
        &nobody,
        &outside,
        &["- member(decide-test:read): the request selects no organization"],
    );
    let stranger = DecisionContext {
        selected: Some(inside.organization),
        ..outside
    };
    check::<Member<Read>>(
        &nobody,
        &stranger,
        &["- member(decide-test:read): there is no such organization, or the account is no member of it"],
    );
    let member = DecisionContext {
        member: Some(&inside),
        ..stranger
    };
    check::<Member<(Read, Write)>>(
        &nobody,
        &member,
        &[
            "- member(decide-test:read and decide-test:write): the account is a member of the organization",
            "  - decide-test:read and decide-test:write: 1 of 2 hold; all must",
            "    + decide-test:read: the membership has it",
            "    - decide-test:write: the membership lacks it",
        ],
    );
    let inner = explain(&Member::<Read>::RULE, &nobody, &member);
    assert_eq!(
        (&*inner.within, &*inner.parts[0].within),
        ("account", "organization")
    );
}

#[test]
fn a_login_is_asked_for_only_where_it_helps_and_for_everything_at_once() {
    checks!("T078");
    let reader = principal(&["decide-test:read"], &[], None);
    let later = DecisionContext::at(Timestamp::from_seconds(1_000_301));
    let login = |max_age, second_factor| {
        Some(StepUp {
            max_age,
            second_factor,
        })
    };
    for (rule, expected) in [
        (Read::RULE, None),
        (Write::RULE, None),
        (FreshLogin::<302>::RULE, None),
        (FreshLogin::<301>::RULE, login(Some(301), false)),
        (FreshLogin::<300>::RULE, login(Some(300), false)),
        (SecondFactor::RULE, login(None, true)),
        (<(SecondFactor, FreshLogin<300>)>::RULE, login(Some(300), true)),
        (
            <(FreshLogin<300>, FreshLogin<60>, FreshLogin<200>)>::RULE,
            login(Some(60), false),
        ),
        (
            <(FreshLogin<300>, FreshLogin<400>)>::RULE,
            login(Some(300), false),
        ),
        (
            <(FreshLogin<300>, (Read, (SecondFactor,)))>::RULE,
            login(Some(300), true),
        ),
        (<(FreshLogin<300>, Write)>::RULE, login(Some(300), false)),
        (<Any<(Write, FreshLogin<300>)>>::RULE, login(Some(300), false)),
        (
            <Any<((Write, SecondFactor), (Read, FreshLogin<300>))>>::RULE,
            login(Some(300), false),
        ),
        (
            <Any<((Write, SecondFactor), (Write, FreshLogin<300>))>>::RULE,
            None,
        ),
        (<Any<(Write, Erase)>>::RULE, None),
        (<Any<(Read, FreshLogin<300>)>>::RULE, None),
        (Member::<FreshLogin<300>>::RULE, None),
        (Rule::Any(&[]), None),
    ] {
        assert_eq!(step_up(&rule, &reader, &later), expected, "{rule}");
    }
    let inside = membership(&[], &[]);
    let member = DecisionContext {
        selected: Some(inside.organization),
        member: Some(&inside),
        ..later
    };
    let rule = Member::<(FreshLogin<300>, SecondFactor)>::RULE;
    assert_eq!(step_up(&rule, &reader, &member), login(Some(300), true));
}

/// Whether every node says what its parts say.
fn is_sound(node: &Explanation, rule: &Rule) -> bool {
    let parts = match rule {
        Rule::All(rules) | Rule::Any(rules) => rules,
        Rule::Member(rule) if !node.parts.is_empty() => std::slice::from_ref(*rule),
        _ => &[],
    };
    let holds = match rule {
        Rule::All(_) => node.parts.iter().all(|part| part.holds),
        Rule::Any(_) => node.parts.iter().any(|part| part.holds),
        Rule::Member(_) => node.parts.first().is_some_and(|part| part.holds),
        _ => node.holds,
    };
    node.holds == holds
        && node.parts.len() == parts.len()
        && node
            .parts
            .iter()
            .zip(parts)
            .all(|(part, rule)| is_sound(part, rule))
}

proptest! {
    // Shows: AZ-7
    #[test]
    fn an_explanation_never_disagrees_with_the_decision(rule in any_rule(), who in any_caller(), place in any_place()) {
        checks!("T075");
        let (who, context) = (who.principal(), place.context());
        let told = explain(&rule, &who, &context);
        let decided = decide(&rule, &who, &context);
        prop_assert_eq!(told.holds, decided.is_ok(), "{}", rule);
        prop_assert_eq!(&*told.code, decided.map_or_else(|denied| denied.code(), |()| "holds"));
        prop_assert!(is_sound(&told, &rule), "{:#?}", told);
        let kept: Explanation = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        prop_assert_eq!(kept, told);
    }

    /// A login that is asked for is one that lacks something, and what is satisfied asks for none.
    #[test]
    fn a_login_is_asked_for_only_where_the_rule_does_not_hold(rule in any_rule(), who in any_caller(), place in any_place()) {
        let (who, context) = (who.principal(), place.context());
        if let Some(login) = step_up(&rule, &who, &context) {
            prop_assert!(decide(&rule, &who, &context).is_err());
            prop_assert!(login.second_factor || login.max_age.is_some());
        }
    }
}
