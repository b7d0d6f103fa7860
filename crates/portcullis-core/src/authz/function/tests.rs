//! Functions beside other policies, in every combination.

use super::*;
use crate::authz::fixtures::{Auditor, Fixed, LOGIN, Read, principal};
use crate::authz::fixtures::{Export, Import};
use crate::authz::resource::Tenancy;
use crate::authz::{ActionName as _, Denied, Policy, Role, Rule};
use crate::checks;

static POST: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[],
    actions: &["decide-test:export", "decide-test:import"],
};

const EXPORT: &str = Export::NAME;
const IMPORT: &str = Import::NAME;

fn says(name: &'static str, verdict: Verdict) -> PolicyFunction {
    PolicyFunction::new(name, &[EXPORT], move |_| verdict)
}

fn beside(functions: Vec<PolicyFunction>, rest: Verdict) -> WithFunctions {
    WithFunctions::new(functions.into(), Arc::new(Fixed([rest, Verdict::Silent])))
}

fn both(policies: &WithFunctions, action: &str) -> (Verdict, Reasons) {
    let who = principal(&[], &[], None);
    let context = DecisionContext::at(LOGIN);
    let verdict = policies.decide(&who, &context, action, None);
    let reasons = policies.reasons(&who, &context, action, None);
    assert_eq!(verdict, reasons.verdict, "decision and reasons disagree");
    (verdict, reasons)
}

// Shows: AZ-4
#[test]
fn one_that_forbids_outweighs_all_that_permit_whichever_it_is() {
    checks!("T214");
    use Verdict::{Forbidden, Permitted, Silent};
    for (function, rest, expected) in [
        (Silent, Silent, Silent),
        (Silent, Permitted, Permitted),
        (Silent, Forbidden, Forbidden),
        (Permitted, Silent, Permitted),
        (Permitted, Permitted, Permitted),
        (Permitted, Forbidden, Forbidden),
        (Forbidden, Silent, Forbidden),
        (Forbidden, Permitted, Forbidden),
        (Forbidden, Forbidden, Forbidden),
    ] {
        let alone = beside(vec![says("one", function)], rest);
        assert_eq!(both(&alone, EXPORT).0, expected, "{function:?} beside {rest:?}");
        // In either order beside another function that permits.
        let lax = || says("lax", Permitted);
        for functions in [
            vec![says("one", function), lax()],
            vec![lax(), says("one", function)],
        ] {
            let expected = if expected == Silent { Permitted } else { expected };
            assert_eq!(both(&beside(functions, rest), EXPORT).0, expected);
        }
    }
}

// Shows: AZ-4
#[test]
fn reasons_name_functions_like_policies_of_a_file() {
    let functions = vec![
        says("permits", Verdict::Permitted),
        says("forbids", Verdict::Forbidden),
        says("silent", Verdict::Silent),
    ];
    let (_, reasons) = both(&beside(functions, Verdict::Permitted), EXPORT);
    assert_eq!(reasons.permitting, ["decide-test:export.Permitted", "permits"]);
    assert_eq!(reasons.forbidding, ["forbids"]);
    assert!(reasons.errors.is_empty());
}

#[test]
fn a_function_that_panics_forbids_and_is_named() {
    checks!("T214");
    let broken = PolicyFunction::new("broken", &[EXPORT], |_| panic!("oops"));
    let functions = vec![says("permits", Verdict::Permitted), broken];
    let (verdict, reasons) = both(&beside(functions, Verdict::Permitted), EXPORT);
    assert_eq!(verdict, Verdict::Forbidden);
    assert_eq!(reasons.forbidding, ["broken"]);
    assert_eq!(reasons.errors, ["broken: panicked"]);
}

#[test]
fn a_function_speaks_of_its_actions_and_of_no_other() {
    let policies = beside(vec![says("permits", Verdict::Permitted)], Verdict::Silent);
    assert_eq!(both(&policies, IMPORT).0, Verdict::Silent);
    let policies = beside(vec![says("forbids", Verdict::Forbidden)], Verdict::Permitted);
    assert_eq!(both(&policies, IMPORT).0, Verdict::Silent);
}

#[test]
fn a_list_by_its_action_shows_nothing_and_other_lists_are_as_before() {
    checks!("T215");
    let who = principal(&[], &[], None);
    let context = DecisionContext::at(LOGIN);
    #[derive(Debug)]
    struct Open;
    impl Policies for Open {
        fn decide(
            &self,
            _: &Principal,
            _: &DecisionContext<'_>,
            _: &str,
            _: Option<&ResourceFacts>,
        ) -> Verdict {
            Verdict::Permitted
        }
        fn reasons(
            &self,
            a: &Principal,
            b: &DecisionContext<'_>,
            c: &str,
            d: Option<&ResourceFacts>,
        ) -> Reasons {
            NoPolicies.reasons(a, b, c, d)
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
    for verdict in [Verdict::Permitted, Verdict::Silent, Verdict::Forbidden] {
        let policies = WithFunctions::new(vec![says("one", verdict)].into(), Arc::new(Open));
        let listed = policies.filters(&who, &context, EXPORT, &POST);
        assert_eq!(
            (listed.permitted, listed.forbidden),
            (Filter::Never, Filter::Always)
        );
        let other = policies.filters(&who, &context, IMPORT, &POST);
        assert_eq!(
            (other.permitted, other.forbidden),
            (Filter::Always, Filter::Never)
        );
    }
}

/// What a function asks of the caller counts the credential's scopes, as a route does.
#[test]
fn a_narrowed_credential_has_no_roles_in_a_function() {
    checks!("T216");
    let auditors = PolicyFunction::new("auditors", &[EXPORT], |question| {
        match question.holds::<Role<Auditor>>() {
            true => Verdict::Permitted,
            false => Verdict::Silent,
        }
    });
    let readers = PolicyFunction::new("readers", &[IMPORT], |question| match question.holds::<Read>() {
        true => Verdict::Permitted,
        false => Verdict::Silent,
    });
    let policies = beside(vec![auditors, readers], Verdict::Silent);
    let context = DecisionContext::at(LOGIN);
    let names = ["decide-test:read"];
    let read: &[&str] = &names;
    for (scopes, export, import) in [
        (None, Verdict::Permitted, Verdict::Permitted),
        (Some(read), Verdict::Silent, Verdict::Permitted),
        (Some([].as_slice()), Verdict::Silent, Verdict::Silent),
    ] {
        let who = principal(&names, &["auditor"], scopes);
        assert_eq!(
            policies.decide(&who, &context, EXPORT, None),
            export,
            "{scopes:?}"
        );
        assert_eq!(
            policies.decide(&who, &context, IMPORT, None),
            import,
            "{scopes:?}"
        );
    }
}

/// A function that asks about an action would ask itself, for ever.
#[test]
fn a_function_asks_no_policies() {
    let again = PolicyFunction::new("again", &[EXPORT], |question| {
        match question.holds::<Policy<Export>>() {
            true => Verdict::Permitted,
            false => Verdict::Silent,
        }
    });
    let policies = beside(vec![again], Verdict::Silent);
    let who = principal(&[], &[], None);
    let context = DecisionContext {
        policies: &policies,
        ..DecisionContext::at(LOGIN)
    };
    let refused = decide(&Rule::Policy(EXPORT), &who, &context);
    assert!(matches!(refused, Err(Denied::NoPolicyPermits(EXPORT))));
}

/// Whether the same policies are in force is found out by comparing snapshots.
#[test]
fn a_snapshot_is_the_same_as_long_as_what_is_beside_the_functions() {
    #[derive(Debug)]
    struct Swapped(Mutex<Arc<dyn Policies>>);
    impl Policies for Swapped {
        fn snapshot(&self) -> Option<Arc<dyn Policies>> {
            Some(Arc::clone(&self.0.lock().unwrap()))
        }
        fn decide(
            &self,
            _: &Principal,
            _: &DecisionContext<'_>,
            _: &str,
            _: Option<&ResourceFacts>,
        ) -> Verdict {
            Verdict::Silent
        }
        fn reasons(
            &self,
            a: &Principal,
            b: &DecisionContext<'_>,
            c: &str,
            d: Option<&ResourceFacts>,
        ) -> Reasons {
            NoPolicies.reasons(a, b, c, d)
        }
        fn filters(
            &self,
            a: &Principal,
            b: &DecisionContext<'_>,
            c: &str,
            d: &'static ResourceKind,
        ) -> PolicyFilters {
            NoPolicies.filters(a, b, c, d)
        }
    }
    let held = |verdict| Arc::new(Fixed([verdict, Verdict::Silent]));
    let swapped = Arc::new(Swapped(Mutex::new(held(Verdict::Silent))));
    let functions = vec![says("permits", Verdict::Permitted)];
    let policies = WithFunctions::new(functions.into(), Arc::clone(&swapped) as _);
    let (one, two) = (policies.snapshot().unwrap(), policies.snapshot().unwrap());
    assert!(Arc::ptr_eq(&one, &two));
    *swapped.0.lock().unwrap() = held(Verdict::Forbidden);
    let three = policies.snapshot().unwrap();
    assert!(!Arc::ptr_eq(&one, &three));
    let who = principal(&[], &[], None);
    let context = DecisionContext::at(LOGIN);
    assert_eq!(one.decide(&who, &context, EXPORT, None), Verdict::Permitted);
    assert_eq!(three.decide(&who, &context, EXPORT, None), Verdict::Forbidden);
    assert!(
        WithFunctions::new(Arc::new([]), Arc::new(NoPolicies))
            .snapshot()
            .is_none()
    );
}

#[test]
fn functions_that_are_wrong_by_themselves_are_refused() {
    let of = |name, actions: &[&'static str]| PolicyFunction::new(name, actions, |_| Verdict::Silent);
    let good = || of("good", &[EXPORT]);
    assert_eq!(check(&[good(), of("other", &[EXPORT, IMPORT])]), Ok(()));
    assert_eq!(
        check(&[good(), good()]),
        Err(InvalidFunction::Twice("good".into()))
    );
    assert_eq!(
        check(&[of("none", &[])]),
        Err(InvalidFunction::NoAction("none".into()))
    );
    let action = InvalidFunction::Action {
        function: "slip".into(),
        action: "export".into(),
    };
    assert_eq!(check(&[of("slip", &[EXPORT, "export"])]), Err(action));
    for name in [
        "",
        "two\nlines",
        "a-name-of-sixty-five-characters-is-one-more-than-there-may-be-in-it",
    ] {
        assert_eq!(
            check(&[of(name, &[EXPORT])]),
            Err(InvalidFunction::Name(name.into())),
            "{name:?}"
        );
    }
}
