//! What is compiled, and what is left to the language. That both agree is shown for policies made at random, in `lists.rs`.

use super::*;
use crate::checks;

const READ: &str = "principal, action == Action::\"posts:read\", resource is Post";

/// How many policies about reading posts are decided without the language.
fn compiled(text: &str) -> usize {
    set(text).slice("posts:read", Some(&POST)).unwrap().direct.len()
}

#[test]
fn conditions_on_what_is_there_are_compiled() {
    for (condition, expected) in [
        ("true", 1),
        ("resource.draft && !(resource.size > 3 || resource.size <= 1)", 1),
        (
            "principal in Role::\"editor\" && resource.tags.contains(\"news\")",
            1,
        ),
        ("principal in [Role::\"editor\", Role::\"reader\"]", 1),
        ("resource has owner && resource.owner == principal", 1),
        ("context.now > datetime(\"2100-01-01\")", 1),
        ("context has ip && !context.ip.isLoopback()", 1),
        (
            "if resource has score then resource.score < 3 else context.scoped",
            1,
        ),
        ("resource.title like \"a*b\"", 1),
        ("[\"a\", \"b\"].contains(resource.title)", 1),
        // The rest is the language's.
        ("context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))", 0),
        ("resource.size + 1 > 3", 0),
        ("context.now > datetime(\"2100-01-01T00:00:00.000+0100\")", 0),
        ("context.now > datetime(\"1969-12-31\")", 0),
        ("resource has editor && principal in [resource.editor]", 0),
    ] {
        let text = format!("permit({READ}) when {{ {condition} }};");
        assert_eq!(compiled(&text), expected, "{condition}");
    }
}

#[test]
fn compiled_policies_and_those_of_the_language_decide_together() {
    checks!("T060");
    let no = |size| format!("{size} > resource.size + 1");
    let both = |first: &str, one: &str, second: &str, other: &str| {
        let text = format!("{first}({READ}) when {{ {one} }};\n{second}({READ}) when {{ {other} }};");
        assert_eq!(compiled(&text), 1, "{text}");
        let (set, who) = (set(&text), caller().principal());
        let verdict = set.decide(&who, &now(), "posts:read", Some(&post()));
        assert_eq!(
            set.reasons(&who, &now(), "posts:read", Some(&post())).verdict,
            verdict
        );
        verdict
    };
    let fails = "resource.size + 9223372036854775807 > 0";
    // The post has five: one more is six.
    for (first, one, second, other, expected) in [
        ("permit", "true", "permit", no(7), Verdict::Permitted),
        ("permit", "true", "permit", no(6), Verdict::Permitted),
        ("permit", "false", "permit", no(7), Verdict::Permitted),
        ("permit", "false", "permit", no(6), Verdict::Silent),
        ("permit", "true", "forbid", no(7), Verdict::Forbidden),
        ("permit", "true", "forbid", no(6), Verdict::Permitted),
        ("permit", "true", "forbid", fails.to_owned(), Verdict::Forbidden),
        ("permit", "true", "permit", fails.to_owned(), Verdict::Permitted),
        ("forbid", "true", "permit", no(7), Verdict::Forbidden),
        ("forbid", "false", "permit", no(7), Verdict::Permitted),
        ("forbid", "false", "permit", fails.to_owned(), Verdict::Silent),
    ] {
        assert_eq!(
            both(first, one, second, &other),
            expected,
            "{first} {one} {second} {other}"
        );
    }
}

#[test]
fn a_moment_that_the_language_has_no_words_for_permits_nothing() {
    let set = set(&format!(
        "permit({READ}) when {{ context.now > datetime(\"2000-01-01\") }};"
    ));
    let who = caller().principal();
    for (at, expected) in [
        (Timestamp::from_seconds(946_684_800), Verdict::Silent),
        (Timestamp::from_micros(946_684_800_000_999), Verdict::Silent),
        (Timestamp::from_micros(946_684_800_001_000), Verdict::Permitted),
        (Timestamp::from_seconds(-1), Verdict::Silent),
        (Timestamp::from_micros(i64::MAX), Verdict::Forbidden),
    ] {
        let decision = DecisionContext::at(at);
        let verdict = set.decide(&who, &decision, "posts:read", Some(&post()));
        assert_eq!(verdict, expected, "{at:?}");
        assert_eq!(
            set.reasons(&who, &decision, "posts:read", Some(&post())).verdict,
            expected
        );
    }
}
