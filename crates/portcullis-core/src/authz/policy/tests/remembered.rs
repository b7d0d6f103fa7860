//! A remembered decision is the one that would be made.

use proptest::prelude::*;

use super::*;
use crate::authz::policy::Live;
use crate::checks;

/// How many decisions the set remembers after these were asked for.
fn remembered(condition: &str) -> usize {
    let set = set(&format!(
        "permit(principal, action == Action::\"reports:export\", resource) when {{ {condition} }};
         permit(principal, action == Action::\"reports:read\", resource) when {{ context has ip }};"
    ));
    set.decide(&caller().principal(), &now(), "reports:export", None);
    set.remembered()
}

#[test]
fn only_what_account_and_credential_decide_is_remembered() {
    checks!("T062");
    for (condition, expected) in [
        ("true", 1),
        ("principal in Role::\"editor\"", 1),
        ("principal has email && principal.email like \"*@example.com\"", 1),
        ("context.mfa", 1),
        ("context.credential == \"jwt\"", 1),
        (
            "context.permissions.contains(\"posts:read\") && !context.scoped",
            1,
        ),
        ("context.now < datetime(\"2030-01-01\")", 0),
        ("context has ip", 0),
        ("context has user_agent", 0),
        ("context has login_age_seconds", 0),
        ("context has organization", 0),
        ("context.org_roles.contains(\"owner\")", 0),
        ("resource == Application::\"application\"", 0),
        ("resource is Application", 0),
        ("{a: context}.a.mfa", 0),
        ("if context.mfa then true else context has ip", 0),
        ("[context.now].contains(context.now)", 0),
    ] {
        assert_eq!(remembered(condition), expected, "{condition}");
    }
}

#[test]
fn a_narrowed_credential_is_never_remembered() {
    checks!("T062");
    let set = set("permit(principal, action, resource);");
    let narrowed = Caller {
        scopes: Scopes::Only(Vec::new()),
        ..caller()
    };
    set.decide(&narrowed.principal(), &now(), "reports:export", None);
    assert_eq!(set.remembered(), 0);
}

#[test]
fn a_changed_account_and_a_changed_set_are_decided_anew() {
    checks!("T062");
    let text = "permit(principal in Role::\"editor\", action == Action::\"reports:export\", resource);";
    let live = Live::new();
    live.put(set(text));
    let decide = |who: &Principal| live.decide(who, &now(), "reports:export", None);
    let editor = caller().principal();
    let factors = set("permit(principal, action, resource) when { context.mfa };");
    let mut login = caller().principal();
    for (assurance, verdict) in [
        (Assurance::SingleFactor, Verdict::Silent),
        (Assurance::MultiFactor, Verdict::Permitted),
        (Assurance::SingleFactor, Verdict::Silent),
    ] {
        // The same account by another login.
        login.assurance = Some(assurance);
        assert_eq!(factors.decide(&login, &now(), "reports:export", None), verdict);
    }
    assert_eq!(factors.remembered(), 2);
    for _ in 0..2 {
        assert_eq!(decide(&editor), Verdict::Permitted);
    }
    let mut former = caller();
    Arc::make_mut(&mut former.facts.rights).roles.clear();
    // The same facts' place in memory may come back once nobody holds them: the set holds them.
    for _ in 0..100 {
        assert_eq!(decide(&former.principal()), Verdict::Silent);
        assert_eq!(decide(&caller().principal()), Verdict::Permitted);
    }
    live.put(set("// nothing"));
    assert_eq!(decide(&editor), Verdict::Silent);
}

#[test]
fn what_is_remembered_is_bounded() {
    let set = set("permit(principal, action, resource);");
    for _ in 0..15_000 {
        set.decide(&caller().principal(), &now(), "reports:export", None);
    }
    assert!((1..=10_000).contains(&set.remembered()), "{}", set.remembered());
}

fn conditions() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "true",
        "principal in Role::\"editor\"",
        "principal is Account in Role::\"auditor\"",
        "principal.state == \"active\"",
        "principal has email",
        "principal.email_verified",
        "context.credential == \"api-key\"",
        "context.mfa",
        "context.scoped",
        "context.permissions.contains(\"posts:write\")",
        "context has organization",
        "context.org_roles.contains(\"owner\")",
        "context has login_age_seconds && context.login_age_seconds < 90",
        "context has ip && context.ip.isLoopback()",
        "context.now < datetime(\"2023-11-14T22:14:20Z\")",
        "principal == Account::\"00000000-0000-0000-0000-000000000001\"",
    ])
}

fn policies() -> impl Strategy<Value = String> {
    let policy =
        (any::<bool>(), any::<bool>(), conditions(), conditions()).prop_map(|(permit, only, a, b)| {
            let effect = if permit { "permit" } else { "forbid" };
            let action = if only {
                "action == Action::\"reports:export\""
            } else {
                "action"
            };
            format!("{effect}(principal, {action}, resource) when {{ {a} }} unless {{ !({b}) }};\n")
        });
    proptest::collection::vec(policy, 1..4).prop_map(|policies| policies.concat())
}

fn callers() -> impl Strategy<Value = Caller> {
    let roles = proptest::sample::subsequence(vec!["auditor", "editor"], 0..=2);
    let kinds = proptest::sample::select(CredentialKind::ALL.to_vec());
    (
        roles,
        kinds,
        any::<bool>(),
        any::<bool>(),
        1..3_u128,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(roles, kind, scoped, login, id, writes, twice)| {
            let mut who = caller();
            who.facts.account.id = account(id);
            Arc::make_mut(&mut who.facts.rights).roles = roles.into_iter().map(str::to_owned).collect();
            Arc::make_mut(&mut who.facts.rights)
                .permission_names
                .truncate(if writes { 2 } else { 1 });
            who.kind = kind;
            if twice {
                who.assurance = Assurance::MultiFactor;
            }
            who.login = login.then_some(LOGIN);
            if scoped {
                who.scopes = Scopes::Only(vec!["posts:write".to_owned()]);
            }
            who
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn remembering_changes_no_decision(
        text in policies(),
        who in proptest::collection::vec(callers(), 1..5),
        asked in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0..120_i64, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
            1..24,
        ),
    ) {
        let set = set(&text);
        // One set of facts for each, as the directory shares them.
        let principals: Vec<Principal> = who.iter().map(Caller::principal).collect();
        let owner = member(7, &["owner"]);
        for (index, seconds, local, inside, export, on_post) in asked {
            let principal = index.get(&principals);
            let decision = DecisionContext {
                now: Timestamp::from_seconds(LOGIN.as_seconds() + seconds),
                ip: local.then(|| IpAddr::from([127, 0, 0, 1])),
                member: inside.then_some(&owner),
                ..now()
            };
            let row = post();
            let (action, resource) = match (on_post, export) {
                (true, _) => ("posts:edit", Some(&row)),
                (false, true) => ("reports:export", None),
                (false, false) => ("reports:read", None),
            };
            let verdict = set.decide(principal, &decision, action, resource);
            // Reasons are never remembered.
            let reasons = set.reasons(principal, &decision, action, resource);
            prop_assert_eq!(verdict, reasons.verdict, "{}{}", text, action);
        }
    }
}
