use proptest::prelude::*;

use super::*;
use crate::account::AccountState;
use crate::authz::fixtures::*;
use crate::authz::{
    Any, FreshLogin, Member, MembersRead, Membership, Policy, Requirement, Role, RolesRead, SecondFactor,
    Unscoped, decide,
};
use crate::checks;
use crate::roles;

roles! { Administrator = "administrator"; }

/// The account of [`principal`] as a person or as a service account, with a single factor.
fn imagined(kind: account::AccountKind, refused: Option<Refused>) -> Imagined {
    let made = principal(&["decide-test:read"], &["auditor"], None);
    let mut facts = Facts::clone(&made.facts);
    facts.account.kind = kind;
    Imagined::new(
        Arc::new(facts),
        Assurance::SingleFactor,
        &DecisionContext::at(LOGIN),
        refused,
    )
}

fn outlook<R: Requirement>(
    who: &Imagined,
    kinds: Kinds,
    context: &DecisionContext<'_>,
) -> (Option<bool>, String) {
    let asked = Asked {
        rule: R::RULE,
        kinds: Some(kinds),
    };
    let outlook = who.outlook(&asked, context);
    (outlook.allowed, outlook.code)
}

fn check<R: Requirement>(
    who: &Imagined,
    context: &DecisionContext<'_>,
    (allowed, code): (impl Into<Option<bool>>, &str),
) {
    let told = outlook::<R>(who, Kinds::DEFAULT, context);
    assert_eq!(told, (allowed.into(), code.to_owned()), "{}", R::RULE);
}

const DEPENDENT: (Option<bool>, &str) = (None, "depends_on_organization");

#[test]
fn without_an_organization_nothing_is_denied_that_some_organization_could_give() {
    let anna = imagined(account::AccountKind::Person, None);
    let nowhere = DecisionContext::at(LOGIN);
    check::<Member>(&anna, &nowhere, DEPENDENT);
    check::<Member<(Write, Role<Editor>)>>(&anna, &nowhere, DEPENDENT);
    check::<(Member, Policy<Export>)>(&anna, &nowhere, DEPENDENT);
    check::<Any<(Write, Member)>>(&anna, &nowhere, DEPENDENT);
    // What is decided without one.
    check::<Any<(Read, Member)>>(&anna, &nowhere, (true, "holds"));
    check::<(Member, Write)>(&anna, &nowhere, (false, "missing_permission"));
    check::<Member<SecondFactor>>(&anna, &nowhere, (false, "second_factor_required"));
    check::<Any<(Write, Member<SecondFactor>)>>(&anna, &nowhere, (false, "no_alternative"));
    check::<Policy<Export>>(&anna, &nowhere, (false, "no_policy_permits"));
    // No organization gives what is the server's.
    check::<Member<RolesRead>>(&anna, &nowhere, (false, "missing_permission"));
    check::<Member<Role<Administrator>>>(&anna, &nowhere, (false, "missing_role"));
}

#[test]
fn a_named_organization_decides_and_counts_only_where_one_is_asked_for() {
    let anna = imagined(account::AccountKind::Person, None);
    let inside = membership(&["decide-test:write"], &[]);
    let selected = |member: Option<&'static Membership>, suspended| DecisionContext {
        selected: Some(inside.organization),
        member,
        suspended,
        ..DecisionContext::at(LOGIN)
    };
    let here: &'static _ = Box::leak(Box::new(inside.clone()));
    check::<Member<Write>>(&anna, &selected(Some(here), false), (true, "holds"));
    check::<Member<Read>>(&anna, &selected(Some(here), false), (false, "missing_permission"));
    check::<Write>(&anna, &selected(Some(here), false), (false, "missing_permission"));
    check::<Member>(&anna, &selected(None, true), (false, "organization_suspended"));
    check::<Member>(&anna, &selected(None, false), (false, "not_a_member"));
    // A request to a route that asks for no member selects no organization, whatever its headers say.
    let asked = Asked {
        rule: Write::RULE,
        kinds: Some(Kinds::DEFAULT),
    };
    let outlook = anna.outlook(&asked, &selected(Some(here), false));
    assert_eq!(outlook.explanation.within, "account");
}

// Shows: AK-4
#[test]
fn a_service_account_never_logs_in() {
    checks!("T077");
    let service = imagined(account::AccountKind::Service, None);
    let nowhere = DecisionContext::at(LOGIN);
    check::<Read>(&service, &nowhere, (true, "holds"));
    check::<FreshLogin<300>>(&service, &nowhere, (false, "login_too_old"));
    check::<SecondFactor>(&service, &nowhere, (false, "second_factor_required"));
    check::<Role<Auditor>>(&service, &nowhere, (false, "missing_role"));
    check::<Unscoped>(&service, &nowhere, (false, "insufficient_scope"));
    check::<Member<Role<Auditor>>>(&service, &nowhere, (false, "missing_role"));
    // A key may carry what a membership gives, but nothing of Portcullis' own that its account hasn't everywhere.
    check::<Member<Read>>(&service, &nowhere, DEPENDENT);
    check::<Member<Write>>(&service, &nowhere, DEPENDENT);
    check::<Member<MembersRead>>(&service, &nowhere, (false, "insufficient_scope"));
    let person = imagined(account::AccountKind::Person, None);
    let key = Kinds::of(&[CredentialKind::ApiKey]);
    for (who, kinds, allowed) in [
        (&service, Kinds::PERSONAL, false),
        (&service, Kinds::of(&[CredentialKind::Basic]), false),
        (&service, key, true),
        (&service, Kinds::ALL, true),
        (&person, key, false),
        (&person, Kinds::of(&[CredentialKind::Jwt]), true),
    ] {
        let code = if allowed {
            "holds"
        } else {
            "credential_not_accepted"
        };
        assert_eq!(
            outlook::<Read>(who, kinds, &nowhere),
            (Some(allowed), code.to_owned()),
            "{kinds:?}"
        );
    }
}

#[test]
fn whoever_is_refused_everywhere_may_only_what_strangers_may() {
    let locked = imagined(
        account::AccountKind::Person,
        Some(Refused::Account(AccountState::Locked)),
    );
    let nowhere = DecisionContext::at(LOGIN);
    check::<Read>(&locked, &nowhere, (false, "account_refused"));
    check::<Member>(&locked, &nowhere, (false, "account_refused"));
    let open = Asked {
        rule: Rule::Public,
        kinds: None,
    };
    let outlook = locked.outlook(&open, &nowhere);
    assert_eq!((outlook.allowed, &*outlook.code), (Some(true), "holds"));
}

proptest! {
    // Shows: AZ-7
    /// "No" is said only where no organization and no policy would help, "yes" only of what holds.
    #[test]
    fn a_dry_run_never_denies_what_some_place_allows(
        rule in any_rule(),
        who in any_caller(),
        place in any_place(),
        service: bool,
    ) {
        let mut facts = Facts::clone(&who.principal().facts);
        facts.account.kind = if service { account::AccountKind::Service } else { account::AccountKind::Person };
        let now = place.context();
        let nowhere = DecisionContext { selected: None, member: None, suspended: false, ..now };
        let imagined = Imagined::new(Arc::new(facts), Assurance::SingleFactor, &now, None);
        let asked = Asked { rule, kinds: None };
        let told = imagined.outlook(&asked, &nowhere).allowed;
        prop_assert_eq!(told == Some(true), decide(&rule, &imagined.principal, &nowhere).is_ok());
        let named = imagined.outlook(&asked, &now);
        if now.selected.is_some() {
            let here = if rule.needs_organization() { &now } else { &nowhere };
            prop_assert_eq!(named.allowed, Some(decide(&rule, &imagined.principal, here).is_ok()));
        }
        if told == Some(false) {
            prop_assert_ne!(named.allowed, Some(true));
        }
    }
}
