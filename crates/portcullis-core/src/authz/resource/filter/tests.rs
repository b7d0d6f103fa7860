use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::account;
use crate::authz::resource::{FieldKind, ResourceField, ResourceKind, Tenancy};
use crate::id::OrganizationId;

const POST: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[
        ResourceField {
            name: "title",
            kind: FieldKind::Text,
            optional: true,
        },
        ResourceField {
            name: "size",
            kind: FieldKind::Long,
            optional: true,
        },
        ResourceField {
            name: "tags",
            kind: FieldKind::TextSet,
            optional: true,
        },
    ],
    actions: &[],
};

fn anna() -> account::Id {
    account::Id::from_uuid(Uuid::from_u128(1))
}

fn org() -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(2))
}

fn post(fields: &[(&'static str, Value)]) -> ResourceFacts {
    ResourceFacts {
        kind: &POST,
        id: "p1".to_owned(),
        owner: None,
        organization: None,
        fields: fields.iter().cloned().collect::<BTreeMap<_, _>>(),
    }
}

fn pattern(pieces: &[&str]) -> Pattern {
    Pattern(pieces.iter().map(|&piece| piece.to_owned()).collect())
}

#[test]
fn a_missing_field_compares_with_nothing_and_its_negation_holds() {
    let bare = post(&[]);
    for filter in [
        Filter::Compare("size", Comparison::Equal, Value::Long(1)),
        Filter::Compare("size", Comparison::Less, Value::Long(i64::MAX)),
        Filter::Compare("size", Comparison::LessOrEqual, Value::Long(i64::MAX)),
        Filter::OneOf("size", vec![Value::Long(1)]),
        Filter::Contains("tags", "a".to_owned()),
        Filter::Like("title", pattern(&["", ""])),
        Filter::Present("title"),
        Filter::Present(OWNER),
        Filter::Present(ORGANIZATION),
        Filter::OwnedBy(anna()),
        Filter::Of(org()),
        Filter::Ids(vec!["p2".to_owned()]),
    ] {
        assert!(!filter.matches(&bare), "{filter:?}");
        assert!(filter.negated().matches(&bare));
    }
}

#[test]
fn fields_are_compared_at_both_sides_of_each_boundary() {
    let five = post(&[("size", Value::Long(5))]);
    for (how, value, expected) in [
        (Comparison::Equal, 5, true),
        (Comparison::Equal, 6, false),
        (Comparison::Less, 5, false),
        (Comparison::Less, 6, true),
        (Comparison::LessOrEqual, 4, false),
        (Comparison::LessOrEqual, 5, true),
    ] {
        let filter = Filter::Compare("size", how, Value::Long(value));
        assert_eq!(filter.matches(&five), expected, "{filter:?}");
    }
    let text = Filter::Compare("size", Comparison::Less, Value::Text("9".to_owned()));
    assert!(!text.matches(&five), "values of different kinds don't compare");
    let mut owned = post(&[("tags", Value::TextSet([String::from("a")].into()))]);
    owned.owner = Some(anna());
    owned.organization = Some(org());
    for filter in [
        Filter::Contains("tags", "a".to_owned()),
        Filter::OwnedBy(anna()),
        Filter::Of(org()),
        Filter::Present(OWNER),
        Filter::Present(ORGANIZATION),
        Filter::Present("tags"),
        Filter::Ids(vec!["p1".to_owned()]),
    ] {
        assert!(filter.matches(&owned), "{filter:?}");
    }
}

#[test]
fn a_pattern_fits_from_both_ends() {
    for (pieces, text, expected) in [
        (&[][..], "", false),
        (&[""], "", true),
        (&[""], "a", false),
        (&["abc"], "abc", true),
        (&["abc"], "abcd", false),
        (&["", ""], "", true),
        (&["a", "a"], "a", false),
        (&["a", "a"], "aa", true),
        (&["a", "b", "c"], "a-b-c", true),
        (&["a", "b", "c"], "a-c", false),
        (&["", "b", ""], "abc", true),
        (&["ab", "ba"], "aba", false),
        (&["", "ab", "b"], "abab", true),
        (&["", "ab", "b"], "ab", false),
        (&["é", "ü"], "éxü", true),
    ] {
        assert_eq!(pattern(pieces).matches(text), expected, "{pieces:?} {text:?}");
    }
}

#[test]
fn what_says_nothing_is_left_out() {
    let (a, b) = (Filter::Present("title"), Filter::OwnedBy(anna()));
    let not_a = a.clone().negated();
    for (filter, expected) in [
        (Filter::all([]), Filter::Always),
        (Filter::any([]), Filter::Never),
        (Filter::all([a.clone(), Filter::Always, a.clone()]), a.clone()),
        (Filter::any([a.clone(), Filter::Never, a.clone()]), a.clone()),
        (Filter::all([a.clone(), Filter::Never]), Filter::Never),
        (Filter::any([a.clone(), Filter::Always]), Filter::Always),
        (Filter::all([a.clone(), not_a.clone()]), Filter::Never),
        (Filter::any([not_a.clone(), a.clone()]), Filter::Always),
        (not_a.clone().negated(), a.clone()),
        (
            Filter::all([Filter::all([a.clone(), b.clone()]), b.clone()]),
            Filter::All(vec![a.clone(), b.clone()]),
        ),
        (
            Filter::Not(Box::new(Filter::All(vec![]))).simplified(),
            Filter::Never,
        ),
        (Filter::OneOf("size", vec![]).simplified(), Filter::Never),
        (Filter::Ids(vec![]).simplified(), Filter::Never),
    ] {
        assert_eq!(filter, expected);
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        Just(Filter::Always),
        Just(Filter::Never),
        (0_i64..4).prop_map(|size| Filter::Compare("size", Comparison::Less, Value::Long(size))),
        Just(Filter::Present("size")),
        Just(Filter::OwnedBy(anna())),
        Just(Filter::Like("title", pattern(&["a", ""]))),
        Just(Filter::OneOf("size", vec![])),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #[test]
    fn simplifying_keeps_the_meaning(
        filter in filters(),
        size in proptest::option::of(0_i64..4),
        title in proptest::option::of("[ab]{0,2}"),
        owned in any::<bool>(),
    ) {
        let mut resource = post(&[]);
        resource.owner = owned.then(anna);
        resource.fields.extend(size.map(|size| ("size", Value::Long(size))));
        resource.fields.extend(title.map(|title| ("title", Value::Text(title))));
        prop_assert_eq!(filter.clone().simplified().matches(&resource), filter.matches(&resource));
    }
}
