//! A list and the decisions about its rows agree.

use proptest::prelude::*;

use super::*;
use crate::authz::resource::{Comparison, Filter, ORGANIZATION, OWNER};
use crate::authz::{Policies, PolicyFilters};
use crate::checks;

#[track_caller]
fn permitted(condition: &str, expected: &Filter) {
    let text = format!(
        "permit(principal, action == Action::\"posts:read\", resource is Post) when {{ {condition} }};"
    );
    let set = set(&text);
    let filters = set.filters(&caller().principal(), &now(), "posts:read", &POST);
    assert_eq!(filters.permitted, *expected, "{condition}");
    assert_eq!(filters.forbidden, undeclared(), "{condition}");
    let noted: Vec<_> = set
        .notes()
        .iter()
        .filter(|note| note.message.contains("listed"))
        .collect();
    assert_eq!(noted, Vec::<&super::super::Flaw>::new());
}

/// What is forbidden though no policy says so: rows without what every post has.
fn undeclared() -> Filter {
    Filter::any(without())
}

fn without() -> impl Iterator<Item = Filter> {
    ["title", "draft", "size", "tags"]
        .into_iter()
        .map(|name| Filter::Present(name).negated())
}

fn size(how: Comparison, number: i64) -> Filter {
    Filter::Compare("size", how, Value::Long(number))
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn what_remains_of_a_policy_is_said_as_a_filter() {
    let draft = || Filter::Compare("draft", Comparison::Equal, Value::Bool(true));
    let text = |text: &str| Value::Text(text.to_owned());
    let pattern = |pieces: &[&str]| {
        crate::authz::resource::Pattern(pieces.iter().map(|&piece| piece.to_owned()).collect())
    };
    for (condition, expected) in [
        ("true".to_owned(), Filter::Always),
        ("context.mfa".to_owned(), Filter::Never),
        ("principal in Role::\"editor\"".to_owned(), Filter::Always),
        (
            "principal in Role::\"editor\" && resource.draft".to_owned(),
            draft(),
        ),
        (
            "principal in Role::\"nobody\" || resource.draft".to_owned(),
            draft(),
        ),
        ("!resource.draft".to_owned(), draft().negated()),
        (
            "resource.draft == false".to_owned(),
            Filter::Compare("draft", Comparison::Equal, Value::Bool(false)),
        ),
        ("resource.size < 5".to_owned(), size(Comparison::Less, 5)),
        ("resource.size <= 5".to_owned(), size(Comparison::LessOrEqual, 5)),
        (
            "resource.size > 5".to_owned(),
            size(Comparison::LessOrEqual, 5).negated(),
        ),
        ("5 >= resource.size".to_owned(), size(Comparison::LessOrEqual, 5)),
        (
            "5 < resource.size".to_owned(),
            size(Comparison::LessOrEqual, 5).negated(),
        ),
        (
            "context has login_age_seconds && resource.size < context.login_age_seconds + 1".to_owned(),
            size(Comparison::Less, 61),
        ),
        (
            "resource.id == \"p1\"".to_owned(),
            Filter::Ids(vec!["p1".to_owned()]),
        ),
        (
            "resource == Post::\"p1\"".to_owned(),
            Filter::Ids(vec!["p1".to_owned()]),
        ),
        (
            "resource in [Post::\"p1\", Post::\"p2\"]".to_owned(),
            Filter::Any(vec![
                Filter::Ids(vec!["p1".to_owned()]),
                Filter::Ids(vec!["p2".to_owned()]),
            ]),
        ),
        ("resource is Post".to_owned(), Filter::Always),
        ("resource has owner".to_owned(), Filter::Present(OWNER)),
        (
            "resource has owner && resource.owner == principal".to_owned(),
            Filter::All(vec![Filter::Present(OWNER), Filter::OwnedBy(account(1))]),
        ),
        (
            "resource has owner && principal in resource.owner".to_owned(),
            Filter::All(vec![Filter::Present(OWNER), Filter::OwnedBy(account(1))]),
        ),
        (
            "resource has editor && [resource.editor].contains(principal)".to_owned(),
            Filter::All(vec![
                Filter::Present("editor"),
                Filter::Compare("editor", Comparison::Equal, Value::Account(account(1))),
            ]),
        ),
        (
            "resource has organization".to_owned(),
            Filter::Present(ORGANIZATION),
        ),
        (
            "resource.title == \"x\"".to_owned(),
            Filter::Compare("title", Comparison::Equal, text("x")),
        ),
        (
            "resource.title like \"a*b\"".to_owned(),
            Filter::Like("title", pattern(&["a", "b"])),
        ),
        (
            "resource.title like \"a\\*b\"".to_owned(),
            Filter::Like("title", pattern(&["a*b"])),
        ),
        (
            "[\"x\", \"y\"].contains(resource.title)".to_owned(),
            Filter::OneOf("title", vec![text("x"), text("y")]),
        ),
        (
            "context.permissions.contains(resource.title)".to_owned(),
            Filter::OneOf("title", vec![text("posts:read"), text("posts:write")]),
        ),
        (
            "context.org_roles.contains(resource.title)".to_owned(),
            Filter::Never,
        ),
        (
            "resource.tags.contains(\"a\")".to_owned(),
            Filter::Contains("tags", "a".to_owned()),
        ),
        (
            "resource.tags.containsAll([\"a\"])".to_owned(),
            Filter::Contains("tags", "a".to_owned()),
        ),
        (
            "resource.tags.containsAny(context.org_roles)".to_owned(),
            Filter::Never,
        ),
        (
            "resource.tags.containsAll(context.org_roles)".to_owned(),
            Filter::Always,
        ),
        (
            "[\"a\"].containsAny(resource.tags)".to_owned(),
            Filter::Contains("tags", "a".to_owned()),
        ),
        (
            "if resource.draft then resource.size < 5 else false".to_owned(),
            Filter::All(vec![draft(), size(Comparison::Less, 5)]),
        ),
    ] {
        permitted(&condition, &expected);
    }
}

#[test]
fn a_forbid_that_would_fail_forbids_where_it_would() {
    checks!("T060");
    let overflow = "context has login_age_seconds && context.login_age_seconds + 9223372036854775807 > 0";
    let lists = |text: &str| set(text).filters(&caller().principal(), &now(), "posts:read", &POST);
    let head = "(principal, action == Action::\"posts:read\", resource is Post)";
    let draft = Filter::Compare("draft", Comparison::Equal, Value::Bool(true));
    for (condition, forbidden) in [
        (overflow.to_owned(), Filter::Always),
        (format!("resource.draft && ({overflow})"), draft.clone()),
        (format!("resource.draft || ({overflow})"), Filter::Always),
        (
            format!("!(resource.draft && ({overflow}))"),
            // True where it is no draft, failing where it is one.
            Filter::Always,
        ),
    ] {
        let both = lists(&format!(
            "permit{head} when {{ {condition} }}; forbid{head} when {{ {condition} }};"
        ));
        let forbidden = Filter::any([forbidden].into_iter().chain(without()));
        assert_eq!(both.forbidden, forbidden, "{condition}");
    }
    let failing = lists(&format!(
        "permit{head} when {{ resource.draft && ({overflow}) }};"
    ));
    assert_eq!(failing.permitted, Filter::Never);
}

#[test]
fn what_no_filter_can_say_permits_nothing_forbids_everything_and_is_noted() {
    checks!("T060");
    let head = "(principal, action == Action::\"posts:read\", resource is Post)";
    for condition in [
        "resource.size + 1 < 5",
        "resource.title == resource.id",
        "resource.tags == [\"a\"]",
        "resource.tags.isEmpty()",
        "[resource.title] == [\"x\"]",
        "[resource.title].containsAll([\"x\"])",
        "resource.id like \"p*\"",
        "[[\"a\"]].contains(resource.tags)",
        "[\"a\"].containsAll(resource.tags)",
        "(if resource.draft then 1 else 2) == 1",
        "resource has owner && resource has editor && resource.owner == resource.editor",
        "resource.draft == resource.tags.contains(\"x\")",
    ] {
        let text = format!("permit{head} when {{ {condition} }}; forbid{head} when {{ {condition} }};");
        let set = set(&text);
        let filters = set.filters(&caller().principal(), &now(), "posts:read", &POST);
        assert_eq!(
            filters,
            PolicyFilters {
                permitted: Filter::Never,
                forbidden: Filter::Always
            },
            "{condition}"
        );
        assert_eq!(set.notes().len(), 2, "{condition}: {:?}", set.notes());
        assert!(set.notes()[0].message.contains("can't be listed"));
    }
}

#[test]
fn an_undeclared_action_or_kind_lists_nothing() {
    static OTHER: ResourceKind = ResourceKind {
        name: "Post",
        tenancy: Tenancy::Anywhere,
        fields: &[],
        actions: &["posts:read"],
    };
    let set = set("permit(principal, action, resource);");
    for (action, kind) in [
        ("posts:erase", &POST),
        ("posts:read", &OTHER),
        ("reports:read", &POST),
    ] {
        let filters = set.filters(&caller().principal(), &now(), action, kind);
        assert_eq!(filters.forbidden, Filter::Always, "{action}");
        assert_eq!(filters.permitted, Filter::Never, "{action}");
    }
}

fn leaves(filter: &Filter) -> usize {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().map(leaves).sum(),
        Filter::Not(inner) => leaves(inner),
        _ => 1,
    }
}

// Shows: AZ-4
#[test]
fn forty_alternatives_make_forty_comparisons() {
    checks!("T101");
    let head = "permit(principal, action == Action::\"posts:read\", resource is Post)";
    let chain = |word: &str, each: &dyn Fn(i64) -> String| {
        let all: Vec<String> = (0..40).map(each).collect();
        format!("{head} when {{ {} }};", all.join(word))
    };
    let listed = |text: &str| {
        set(text)
            .filters(&caller().principal(), &now(), "posts:read", &POST)
            .permitted
    };
    let is = |n: i64| format!("resource.size == {n}");
    let either = |n: i64| format!("(resource.size == {n} || resource.title == \"{n}\")");
    let nested = (0..40).fold("false".to_owned(), |rest, n| {
        format!("if resource.size == {n} then resource.title == \"{n}\" else ({rest})")
    });
    for (text, expected) in [
        (chain(" || ", &is), 40),
        (chain(" && ", &|n| format!("resource.size != {n}")), 40),
        (chain(" && ", &either), 80),
        (chain(" || ", &|n| format!("!{}", either(n))), 80),
        // A condition stands once for `then` and once for `else`.
        (format!("{head} when {{ {nested} }};"), 119),
    ] {
        assert_eq!(leaves(&listed(&text)), expected, "{text}");
    }
}

#[test]
fn more_than_a_database_reads_is_not_asked_for() {
    checks!("T101");
    let overflow = "(context has login_age_seconds && context.login_age_seconds + 9223372036854775807 > 0)";
    let level = |n: i64, inner: &str| {
        format!(
            "((({inner}) && (resource.size == {n} || {overflow})) || (resource.size != {n} && (resource.draft || {overflow})))"
        )
    };
    let deep = (0..12).fold("resource.draft".to_owned(), |inner, n| level(n, &inner));
    let head = "(principal, action == Action::\"posts:read\", resource is Post)";
    let set = set(&format!(
        "permit{head} when {{ {deep} }}; forbid{head} when {{ {deep} }};"
    ));
    let filters = set.filters(&caller().principal(), &now(), "posts:read", &POST);
    assert_eq!(filters.permitted, Filter::Never);
    assert_eq!(filters.forbidden, Filter::Always);
}

#[test]
fn a_row_that_is_not_what_was_declared_is_in_no_list() {
    checks!("T102");
    let head = "(principal, action == Action::\"posts:read\", resource is Post)";
    for text in [
        format!("permit{head};"),
        format!("permit{head}; forbid{head} when {{ resource.tags.contains(\"secret\") }};"),
        format!("permit{head}; forbid{head} when {{ resource.draft }};"),
        String::new(),
    ] {
        let set = set(&text);
        let who = caller().principal();
        let filters = set.filters(&who, &now(), "posts:read", &POST);
        for field in ["title", "draft", "size", "tags"] {
            let mut row = post();
            row.fields.insert("draft", Value::Bool(false));
            assert!(!filters.forbidden.matches(&row), "{text}");
            row.fields.remove(field);
            let verdict = set.decide(&who, &now(), "posts:read", Some(&row));
            assert_eq!(verdict, Verdict::Forbidden, "{text} {field}");
            assert!(filters.forbidden.matches(&row), "{text} {field}");
        }
    }
}

/// Conditions on everything but the resource.
const ASIDE: [&str; 16] = [
    "context.now < datetime(\"2023-11-14T22:14:20Z\")",
    "context.now >= datetime(\"2023-11-14\")",
    "context.now <= datetime(\"2023-11-14T22:14:20.000+0000\")",
    "(context has ip && context.ip.isLoopback())",
    "(context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\")))",
    "(context has user_agent && context.user_agent like \"c*l\")",
    "context.permissions.contains(\"posts:read\")",
    "context.permissions.containsAll([\"posts:read\", \"posts:write\"])",
    "[\"posts:read\", \"x\"].containsAny(context.permissions)",
    "context.org_roles.containsAll([\"a\"])",
    "context.credential != \"jwt\"",
    "(context has login_age_seconds && context.login_age_seconds <= 60)",
    "principal.state == \"active\"",
    "(principal has username && principal.username == \"a\")",
    "principal in [Role::\"reader\", Role::\"editor\"]",
    "principal is Account",
];

/// Conditions over all fields, in every shape that can be said.
fn conditions() -> impl Strategy<Value = String> {
    let simple = prop_oneof![
        Just("resource.draft".to_owned()),
        Just("context.mfa".to_owned()),
        Just("context.scoped".to_owned()),
        Just("principal in Role::\"editor\"".to_owned()),
        Just("principal.email_verified".to_owned()),
        Just("(principal has email && principal.email == resource.title)".to_owned()),
        Just("(resource has owner && resource.owner == principal)".to_owned()),
        Just("(resource has owner && resource.owner != principal)".to_owned()),
        Just("!(resource has owner && resource.owner == principal)".to_owned()),
        Just("(resource has owner)".to_owned()),
        Just("(resource has organization && context has organization && resource.organization == context.organization)".to_owned()),
        Just("(resource has tenant && context has organization && context.organization in resource.tenant)".to_owned()),
        Just("(resource has editor && [resource.editor].contains(principal))".to_owned()),
        Just("(resource has editor && principal in [resource.editor])".to_owned()),
        Just("resource.tags.containsAny([\"a\", \"b\"])".to_owned()),
        Just("resource.tags.containsAll([\"a\", \"b\"])".to_owned()),
        Just("(resource has labels && resource.labels.containsAny(context.org_roles))".to_owned()),
        Just("(context has login_age_seconds && context.login_age_seconds + 9223372036854775807 > 0)".to_owned()),
        proptest::sample::select(ASIDE.to_vec()).prop_map(str::to_owned),
        "[ab]{0,2}".prop_map(|text| format!("resource.tags.contains(\"{text}\")")),
        "[ab*]{0,3}".prop_map(|text| format!("resource.title like \"{text}\"")),
        "[ab*]{0,3}".prop_map(|text| format!("(resource has subtitle && resource.subtitle like \"{text}\")")),
        "[ab]{0,2}".prop_map(|text| format!("resource.title == \"{text}\"")),
        "[ab]{0,2}".prop_map(|text| format!("[\"{text}\", \"a\"].contains(resource.title)")),
        "p[12]".prop_map(|id| format!("resource == Post::\"{id}\"")),
        "p[12]".prop_map(|id| format!("resource.id == \"{id}\"")),
        "p[12]".prop_map(|id| format!("resource is Post in Post::\"{id}\"")),
        ("<|<=|>|>=|==|!=", 0..4_i64).prop_map(|(op, n)| format!("resource.size {op} {n}")),
        ("<|<=|>|>=|==|!=", 0..4_i64).prop_map(|(op, n)| format!("{n} {op} resource.size")),
        ("<|<=|>|>=|==|!=", 0..4_i64).prop_map(|(op, n)| format!("(resource has score && resource.score {op} {n})")),
        ("<|<=|>|>=", 0..4_i64).prop_map(|(op, n)| format!("(if resource has score then {n} {op} resource.score else true)")),
    ];
    simple.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

fn policies() -> impl Strategy<Value = String> {
    let scope = prop_oneof![
        3 => Just("principal, action == Action::\"posts:read\", resource is Post"),
        1 => Just("principal in Role::\"editor\", action in [Action::\"posts:read\", Action::\"posts:edit\"], resource is Post"),
        1 => Just("principal, action == Action::\"posts:read\", resource == Post::\"p1\""),
    ];
    let policy =
        (any::<bool>(), scope, any::<bool>(), conditions()).prop_map(|(permit, scope, when, condition)| {
            let effect = if permit { "permit" } else { "forbid" };
            let word = if when { "when" } else { "unless" };
            format!("{effect}({scope}) {word} {{ {condition} }};\n")
        });
    proptest::collection::vec(policy, 1..5).prop_map(|policies| policies.concat())
}

fn resources() -> impl Strategy<Value = ResourceFacts> {
    let texts = || proptest::collection::btree_set("[ab]", 0..3);
    // A row that isn't what was declared lacks one of these.
    let lacks = proptest::option::weighted(
        0.2,
        proptest::sample::select(vec!["title", "draft", "size", "tags"]),
    );
    let fields = (
        "[ab]{0,3}",
        any::<bool>(),
        0..4_i64,
        proptest::option::of(1..3_u128),
        proptest::option::of(0..4_i64),
        proptest::option::of("[ab]{0,3}"),
        texts(),
        proptest::option::of(texts()),
        proptest::option::of(7..9_u128),
    );
    let outside = (
        "p[12]",
        proptest::option::of(1..3_u128),
        proptest::option::of(7..9_u128),
    );
    (outside, fields, lacks).prop_map(
        |((id, owner, of), (title, draft, size, editor, score, subtitle, tags, labels, at), lacks)| {
            let mut fields = BTreeMap::from([
                ("title", Value::Text(title)),
                ("draft", Value::Bool(draft)),
                ("size", Value::Long(size)),
                ("tags", Value::TextSet(tags)),
            ]);
            fields.extend(editor.map(|number| ("editor", Value::Account(account(number)))));
            fields.extend(score.map(|number| ("score", Value::Long(number))));
            fields.extend(subtitle.map(|text| ("subtitle", Value::Text(text))));
            fields.extend(labels.map(|texts| ("labels", Value::TextSet(texts))));
            fields.extend(at.map(|number| ("tenant", Value::Organization(tenant(number)))));
            if let Some(lacks) = lacks {
                fields.remove(lacks);
            }
            ResourceFacts {
                kind: &POST,
                id,
                owner: owner.map(account),
                organization: of.map(tenant),
                fields,
            }
        },
    )
}

fn callers() -> impl Strategy<Value = Caller> {
    (any::<bool>(), any::<bool>(), any::<bool>(), "[ab]{0,2}").prop_map(|(roles, scoped, login, email)| {
        let mut who = caller();
        if !roles {
            Arc::make_mut(&mut who.facts.rights).roles.clear();
        }
        if scoped {
            who.scopes = Scopes::Only(vec!["posts:read".to_owned()]);
        }
        if !login {
            who.login = None;
            who.kind = CredentialKind::ApiKey;
        }
        who.facts.account.email = Some(email);
        who
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    // Shows: AZ-4
    #[test]
    fn a_list_has_exactly_the_rows_that_would_be_permitted(
        text in policies(),
        who in callers(),
        membership in proptest::option::of(7..9_u128),
        ip in proptest::sample::select(vec![None, Some("127.0.0.1"), Some("10.1.2.3"), Some("::ffff:127.0.0.1"), Some("::1")]),
        rows in proptest::collection::vec(resources(), 1..8),
    ) {
        let set = set(&text);
        let noted = set.notes().iter().find(|note| note.message.contains("listed"));
        prop_assert_eq!(noted, None, "{}", text);
        let member = membership.map(|number| member(number, &["a"]));
        let ip = ip.map(|ip| ip.parse().unwrap());
        let user_agent = ip.is_some().then_some("curl");
        let decision = DecisionContext { member: member.as_ref(), ip, user_agent, ..now() };
        let principal = who.principal();
        let filters = set.filters(&principal, &decision, "posts:read", &POST);
        for row in &rows {
            let verdict = set.decide(&principal, &decision, "posts:read", Some(row));
            let (yes, no) = (filters.permitted.matches(row), filters.forbidden.matches(row));
            let listed = match (yes, no) {
                (_, true) => Verdict::Forbidden,
                (true, false) => Verdict::Permitted,
                (false, false) => Verdict::Silent,
            };
            prop_assert_eq!(listed, verdict, "{}\n{:?}\n{:?}", text, row, filters);
            let reasons = set.reasons(&principal, &decision, "posts:read", Some(row));
            prop_assert_eq!(reasons.verdict, verdict, "{}", text);
        }
    }
}
