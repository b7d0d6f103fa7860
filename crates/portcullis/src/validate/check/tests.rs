//! The walk against an implementation of JSON Schema that isn't ours, and what is said of what is wrong.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::validate::errors::Place;

fn plan(schema: &Value) -> Plan {
    Plan::of_schema(schema).unwrap()
}

fn found(schema: &Value, text: &str) -> Vec<(String, String)> {
    let errors = json(&plan(schema), text).into_errors(Place::Body);
    errors
        .into_iter()
        .map(|error| (error.field, error.detail.into_owned()))
        .collect()
}

/// Small values that often fit small schemas.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..8).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(2.5), Just(-1.5)].prop_map(Value::from),
        prop_oneof![
            Just(""),
            Just("a"),
            Just("b"),
            Just("ab"),
            Just("abc"),
            Just("\u{e9}\u{e9}")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("kind")].prop_map(ToOwned::to_owned)
}

/// Schemas of the keywords that are checked.
fn schemas() -> impl Strategy<Value = Value> {
    let bounds = || (0_u64..3, 0_u64..3).prop_map(|(low, more)| (low, low + more));
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({ "type": "null" })),
        Just(json!({ "type": "boolean" })),
        bounds().prop_map(|(low, high)| json!({ "type": "string", "minLength": low, "maxLength": high })),
        bounds().prop_map(
            |(low, high)| json!({ "type": ["string", "null"], "minLength": low, "maxLength": high })
        ),
        Just(json!({ "type": "string", "pattern": "^a" })),
        bounds().prop_map(|(low, high)| json!({ "type": "integer", "minimum": low, "maximum": high })),
        (-2_i64..3).prop_map(|low| json!({ "type": "number", "exclusiveMinimum": low })),
        (1_i64..4).prop_map(|step| json!({ "type": "integer", "multipleOf": step })),
        Just(json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 })),
        Just(json!({ "enum": ["a", "b", 1, null, [], { "a": 1 }] })),
        prop_oneof![Just("a"), Just("b")].prop_map(|text| json!({ "type": "string", "const": text })),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let members = prop::collection::btree_map(name(), inner.clone(), 0..4);
        let required = prop::collection::btree_set(name(), 0..3);
        let other = prop_oneof![Just(None), Just(Some(json!(false))), inner.clone().prop_map(Some)];
        let object = (members, required, other).prop_map(|(members, required, other)| {
            let mut schema = json!({ "type": "object", "properties": members, "required": required });
            if let Some(other) = other {
                schema["additionalProperties"] = other;
            }
            schema
        });
        let bounds = (0_u64..3, 0_u64..3);
        prop_oneof![
            3 => object,
            1 => (inner.clone(), bounds, any::<bool>()).prop_map(|(items, (low, more), unique)| json!({
                "type": "array", "items": items, "minItems": low, "maxItems": low + more, "uniqueItems": unique,
            })),
            1 => (prop::collection::vec(inner.clone(), 1..3), inner.clone())
                .prop_map(|(first, items)| json!({ "type": "array", "prefixItems": first, "items": items })),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(|each| json!({ "anyOf": each })),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|each| json!({ "allOf": each })),
            1 => (inner.clone(), inner).prop_map(|(one, other)| json!({
                "type": ["object", "string", "integer"], "anyOf": [one, { "type": "string" }], "allOf": [other],
            })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is accepted is what JSON Schema accepts.
    #[test]
    fn another_implementation_accepts_the_same(schema in schemas(), several in prop::collection::vec(values(), 8)) {
        let plan = plan(&schema);
        let reference = jsonschema::validator_for(&schema).unwrap();
        for value in several {
            let faults = json(&plan, &value.to_string());
            let none = faults.count() == 0;
            prop_assert_eq!(none, reference.is_valid(&value), "{} by {}: {:?}", value, schema, faults);
        }
    }
}

#[test]
fn types_that_lead_to_themselves_are_walked() {
    let schema = json!({
        "$ref": "#/$defs/Tree",
        "$defs": { "Tree": {
            "type": "object",
            "properties": {
                "name": { "type": "string", "maxLength": 2 },
                "below": { "type": "array", "items": { "$ref": "#/$defs/Tree" } },
            },
            "required": ["name"],
        } },
    });
    let tree = r#"{"name":"ab","below":[{"name":"abc"},{"below":[{"name":1}]}]}"#;
    let said = found(&schema, tree);
    let said: Vec<_> = said
        .iter()
        .map(|(field, detail)| (field.as_str(), detail.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("/below/0/name", "must have at most 2 characters"),
            ("/below/1/below/0/name", "expected a string"),
            ("/below/1/name", "this field is required"),
        ]
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_said_says_what_to_do() {
    for (schema, text, said) in [
        (
            json!({ "type": "string", "minLength": 1 }),
            r#""""#,
            "must not be empty",
        ),
        (
            json!({ "type": "string", "minLength": 2 }),
            r#""a""#,
            "must have at least 2 characters",
        ),
        (
            json!({ "type": "string", "maxLength": 1 }),
            r#""ab""#,
            "must have at most 1 character",
        ),
        (
            json!({ "type": "string", "pattern": "^[a-z]$" }),
            r#""A""#,
            "must match the pattern ^[a-z]$",
        ),
        (
            json!({ "type": "integer", "minimum": 1, "maximum": 6 }),
            "7",
            "must be from 1 to 6",
        ),
        (
            json!({ "type": "integer", "minimum": 1 }),
            "0",
            "must be at least 1",
        ),
        (
            json!({ "type": "number", "exclusiveMaximum": 1 }),
            "1",
            "must be less than 1",
        ),
        (
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
            "0",
            "must be more than 0 and at most 1",
        ),
        (
            json!({ "type": "integer", "format": "uint8" }),
            "256",
            "expected a whole number from 0 to 255",
        ),
        (
            json!({ "type": ["integer", "null"] }),
            "0.5",
            "expected a whole number",
        ),
        (
            json!({ "type": ["string", "boolean"] }),
            "1",
            "expected a string or true or false",
        ),
        (
            json!({ "enum": ["a", 1, null] }),
            r#""b""#,
            "expected `a`, 1 or null",
        ),
        (
            json!({ "type": "array", "maxItems": 1 }),
            "[1,2]",
            "must have at most 1 item",
        ),
        (
            json!({ "type": "object", "minProperties": 1 }),
            "{}",
            "must have at least 1 member",
        ),
        (
            json!({ "type": "integer", "minimum": 18_446_744_073_709_551_615_u64 }),
            "18446744073709551614",
            "must be at least 18446744073709551615",
        ),
    ] {
        assert_eq!(
            found(&schema, text),
            [(String::new(), said.to_owned())],
            "{schema}"
        );
    }
}
