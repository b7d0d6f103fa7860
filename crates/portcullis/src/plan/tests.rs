//! What is refused of schemas, and what plans know of themselves.

use portcullis_core::checks;
use schemars::JsonSchema;
use serde_json::json;

use super::*;

#[test]
fn what_is_not_checked_is_refused_by_its_place() {
    checks!("T200");
    for (schema, why) in [
        (
            json!({ "type": "object", "properties": { "a": { "not": {} } } }),
            "/properties/a/not: this keyword isn't checked",
        ),
        (json!({ "items": { "contains": {} } }), "/items/contains: "),
        (json!({ "if": {} }), "/if: "),
        (json!({ "propertyNames": {} }), "/propertyNames: "),
        (json!({ "dependentRequired": {} }), "/dependentRequired: "),
        (json!({ "type": "text" }), "/type: there is no such type"),
        (
            json!({ "minLength": "2" }),
            "/minLength: a whole number from 0 is expected here",
        ),
        (
            json!({ "minItems": 2, "maxItems": 1 }),
            "minItems 2 is more than maxItems 1",
        ),
        (
            json!({ "minProperties": 2, "maxProperties": 1 }),
            "minProperties 2 is more than maxProperties 1",
        ),
        (
            json!({ "minimum": 1.5, "maximum": 1 }),
            "minimum 1.5 is more than maximum 1",
        ),
        (
            json!({ "multipleOf": 0 }),
            "/multipleOf: a number above 0 is expected here",
        ),
        (
            json!({ "format": "uri-reference" }),
            "/format: the format uri-reference isn't checked",
        ),
        (
            json!({ "$ref": "#/$defs/Nobody" }),
            "#/$defs/Nobody leads nowhere",
        ),
        (json!(5), "a schema is an object, true or false"),
        (
            json!({ "$ref": "#/$defs/A", "$defs": { "A": { "anyOf": [{ "$ref": "#/$defs/A" }, { "type": "null" }] } } }),
            "described by itself",
        ),
        (
            json!({ "$ref": "#/$defs/A", "$defs": { "A": { "minLength": -1 } } }),
            "/A/minLength: ",
        ),
    ] {
        let said = Plan::of_schema(&schema).unwrap_err();
        assert!(said.contains(why), "{schema}: {said}");
    }
}

/// What types ask of themselves when they are read needs no walk, and no other reader leaves it out.
#[test]
fn bounds_of_types_are_told_from_those_that_somebody_declared() {
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Plain(
        u8,
        i64,
        char,
        [u8; 3],
        Option<bool>,
        f32,
        Vec<String>,
        std::collections::BTreeMap<u32, usize>,
    );
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Typed(uuid::Uuid, jiff::Timestamp, std::collections::HashSet<u8>);
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Declared(#[schemars(range(max = 254))] u8);
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct ByHand(#[schemars(length(max = 3), transform = by_hand)] Vec<u8>);
    for (plan, bounded, declared) in [
        (Plan::make::<Plain>(Plain::json_schema), false, false),
        (Plan::make::<Typed>(Typed::json_schema), true, false),
        (Plan::make::<Declared>(Declared::json_schema), true, true),
        (Plan::make::<ByHand>(ByHand::json_schema), false, false),
    ] {
        let plan = plan.unwrap();
        assert_eq!((plan.bounded(), plan.declared()), (bounded, declared));
    }
}

#[test]
fn a_type_is_compiled_once() {
    let (one, other) = (
        Plan::of::<Option<u8>>(<Option<u8>>::json_schema).unwrap(),
        Plan::of::<Option<u8>>(<Option<u8>>::json_schema).unwrap(),
    );
    assert!(Arc::ptr_eq(&one, &other));
}

/// The document is made where no plan is, and shows no trace of either kind of declaration.
#[test]
fn a_schema_that_is_not_made_into_a_plan_holds_no_rule() {
    #[derive(schemars::JsonSchema)]
    #[schemars(transform = Declaration::of(|_| Vec::new()), transform = by_hand)]
    #[expect(dead_code, reason = "only described")]
    struct Small(u8);
    let schema = schemars::schema_for!(Small).to_value().to_string();
    assert!(!schema.contains("x-portcullis"), "{schema}");
}
