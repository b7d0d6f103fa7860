//! From a schema to nodes.
//!
//! Source: JSON Schema 2020-12, the keywords that `schemars` writes

use std::collections::HashMap;

use indexmap::IndexMap;
use portcullis_core::defends;
use serde_json::{Map, Value};

use super::flaw::Why;
use super::format::Meaning;
use super::rule::{BY_HAND, RULES, Rule};
use super::{Bound, Format, Id, Kind, Kinds, Node, Other, Pattern, Plan, settle};

/// Compiles `schema`, whose references lead into `definitions`.
pub(super) fn compile(
    schema: &Value,
    definitions: &Map<String, Value>,
    rules: Vec<Rule>,
) -> Result<Plan, Why> {
    let mut compiler = Compiler {
        definitions,
        rules,
        nodes: Vec::new(),
        named: HashMap::new(),
    };
    let root = compiler.id(schema)?;
    settle::plan(compiler.nodes, root)
}

struct Compiler<'d> {
    definitions: &'d Map<String, Value>,
    rules: Vec<Rule>,
    nodes: Vec<Node>,
    named: HashMap<&'d str, Id>,
}

impl<'d> Compiler<'d> {
    /// The node of a schema.
    fn id(&mut self, schema: &Value) -> Result<Id, Why> {
        if let Some(reference) = alone(schema) {
            return self.referred(reference);
        }
        let node = self.node(schema)?;
        Ok(self.keep(node))
    }

    fn keep(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        Id(self.nodes.len() - 1)
    }

    /// The node of a type with a name: made once, however often it is referred to, also by itself.
    fn referred(&mut self, reference: &str) -> Result<Id, Why> {
        let name = reference.strip_prefix("#/$defs/").map(decoded);
        let found = name.and_then(|name| self.definitions.get_key_value(&name));
        let (name, schema) = found.ok_or_else(|| Why(format!("{reference} leads nowhere")))?;
        if let Some(id) = self.named.get(name.as_str()) {
            return Ok(*id);
        }
        let id = self.keep(Node::default());
        self.named.insert(name, id);
        let node = self.node(schema).map_err(|why| why.below(name))?;
        if let Some(place) = self.nodes.get_mut(id.0) {
            *place = node;
        }
        Ok(id)
    }

    fn node(&mut self, schema: &Value) -> Result<Node, Why> {
        let mut node = Node::default();
        match schema {
            Value::Bool(true) => {}
            Value::Bool(false) => node.own = Kinds::NONE,
            Value::Object(keywords) => {
                let by_hand = keywords.contains_key(BY_HAND);
                for (keyword, value) in keywords {
                    if !(by_hand && BOUNDS.contains(&keyword.as_str())) {
                        self.keyword(&mut node, keyword, value)
                            .map_err(|why| why.below(keyword))?;
                    }
                }
                natural(&mut node, keywords);
                consistent(&node)?;
            }
            _ => return Err(Why("a schema is an object, true or false".to_owned())),
        }
        Ok(node)
    }

    #[allow(clippy::too_many_lines, reason = "a table: a keyword a line")]
    fn keyword(&mut self, node: &mut Node, keyword: &str, value: &Value) -> Result<(), Why> {
        defends!("T200");
        match keyword {
            "$ref" => node.all.push(self.referred(text(value)?)?),
            "type" => node.own = types(value)?,
            "enum" => node.values = Some(list(value)?.clone()),
            "const" => node.values = Some(vec![value.clone()]),
            "pattern" => node.pattern = Some(Pattern::new(text(value)?)?),
            "format" => node.format = format(text(value)?)?,
            "prefixItems" => node.first = self.ids(value)?,
            "items" if *value == Value::Bool(false) => node.many = Some(node.first.len() as u64),
            "items" => node.items = Some(self.id(value)?),
            "properties" => node.members.known = self.members(value)?,
            "required" => {
                let names = list(value)?.iter().map(|name| text(name).map(ToOwned::to_owned));
                node.members.required = names.collect::<Result<_, _>>()?;
            }
            "patternProperties" => {
                let members = self.members(value)?.into_iter();
                let patterns = members.map(|(pattern, id)| Ok((Pattern::new(&pattern)?, id)));
                node.members.patterns = patterns.collect::<Result<_, Why>>()?;
            }
            "additionalProperties" => {
                node.members.other = match value {
                    Value::Bool(false) => Other::Refused,
                    Value::Bool(true) => Other::Taken(None),
                    schema => Other::Taken(Some(self.id(schema)?)),
                }
            }
            "anyOf" | "oneOf" => {
                let ids = self.ids(value)?;
                node.alternatives.push(ids);
            }
            "allOf" => {
                let ids = self.ids(value)?;
                node.all.extend(ids);
            }
            RULES => {
                let numbers = list(value)?.iter().filter_map(Value::as_u64);
                let rules = numbers.filter_map(|number| self.rules.get(usize::try_from(number).ok()?));
                node.rules = rules.cloned().collect();
            }
            // Of members that no part of a flattened type knows, serde says it itself.
            "unevaluatedProperties" if value.is_boolean() => {}
            _ if NOTES.contains(&keyword) || keyword.starts_with("x-") => {}
            _ if amount(node, keyword, value)? => {}
            _ => {
                return Err(Why(
                    "this keyword isn't checked: remove it, and declare a `validate::rule` instead"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn ids(&mut self, value: &Value) -> Result<Vec<Id>, Why> {
        let each = list(value)?.iter().enumerate();
        each.map(|(index, schema)| self.id(schema).map_err(|why| why.below(&index.to_string())))
            .collect()
    }

    fn members(&mut self, value: &Value) -> Result<IndexMap<String, Id>, Why> {
        let members = value.as_object().ok_or_else(|| expected("an object"))?;
        let each = members.iter();
        each.map(|(name, schema)| Ok((name.clone(), self.id(schema).map_err(|why| why.below(name))?)))
            .collect()
    }
}

/// Takes a keyword whose value is a number or a truth; `false` if it is none of them.
fn amount(node: &mut Node, keyword: &str, value: &Value) -> Result<bool, Why> {
    match keyword {
        "minLength" => node.least = Some(count(value)?),
        "maxLength" => node.most = Some(count(value)?),
        "minimum" => node.number.least = Some(bound(value, false)?),
        "exclusiveMinimum" => node.number.least = Some(bound(value, true)?),
        "maximum" => node.number.most = Some(bound(value, false)?),
        "exclusiveMaximum" => node.number.most = Some(bound(value, true)?),
        "multipleOf" => node.number.multiple = Some(step(value)?),
        "minItems" => node.fewest = Some(count(value)?),
        "maxItems" => node.many = Some(count(value)?),
        "uniqueItems" => node.unique = *value == Value::Bool(true),
        "minProperties" => node.members.fewest = Some(count(value)?),
        "maxProperties" => node.members.many = Some(count(value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// The reference that a schema is, if it says nothing else.
fn alone(schema: &Value) -> Option<&str> {
    let keywords = schema.as_object()?;
    let reference = keywords.get("$ref")?.as_str()?;
    let more = keywords
        .keys()
        .any(|keyword| keyword != "$ref" && !NOTES.contains(&keyword.as_str()));
    (!more).then_some(reference)
}

/// A name as it stands in a reference.
///
/// Source: RFC 6901 §6
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        bytes.push(hex.unwrap_or(*first));
        rest = tail.get(if hex.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes)
        .replace("~1", "/")
        .replace("~0", "~")
}

fn types(value: &Value) -> Result<Kinds, Why> {
    let kinds = |name: &Value| {
        Ok(match text(name)? {
            "null" => Kinds::of(Kind::Null),
            "boolean" => Kinds::of(Kind::Bool),
            "integer" => Kinds::of(Kind::Whole),
            "number" => Kinds::of(Kind::Whole).or(Kinds::of(Kind::Fraction)),
            "string" => Kinds::of(Kind::Text),
            "array" => Kinds::of(Kind::List),
            "object" => Kinds::of(Kind::Object),
            _ => return Err(Why("there is no such type".to_owned())),
        })
    };
    match value {
        Value::Array(names) => names
            .iter()
            .try_fold(Kinds::NONE, |all, name| Ok(all.or(kinds(name)?))),
        name => kinds(name),
    }
}

fn format(name: &str) -> Result<Option<Format>, Why> {
    match Format::named(name) {
        Meaning::Checked(format) => Ok(Some(format)),
        Meaning::Note => Ok(None),
        Meaning::Unchecked => Err(Why(format!(
            "the format {name} isn't checked: remove it, and declare a `validate::text_rule` instead"
        ))),
    }
}

/// The range of the type of number that a format names.
fn natural(node: &mut Node, keywords: &Map<String, Value>) {
    let (least, most): (i128, i128) = match keywords.get("format").and_then(Value::as_str) {
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int64" | "int") => (i64::MIN.into(), i64::MAX.into()),
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint64" | "uint") => (0, u64::MAX.into()),
        // Larger than JSON's readers keep whole.
        Some("int128" | "uint128") => {
            node.own = node.own.or(Kinds::of(Kind::Fraction));
            return;
        }
        _ => return,
    };
    let is = |bound: &Option<Bound>, end: i128| {
        bound
            .as_ref()
            .is_some_and(|bound| !bound.exclusive && bound.value.as_i128() == Some(end))
    };
    if is(&node.number.least, least) {
        node.number.least = None;
    }
    if is(&node.number.most, most) {
        node.number.most = None;
    }
    node.number.natural = Some((least, most));
}

/// Refuses what no value could satisfy, and what would never be asked.
fn consistent(node: &Node) -> Result<(), Why> {
    defends!("T200");
    let members = &node.members;
    let counts = [
        (node.least, node.most, "minLength", "maxLength"),
        (node.fewest, node.many, "minItems", "maxItems"),
        (members.fewest, members.many, "minProperties", "maxProperties"),
    ];
    for (least, most, low, high) in counts {
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            return Err(Why(format!("{low} {least} is more than {high} {most}")));
        }
    }
    if let (Some(low), Some(high)) = (&node.number.least, &node.number.most)
        && low.value.as_f64() > high.value.as_f64()
    {
        return Err(Why(format!(
            "minimum {} is more than maximum {}",
            low.value, high.value
        )));
    }
    if node.format.is_some() && !node.own.has(Kind::Text) {
        return Err(Why("a format of texts is asked of what is no string".to_owned()));
    }
    Ok(())
}

fn text(value: &Value) -> Result<&str, Why> {
    value.as_str().ok_or_else(|| expected("a string"))
}

fn list(value: &Value) -> Result<&Vec<Value>, Why> {
    value.as_array().ok_or_else(|| expected("a list"))
}

fn count(value: &Value) -> Result<u64, Why> {
    value.as_u64().ok_or_else(|| expected("a whole number from 0"))
}

fn bound(value: &Value, exclusive: bool) -> Result<Bound, Why> {
    match value {
        Value::Number(value) => Ok(Bound {
            value: value.clone(),
            exclusive,
        }),
        _ => Err(expected("a number")),
    }
}

fn step(value: &Value) -> Result<f64, Why> {
    value
        .as_f64()
        .filter(|step| *step > 0.0)
        .ok_or_else(|| expected("a number above 0"))
}

fn expected(what: &str) -> Why {
    Why(format!("{what} is expected here"))
}

/// What may be left to whoever reads by hand.
const BOUNDS: [&str; 13] = [
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "const",
];

/// Keywords that ask nothing of a value.
const NOTES: [&str; 14] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "contentEncoding",
];
