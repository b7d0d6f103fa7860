use super::*;
use crate::authz::policy::{InvalidDeclaration, UnknownSchema};
use crate::checks;

#[track_caller]
fn refused(text: &str, expected: &[(usize, usize, &str)]) {
    let report = load(text).map(|_| ()).unwrap_err();
    let got: Vec<_> = report
        .0
        .iter()
        .map(|flaw| (flaw.line, flaw.column, flaw.message.as_str()))
        .collect();
    assert_eq!(got.len(), expected.len(), "{text}\n{report}");
    for ((line, column, message), (at_line, at_column, part)) in got.into_iter().zip(expected) {
        assert_eq!((line, column), (*at_line, *at_column), "{report}");
        assert!(message.contains(part), "{report}\nlacks {part}");
    }
    assert!(report.to_string().starts_with("a.cedar:"), "{report}");
}

#[test]
fn what_does_not_parse_or_validate_is_refused_with_its_place() {
    checks!("T061");
    for (text, expected) in [
        (
            "permit(principal, action, resource",
            &[(1, 35, "unexpected end of input")][..],
        ),
        (
            "// fine\npermit(principal, action, resource) when { ü };",
            &[(2, 44, "")],
        ),
        (
            "permit(principal, action == Action::\"reports:exprot\", resource);",
            &[(1, 29, "unrecognized action `Action::\"reports:exprot\"`")],
        ),
        (
            "@id(\"late\")\npermit(principal, action == Action::\"posts:edit\", resource)\nwhen { resource.titel == \"x\" };",
            &[(
                3,
                8,
                "policy `late`: attribute `titel` on entity type `Post` not found",
            )],
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource.score > 3 };",
            &[(
                1,
                68,
                "unable to guarantee safety of access to optional attribute `score`",
            )],
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource.size > \"3\" };",
            &[(1, 84, "unexpected type")],
        ),
        (
            "permit(principal in Group::\"a\", action == Action::\"posts:edit\", resource);",
            &[(1, 21, "unrecognized entity type `Group`")],
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource has owner && resource.owner in Role::\"editor\" };",
            &[(1, 90, "")],
        ),
        (
            "permit(principal == Account::\"anna\", action == Action::\"posts:edit\", resource);",
            &[(1, 1, "is no account")],
        ),
        (
            "permit(principal == ?principal, action == Action::\"posts:edit\", resource);",
            &[(1, 1, "template")],
        ),
    ] {
        refused(text, expected);
    }
}

#[test]
fn every_fault_of_every_file_is_told_at_once() {
    let bad = "permit(principal, action == Action::\"nope:nope\", resource);";
    let report = Set::load(&schema(), &[source("a.cedar", bad), source("b.cedar", bad)]).unwrap_err();
    let files: Vec<_> = report.0.iter().map(|flaw| flaw.file.as_str()).collect();
    assert_eq!(files, ["a.cedar", "b.cedar"]);
}

#[test]
fn a_name_stands_once_over_all_files() {
    let named = "@id(\"one\")\npermit(principal, action == Action::\"posts:edit\", resource);";
    let report = Set::load(&schema(), &[source("a.cedar", named), source("b.cedar", named)]).unwrap_err();
    assert_eq!(
        report.to_string(),
        "b.cedar:1:1: the policy `one` has the name of the one at a.cedar:1: rename it"
    );
    let unnamed = "permit(principal, action == Action::\"posts:edit\", resource);";
    let set = Set::load(
        &schema(),
        &[source("a.cedar", unnamed), source("b.cedar", unnamed)],
    )
    .unwrap();
    let reasons = set.reasons(&caller().principal(), &now(), "posts:edit", Some(&post()));
    assert_eq!(reasons.permitting, ["a.cedar:1", "b.cedar:1"]);
}

#[test]
fn nothing_to_load_is_a_set_that_permits_nothing() {
    for text in ["", "// nothing yet\n"] {
        let set = set(text);
        assert_eq!(set.summary().policies, 0);
        assert!(!set.can_permit("reports:export"));
        assert_eq!(
            set.decide(&caller().principal(), &now(), "reports:export", None),
            Verdict::Silent
        );
    }
    assert!(set("permit(principal, action, resource);").can_permit("reports:export"));
    assert!(!set("forbid(principal, action, resource);").can_permit("reports:export"));
}

#[test]
fn what_never_applies_or_cannot_be_listed_is_noted() {
    for (text, expected) in [
        (
            "permit(principal, action == Action::\"posts:edit\", resource);",
            None,
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource is Note);",
            Some("unable to find an applicable action"),
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource.size * 2 < 10 };",
            Some("can't be listed: no list can ask for"),
        ),
        (
            "permit(principal, action == Action::\"posts:edit\", resource) when { principal has email && principal.email == resource.title };",
            None,
        ),
    ] {
        match (load(text), expected) {
            (Ok(set), None) => assert_eq!(set.notes(), [], "{text}"),
            (Ok(set), Some(part)) => {
                let notes: Vec<_> = set.notes().iter().map(ToString::to_string).collect();
                assert!(notes.iter().any(|note| note.contains(part)), "{notes:?}");
            }
            (Err(report), Some(part)) => assert!(report.to_string().contains(part), "{report}"),
            (Err(report), None) => panic!("{report}"),
        }
    }
}

#[test]
fn declarations_that_make_no_schema_are_refused() {
    fn kind(
        name: &'static str,
        fields: &'static [ResourceField],
        actions: &'static [&'static str],
    ) -> &'static ResourceKind {
        Box::leak(Box::new(ResourceKind {
            name,
            tenancy: Tenancy::Anywhere,
            fields,
            actions,
        }))
    }
    const ID: ResourceField = field("id", FieldKind::Text, false);
    const OWNER: ResourceField = field("owner", FieldKind::Account, false);
    const ORGANIZATION: ResourceField = field("organization", FieldKind::Organization, true);
    const NAMELESS: ResourceField = field("", FieldKind::Text, false);
    const TITLE: ResourceField = field("title", FieldKind::Text, false);
    let refused = |kinds: &[&'static ResourceKind]| {
        let mut declarations = Declarations::new();
        kinds.iter().for_each(|kind| declarations.kind(kind));
        Schema::of(declarations).map(|_| ()).unwrap_err()
    };
    for name in [
        "",
        "Account",
        "DecisionContext",
        "String",
        "post-it",
        "1st",
        "P ost",
        "Ö",
    ] {
        assert!(
            matches!(refused(&[kind(name, &[], &[])]), InvalidDeclaration::Kind(_)),
            "{name}"
        );
    }
    for name in ["if", "__cedar"] {
        assert!(
            matches!(
                refused(&[kind(name, &[], &[])]),
                InvalidDeclaration::Language(_) | InvalidDeclaration::Kind(_)
            ),
            "{name}"
        );
    }
    for fields in [&[TITLE, TITLE][..], &[ID], &[OWNER], &[ORGANIZATION], &[NAMELESS]] {
        assert!(matches!(
            refused(&[kind("Page", fields, &[])]),
            InvalidDeclaration::Field { .. }
        ));
    }
    let twice = refused(&[kind("Page", &[], &[]), kind("Page", &[TITLE], &[])]);
    assert_eq!(twice, InvalidDeclaration::Twice("Page".to_owned()));
    let action = refused(&[kind("Page", &[], &["edit \"} "])]);
    assert!(matches!(action, InvalidDeclaration::Action(_)));
}

#[test]
fn the_book_shows_the_schema() {
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md");
    let book = std::fs::read_to_string(book).unwrap();
    let schema = Schema::of(Declarations::new()).unwrap();
    assert!(book.contains(schema.text()), "{}", schema.text());
}

#[test]
fn the_schema_says_what_was_declared() {
    let schema = schema();
    for line in [
        "entity Post {",
        "  \"score\"?: Long,",
        "  \"tags\": Set<String>,",
        "action \"posts:read\" appliesTo { principal: [Account], resource: [Post, Note], context: DecisionContext };",
        "action \"reports:export\" appliesTo { principal: [Account], resource: [Application], context: DecisionContext };",
    ] {
        assert!(schema.text().contains(line), "{line}\n{}", schema.text());
    }
}

/// Conditions that are `n` levels deep, each in another way.
fn deep(n: usize) -> Vec<String> {
    let chain = |part: &str, word: &str| vec![part; n].join(word);
    vec![
        format!("{}true{}", "(".repeat(n), ")".repeat(n)),
        format!("[{}true{}].contains(true)", "[".repeat(n), "]".repeat(n)),
        format!("{}true{} == {{}}", "{\"a\": ".repeat(n), "}".repeat(n)),
        format!("{}true", "!".repeat(n)),
        format!("{}1 == 1", "-".repeat(n)),
        chain("context.mfa", " || "),
        chain("context.mfa", " && "),
        format!("{} > 0", chain("1", " + ")),
        format!("{} > 0", chain("1", " * ")),
        format!("context{} == 1", ".a".repeat(n)),
        format!("context{} == 1", "[\"a\"]".repeat(n)),
        format!(
            "{}true{}",
            "if context.mfa then ".repeat(n),
            " else false".repeat(n)
        ),
        format!("{}true", "if context.mfa then false else ".repeat(n)),
        "true } when { ".repeat(n) + "true",
    ]
}

// Shows: AZ-4
#[test]
fn a_policy_nested_a_hundred_thousand_deep_is_a_flaw_and_no_crash() {
    checks!("T061");
    for condition in deep(100_000) {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let report = load(&text).unwrap_err();
        let flaw = report.to_string();
        assert!(
            flaw.contains("nested too deeply"),
            "{}",
            &flaw[..200.min(flaw.len())]
        );
    }
    // As many beside each other are no nesting.
    let policies = "permit(principal, action, resource) when { context.mfa && context.scoped };".repeat(300);
    load(&policies).unwrap();
    let texts = vec!["\"a\""; 1_000].join(", ");
    load(&format!(
        "permit(principal, action, resource) when {{ [{texts}].contains(context.credential) }};"
    ))
    .unwrap();
    // Nor are words with other words inside.
    let words = ["principal.email_verified"; 200].join(" || ");
    load(&format!(
        "permit(principal, action, resource) when {{ {words} }};"
    ))
    .unwrap();
    // What stands in quotes and comments is no nesting.
    let text = format!(
        "// {0}\npermit(principal, action, resource) when {{ \"{0}\" == \"\" }};",
        "(".repeat(1_000)
    );
    load(&text).unwrap();
}

#[test]
fn the_deepest_policy_that_loads_is_evaluated_and_listed() {
    let mut loaded = 0;
    for n in [60, 120, 180, 240] {
        for condition in deep(n) {
            for effect in ["permit", "forbid"] {
                let text = format!(
                    "{effect}(principal, action, resource) when {{ {} && {condition} }};",
                    "resource has owner"
                );
                let Ok(set) = load(&text) else { continue };
                loaded += 1;
                let who = caller().principal();
                set.decide(&who, &now(), "posts:read", Some(&post()));
                set.reasons(&who, &now(), "posts:read", Some(&post()));
                set.filters(&who, &now(), "posts:read", &POST);
            }
        }
    }
    assert!(loaded > 30, "{loaded}");
}

// Shows: AZ-4
#[test]
fn a_schema_is_read_as_it_was_written_and_no_other_is() {
    let text = schema().text().to_owned();
    for wrong in [
        String::new(),
        text.replacen("entity Role;", "entity Rule;", 1),
        text.replacen("entity Post {", "entity Post  {", 1),
        text.replacen("\"draft\": Bool", "\"draft\": Truth", 1),
        text.replacen("resource: [Post]", "resource: [Poster]", 1),
        text.replacen("action \"posts:edit\"", "action \"edit\"", 1),
        text.replacen("context: DecisionContext }", "context: {} }", 1),
        format!("{text}\nentity Post {{\n  id: String,\n}};\n"),
        text.chars().take(text.len() - 5).collect(),
    ] {
        assert_ne!(wrong, text);
        assert_eq!(Schema::read(&wrong).unwrap_err(), UnknownSchema, "{wrong}");
    }
    let read = Schema::read(&text).unwrap();
    assert_eq!(read.text(), text);
    assert_eq!(read.declarations().kinds().len(), 2);
    let policy = "permit(principal, action == Action::\"posts:edit\", resource is Post) when { resource.size + 1 > 2 };";
    let sources = [source("a.cedar", policy)];
    let (here, there) = (Set::load(&schema(), &sources), Set::load(&read, &sources));
    assert_eq!(here.unwrap().notes(), there.unwrap().notes());
}
