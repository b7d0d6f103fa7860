//! Values, changes and declarations.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::*;
use crate::checks;

const DEPARTMENT: Attribute<String> = Attribute::new("department").in_tokens();
const LEVEL: Attribute<i64> = Attribute::new("level");
const STAFF: Attribute<bool> = Attribute::new("staff").in_policies();
const TEAMS: Attribute<BTreeSet<String>> = Attribute::new("teams");

fn of(changes: &[AttributeChange]) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.change(changes).unwrap();
    attributes
}

#[test]
fn values_are_what_they_were_when_they_are_read_again() {
    let teams = BTreeSet::from(["red".to_owned(), "blue".to_owned()]);
    let all = of(&[
        DEPARTMENT.set("sales"),
        LEVEL.set(-3),
        STAFF.set(true),
        TEAMS.set(teams.clone()),
    ]);
    let text = all.stored().unwrap();
    assert_eq!(
        text,
        r#"{"department":"sales","level":-3,"staff":true,"teams":["blue","red"]}"#
    );
    let again = Attributes::parse(&text).unwrap();
    assert_eq!(again, all);
    assert_eq!(again.get(DEPARTMENT).as_deref(), Some("sales"));
    assert_eq!(again.get(LEVEL), Some(-3));
    assert_eq!(again.get(STAFF), Some(true));
    assert_eq!(again.get(TEAMS), Some(teams));
    assert_eq!(of(&[]).stored(), None);
}

#[test]
fn a_value_of_another_type_is_none() {
    checks!("T227");
    const AS_NUMBER: Attribute<i64> = Attribute::new("department").in_tokens();
    let all = of(&[DEPARTMENT.set("7")]);
    assert_eq!(all.get(AS_NUMBER), None);
    let declared = Declared::new(vec![AS_NUMBER.into()]).unwrap();
    assert!(declared.claims(&all).is_empty());
    for wrong in [
        "",
        "[]",
        "7",
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"a":1.5}"#,
        r#"{"a":[1]}"#,
    ] {
        assert_eq!(Attributes::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_change_is_made_wholly_or_not_at_all() {
    let mut all = of(&[DEPARTMENT.set("sales"), LEVEL.set(1)]);
    let before = all.clone();
    let long = "x".repeat(LONGEST_TEXT + 1);
    assert_eq!(
        all.change(&[LEVEL.clear(), DEPARTMENT.set(long)]),
        Err(InvalidValue::TooLong("department"))
    );
    assert_eq!(
        all.change(&[DEPARTMENT.set("a\0")]),
        Err(InvalidValue::TooLong("department"))
    );
    let many: BTreeSet<String> = (0..=MOST_TEXTS).map(|number| number.to_string()).collect();
    assert_eq!(
        all.change(&[TEAMS.set(many)]),
        Err(InvalidValue::TooLong("teams"))
    );
    let heavy: BTreeSet<String> = (0..9).map(|n| n.to_string().repeat(LONGEST_TEXT)).collect();
    assert_eq!(all.change(&[TEAMS.set(heavy)]), Err(InvalidValue::TooMany));
    assert_eq!(all, before);
    all.change(&[LEVEL.clear()]).unwrap();
    assert_eq!(all, of(&[DEPARTMENT.set("sales")]));
    assert!(
        of(&[DEPARTMENT.set("x".repeat(LONGEST_TEXT))])
            .get(DEPARTMENT)
            .is_some()
    );
}

#[test]
fn names_that_mean_something_else_can_not_be_declared() {
    checks!("T228");
    let declared = |name: &'static str| Declared::new(vec![Attribute::<bool>::new(name).into()]);
    for name in ["sub", "exp", "email", "roles", "cnf", "state"] {
        assert_eq!(declared(name), Err(InvalidAttribute::Reserved(name)));
    }
    for name in ["", "Level", "1st", "a-b", "é", "a b", "_a"] {
        assert_eq!(declared(name), Err(InvalidAttribute::Name(name)));
    }
    assert!(declared("a1_").is_ok());
    assert!(RESERVED.is_sorted());
    let twice = Declared::new(vec![LEVEL.into(), DEPARTMENT.into(), LEVEL.into()]);
    assert_eq!(twice, Err(InvalidAttribute::Twice("level")));
}

#[test]
fn tokens_carry_what_is_declared_for_them_alone() {
    let all = of(&[DEPARTMENT.set("sales"), LEVEL.set(1)]);
    let declared = Declared::new(vec![DEPARTMENT.into(), LEVEL.into()]).unwrap();
    assert!(declared.carries());
    assert_eq!(
        Json::Object(declared.claims(&all)).to_string(),
        r#"{"department":"sales"}"#
    );
    let nothing = Declared::new(vec![LEVEL.into()]).unwrap();
    assert!(!nothing.carries() && nothing.claims(&all).is_empty());
}
