//! Rows, filters and tables for comparing conditions with what filters mean.

use std::collections::BTreeMap;

use portcullis::filter::{Column, Columns};
use portcullis_core::authz::resource::{
    Comparison, FieldKind, Filter, Pattern, ResourceFacts, ResourceField, ResourceKind, Tenancy, Value,
};
use portcullis_core::{account, organization};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) static KIND: ResourceKind = ResourceKind {
    name: "Note",
    tenancy: Tenancy::Anywhere,
    fields: &[
        field("flag", FieldKind::Bool),
        field("size", FieldKind::Long),
        field("title", FieldKind::Text),
        field("editor", FieldKind::Account),
        field("team", FieldKind::Organization),
        field("tags", FieldKind::TextSet),
        ResourceField {
            name: "labels",
            kind: FieldKind::TextSet,
            optional: false,
        },
    ],
    actions: &["notes:read"],
};

const fn field(name: &'static str, kind: FieldKind) -> ResourceField {
    ResourceField {
        name,
        kind,
        optional: true,
    }
}

/// Every form of column once; `id` is text, a number or an id.
pub(crate) const fn columns(id: Column) -> Columns {
    Columns {
        id,
        owner: Some(Column::uuid("notes.owner")),
        organization: Some(Column::uuid_text("organization")),
        fields: FIELDS,
    }
}

const FIELDS: &[(&str, Column)] = &[
    ("flag", Column::bool("flag")),
    ("size", Column::integer("notes.size")),
    ("title", Column::text("title")),
    ("editor", Column::uuid_text("editor")),
    ("team", Column::uuid("team")),
    // A name that `json_each` uses for a column of its own.
    ("tags", Column::json_set("value")),
    (
        "labels",
        Column::set_of("SELECT label FROM labels WHERE labels.note = notes.text_id"),
    ),
];

/// The three columns that hold one note's id.
pub(crate) const IDS: [Column; 3] = [
    Column::text("text_id"),
    Column::integer("number_id"),
    Column::uuid("uuid_id"),
];

/// The facts' id for the column of this index.
pub(crate) fn id_of(number: i64, index: usize) -> String {
    match index {
        0 => text_id(number),
        1 => number.to_string(),
        _ => uuid(number).to_string(),
    }
}

pub(crate) fn text_id(number: i64) -> String {
    format!("n'{number}\"%_")
}

pub(crate) fn uuid(number: i64) -> Uuid {
    Uuid::from_u128(0xABCD_0000 + u128::try_from(number).unwrap())
}

fn account(number: i64) -> account::Id {
    account::Id::from_uuid(uuid(number))
}

fn tenant(number: i64) -> organization::Id {
    organization::Id::from_uuid(uuid(number))
}

/// Texts that mean something to LIKE, GLOB, JSON, quoting or a careless comparison.
fn text(zero: bool) -> impl Strategy<Value = String> {
    let mut pieces = vec![
        "a",
        "A",
        "b",
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "*",
        "?",
        "[",
        "]",
        "ä",
        "a\u{308}",
        "ß",
        "\u{1F512}",
        "\n",
        " ",
        "null",
        "?1",
        "$1",
        "--",
    ];
    if zero {
        pieces.push("\0");
    }
    vec(proptest::sample::select(pieces), 0..4).prop_map(|pieces| pieces.concat())
}

fn set(zero: bool) -> impl Strategy<Value = Value> {
    proptest::collection::btree_set(text(zero), 0..3).prop_map(Value::TextSet)
}

/// Any value, of any kind: also such as a field never holds.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![-2_i64..3, Just(i64::MAX), Just(i64::MIN)].prop_map(Value::Long),
        text(true).prop_map(Value::Text),
        (0_i64..3).prop_map(|n| Value::Account(account(n))),
        (0_i64..3).prop_map(|n| Value::Organization(tenant(n))),
        set(true),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["flag", "size", "title", "editor", "team", "tags", "labels"])
}

fn present() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "flag",
        "size",
        "title",
        "editor",
        "team",
        "tags",
        "labels",
        "owner",
        "organization",
    ])
}

/// A filter; the ids it names are those of the column of index `id`.
pub(crate) fn filters(id: usize) -> impl Strategy<Value = Filter> {
    let how = proptest::sample::select(vec![Comparison::Equal, Comparison::Less, Comparison::LessOrEqual]);
    let leaf = prop_oneof![
        1 => Just(Filter::Always),
        1 => Just(Filter::Never),
        6 => (name(), how, value()).prop_map(|(name, how, value)| Filter::Compare(name, how, value)),
        3 => (text(true)).prop_map(|t| Filter::Compare("title", Comparison::Equal, Value::Text(t))),
        3 => (name(), vec(value(), 0..4)).prop_map(|(name, values)| Filter::OneOf(name, values)),
        3 => (name(), text(true)).prop_map(|(name, text)| Filter::Contains(name, text)),
        3 => present().prop_map(Filter::Present),
        6 => (Just("title"), vec(text(true), 0..4)).prop_map(|(name, pieces)| Filter::Like(name, Pattern(pieces))),
        1 => name().prop_map(|name| Filter::Like(name, Pattern(vec![String::new(), String::new()]))),
        2 => (0_i64..3).prop_map(|n| Filter::OwnedBy(account(n))),
        2 => (0_i64..3).prop_map(|n| Filter::Of(tenant(n))),
        3 => vec(prop_oneof![
            (0_i64..12).prop_map(move |n| id_of(n, id)),
            text(true),
            Just("+1".to_owned()),
            Just("01".to_owned()),
            (0_i64..12).prop_map(|n| uuid(n).to_string().to_uppercase()),
        ], 0..5).prop_map(Filter::Ids),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::All),
            vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// What one note holds.
pub(crate) fn note(zero: bool) -> impl Strategy<Value = ResourceFacts> {
    let size = prop_oneof![-2_i64..3, Just(i64::MAX), Just(i64::MIN)];
    (
        of(0_i64..3),
        of(0_i64..3),
        of(any::<bool>()),
        of(size),
        of(text(zero)),
        of(0_i64..3),
        of(0_i64..3),
        of(set(zero)),
        set(zero),
    )
        .prop_map(
            |(owner, organization, flag, size, title, editor, team, tags, labels)| {
                let mut fields = BTreeMap::new();
                let some = [
                    ("flag", flag.map(Value::Bool)),
                    ("size", size.map(Value::Long)),
                    ("title", title.map(Value::Text)),
                    ("editor", editor.map(|n| Value::Account(account(n)))),
                    ("team", team.map(|n| Value::Organization(tenant(n)))),
                    ("tags", tags),
                    ("labels", Some(labels)),
                ];
                for (name, value) in some {
                    if let Some(value) = value {
                        fields.insert(name, value);
                    }
                }
                ResourceFacts {
                    kind: &KIND,
                    id: String::new(),
                    owner: owner.map(account),
                    organization: organization.map(tenant),
                    fields,
                }
            },
        )
}

/// The texts of a set as JSON.
pub(crate) fn json(texts: &std::collections::BTreeSet<String>) -> String {
    serde_json::to_string(texts).unwrap()
}

/// The numbers of the notes that the filter means.
pub(crate) fn meant(filter: &Filter, notes: &[ResourceFacts], id: usize) -> Vec<i64> {
    let numbered = (0_i64..).zip(notes);
    let meant = numbered.filter(|(number, note)| {
        let note = ResourceFacts {
            id: id_of(*number, id),
            ..(*note).clone()
        };
        filter.matches(&note)
    });
    meant.map(|(number, _)| number).collect()
}
