use Verdict::{Forbidden, Permitted, Silent};

use super::*;
use crate::authz::policy::Live;
use crate::authz::{Filter, PolicyFilters};
use crate::checks;

const EXPORT: &str = "permit(principal, action == Action::\"reports:export\", resource)";

#[track_caller]
fn check(text: &str, who: &Caller, decision: &DecisionContext<'_>, expected: Verdict) {
    let set = set(text);
    let principal = who.principal();
    let verdict = set.decide(&principal, decision, "reports:export", None);
    assert_eq!(verdict, expected, "{text}");
    let again = set.decide(&principal, decision, "reports:export", None);
    assert_eq!(again, expected, "remembered: {text}");
    let reasons = set.reasons(&principal, decision, "reports:export", None);
    assert_eq!(reasons.verdict, expected, "{text}");
}

/// `condition` of a policy that permits.
#[track_caller]
fn when(condition: &str, who: &Caller, decision: &DecisionContext<'_>, expected: bool) {
    let expected = if expected { Permitted } else { Silent };
    check(
        &format!("{EXPORT} when {{ {condition} }};"),
        who,
        decision,
        expected,
    );
}

#[test]
fn one_that_forbids_outweighs_all_that_permit() {
    checks!("T060");
    let permits = format!("{EXPORT};");
    let forbids = "forbid(principal, action == Action::\"reports:export\", resource);";
    check(forbids, &caller(), &now(), Forbidden);
    check(&format!("{permits}{forbids}"), &caller(), &now(), Forbidden);
    check(&format!("{permits}{permits}"), &caller(), &now(), Permitted);
    check(
        "permit(principal, action == Action::\"reports:read\", resource);",
        &caller(),
        &now(),
        Silent,
    );
}

#[test]
fn a_forbid_that_fails_forbids_and_a_permit_that_fails_does_not_permit() {
    checks!("T060");
    let overflow = "context has login_age_seconds && context.login_age_seconds + 9223372036854775807 > 0";
    when(overflow, &caller(), &now(), false);
    let failing = format!("forbid(principal, action, resource is Application) when {{ {overflow} }};");
    check(&format!("{EXPORT};{failing}"), &caller(), &now(), Forbidden);
    let set = set(&format!("{EXPORT}; @id(\"broken\") {failing}"));
    let reasons = set.reasons(&caller().principal(), &now(), "reports:export", None);
    assert_eq!(reasons.permitting, ["a.cedar:1"]);
    assert_eq!(reasons.forbidding, ["broken"]);
    assert_eq!(reasons.errors.len(), 1);
    // Without a login there is nothing that overflows.
    let key = Caller {
        login: None,
        ..caller()
    };
    check(&format!("{EXPORT};{failing}"), &key, &now(), Permitted);
}

#[test]
fn a_credential_narrowed_by_scopes_has_no_roles() {
    checks!("T058");
    let editor = caller();
    let narrowed = Caller {
        scopes: Scopes::Only(vec!["posts:read".to_owned()]),
        ..caller()
    };
    for (condition, whole, part) in [
        ("principal in Role::\"editor\"", true, false),
        ("principal in [Role::\"editor\", Role::\"x\"]", true, false),
        ("principal is Account in Role::\"editor\"", true, false),
        ("principal in Role::\"administrator\"", false, false),
        ("context.permissions.contains(\"posts:write\")", true, false),
        ("context.permissions.contains(\"posts:read\")", true, true),
        ("context.permissions.contains(\"posts:erase\")", false, false),
        ("context.scoped", false, true),
    ] {
        when(condition, &editor, &now(), whole);
        when(condition, &narrowed, &now(), part);
    }
    let scope = "permit(principal in Role::\"editor\", action == Action::\"reports:export\", resource);";
    check(scope, &editor, &now(), Permitted);
    check(scope, &narrowed, &now(), Silent);
}

#[test]
fn the_organization_is_the_one_whose_member_the_caller_is() {
    checks!("T059");
    let condition = format!(
        "context has organization && context.organization == Organization::\"{}\"",
        tenant(7)
    );
    let (inside, elsewhere) = (member(7, &["owner"]), member(8, &[]));
    let selecting = |member| DecisionContext {
        selected: Some(tenant(7)),
        member,
        ..now()
    };
    when(&condition, &caller(), &selecting(None), false);
    when(&condition, &caller(), &selecting(Some(&elsewhere)), false);
    when(&condition, &caller(), &selecting(Some(&inside)), true);
    let owner = "context.org_roles.contains(\"owner\")";
    when(owner, &caller(), &selecting(None), false);
    when(owner, &caller(), &selecting(Some(&elsewhere)), false);
    when(owner, &caller(), &selecting(Some(&inside)), true);
    let narrowed = Caller {
        scopes: Scopes::Only(Vec::new()),
        ..caller()
    };
    when(owner, &narrowed, &selecting(Some(&inside)), false);
}

#[test]
fn circumstances_count_from_boundary_to_boundary() {
    let at = |seconds: i64| DecisionContext::at(Timestamp::from_seconds(LOGIN.as_seconds() + seconds));
    let before = "context.now < datetime(\"2023-11-14T22:14:20Z\")";
    when(before, &caller(), &at(59), true);
    when(before, &caller(), &at(60), false);
    let fresh = "context has login_age_seconds && context.login_age_seconds < 300";
    when(fresh, &caller(), &at(299), true);
    when(fresh, &caller(), &at(300), false);
    // A clock that went back.
    when(fresh, &caller(), &at(-5), true);
    let inside = "context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))";
    for (address, expected) in [
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("::ffff:10.0.0.1", true),
        ("::1", false),
    ] {
        when(inside, &caller(), &from(address), expected);
    }
    when(inside, &caller(), &now(), false);
    let agent = DecisionContext {
        user_agent: Some("curl/8"),
        ..now()
    };
    let curl = "context has user_agent && context.user_agent like \"curl/*\"";
    when(curl, &caller(), &agent, true);
    when(curl, &caller(), &now(), false);
}

#[test]
fn keys_and_stored_passwords_have_no_login() {
    for kind in CredentialKind::ALL {
        let who = Caller { kind, ..caller() };
        when("context has login_age_seconds", &who, &now(), kind.is_personal());
        when("context.mfa", &who, &now(), false);
        let twice = Caller {
            assurance: Assurance::MultiFactor,
            ..who.clone()
        };
        when("context.mfa", &twice, &now(), kind.is_personal());
        when(
            &format!("context.credential == \"{}\"", kind.as_str()),
            &who,
            &now(),
            true,
        );
    }
}

#[test]
fn the_account_is_as_it_is_stored() {
    let who = caller();
    when(
        "principal has email && principal.email == \"anna@example.com\"",
        &who,
        &now(),
        true,
    );
    when("principal has username", &who, &now(), false);
    when("principal.email_verified", &who, &now(), false);
    when("principal.state == \"active\"", &who, &now(), true);
    when(
        &format!("principal == Account::\"{}\"", account(1)),
        &who,
        &now(),
        true,
    );
    when(
        &format!("principal == Account::\"{}\"", account(2)),
        &who,
        &now(),
        false,
    );
    when(
        "(if context.mfa then principal else principal).state == \"active\"",
        &who,
        &now(),
        true,
    );
    when("{who: principal}.who.state == \"active\"", &who, &now(), true);
    when("{a: context}.a.credential == \"jwt\"", &who, &now(), true);
}

#[test]
fn a_resource_that_is_not_what_was_declared_is_forbidden() {
    let set = set("permit(principal, action, resource);");
    let decide =
        |action, facts: &ResourceFacts| set.decide(&caller().principal(), &now(), action, Some(facts));
    assert_eq!(decide("posts:edit", &post()), Permitted);
    let mut lacking = post();
    lacking.fields.remove("draft");
    assert_eq!(decide("posts:edit", &lacking), Forbidden);
    let mut mistyped = post();
    mistyped.fields.insert("score", Value::Text("9".to_owned()));
    assert_eq!(decide("posts:edit", &mistyped), Forbidden);
    assert_eq!(decide("notes:read", &post()), Forbidden);
    assert_eq!(decide("posts:erase", &post()), Forbidden);
    static OTHER: ResourceKind = ResourceKind {
        name: "Post",
        tenancy: Tenancy::Anywhere,
        fields: &[],
        actions: &["posts:edit"],
    };
    let other = ResourceFacts {
        kind: &OTHER,
        ..post()
    };
    assert_eq!(decide("posts:edit", &other), Forbidden);
    let whole = set.reasons(&caller().principal(), &now(), "posts:edit", None);
    assert_eq!(whole.verdict, Forbidden);
    assert_eq!(
        whole.errors,
        ["the action `posts:edit` on `Application` isn't declared"]
    );
}

#[test]
fn a_resource_is_decided_by_its_owner_and_fields() {
    let set = set(
        "permit(principal, action == Action::\"posts:edit\", resource) when { resource has owner && resource.owner == principal };
         forbid(principal, action, resource is Post) when { resource.tags.contains(\"frozen\") };
         permit(principal, action == Action::\"posts:read\", resource is Note);",
    );
    let decide =
        |action, facts: &ResourceFacts| set.decide(&caller().principal(), &now(), action, Some(facts));
    assert_eq!(decide("posts:edit", &post()), Permitted);
    assert_eq!(decide("posts:read", &post()), Silent);
    let foreign = ResourceFacts {
        owner: Some(account(9)),
        ..post()
    };
    assert_eq!(decide("posts:edit", &foreign), Silent);
    let ownerless = ResourceFacts {
        owner: None,
        ..post()
    };
    assert_eq!(decide("posts:edit", &ownerless), Silent);
    let mut frozen = post();
    frozen
        .fields
        .insert("tags", Value::TextSet([String::from("frozen")].into()));
    assert_eq!(decide("posts:edit", &frozen), Forbidden);
    let note = ResourceFacts {
        kind: &NOTE,
        id: "n1".to_owned(),
        owner: None,
        organization: None,
        fields: BTreeMap::new(),
    };
    assert_eq!(decide("posts:read", &note), Permitted);
}

#[test]
fn until_a_set_is_in_force_everything_is_forbidden() {
    checks!("T060");
    let live = Live::new();
    let who = caller().principal();
    assert_eq!(live.decide(&who, &now(), "reports:export", None), Forbidden);
    assert_eq!(
        live.reasons(&who, &now(), "reports:export", None).verdict,
        Forbidden
    );
    assert_eq!(
        live.filters(&who, &now(), "posts:read", &POST),
        PolicyFilters {
            permitted: Filter::Never,
            forbidden: Filter::Always,
        }
    );
    live.put(set(&format!("{EXPORT};")));
    assert_eq!(live.decide(&who, &now(), "reports:export", None), Permitted);
    live.put(set(""));
    assert_eq!(live.decide(&who, &now(), "reports:export", None), Silent);
}
