//! Values of which several nodes speak: alternatives, and what is asked beside them.

use serde_json::Value;

use super::faults::{Enough, Faults};
use super::scalar;
use super::walk::{Ask, Walk};
use crate::plan::{Id, Kind, Node, Other, Plan};

/// Checks `value` by what `node` says itself, by all that it leads on to, and by one of each group of alternatives.
pub(super) fn check(plan: &Plan, node: &Node, value: &Value, faults: &mut Faults) -> Result<(), Enough> {
    walk(plan, Ask::Own(node), value, faults)?;
    for other in nodes(plan, &node.all) {
        walk(plan, Ask::Of(other), value, faults)?;
    }
    node.alternatives
        .iter()
        .try_for_each(|group| choose(plan, group, value, faults))
}

/// The alternatives that take a value of this kind.
pub(super) fn of_kind<'p>(plan: &'p Plan, group: &[Id], kind: Kind) -> impl Iterator<Item = &'p Node> {
    nodes(plan, group).filter(move |node| node.kinds().has(kind))
}

fn nodes<'p>(plan: &'p Plan, ids: &[Id]) -> impl Iterator<Item = &'p Node> {
    ids.iter().filter_map(|id| plan.node(*id))
}

fn walk(plan: &Plan, ask: Ask<'_>, value: &Value, faults: &mut Faults) -> Result<(), Enough> {
    let walk = Walk {
        plan,
        ask,
        keep: false,
        faults,
    };
    walk.read(value).map(|_| ()).map_err(|_| Enough)
}

/// Finds the alternative that is meant and checks by it, so that what is wrong is said of it alone.
fn choose(plan: &Plan, group: &[Id], value: &Value, faults: &mut Faults) -> Result<(), Enough> {
    let fitting: Vec<&Node> = of_kind(plan, group, kind(value)).collect();
    if let [one] = fitting.as_slice() {
        return walk(plan, Ask::Of(one), value, faults);
    }
    if let Some(members) = value.as_object() {
        if let Some(tag) = tag(plan, &fitting) {
            return by_tag(plan, &fitting, tag, value, faults);
        }
        if let Some(names) = outer_names(&fitting) {
            let only = members.keys().next().filter(|_| members.len() == 1);
            let meant = only.and_then(|only| names.iter().position(|name| name == only));
            return match meant.and_then(|index| fitting.get(index)) {
                Some(meant) => walk(plan, Ask::Of(meant), value, faults),
                None => {
                    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                    let detail = format!("expected an object with one member, of {}", names.join(", "));
                    faults.note("unknown_value", detail)
                }
            };
        }
    }
    if let Some(values) = all_values(&fitting).filter(|values| !values.contains(value)) {
        return scalar::unknown_value(&values, faults);
    }
    let fits = |node: &&Node| {
        faults.none_in(|faults| {
            let _ = walk(plan, Ask::Of(node), value, faults);
        })
    };
    match fitting.iter().any(fits) {
        true => Ok(()),
        false => faults.note(
            "invalid",
            "this value has none of the forms that are accepted here",
        ),
    }
}

/// The member that tells alternatives apart: each requires it, with a text of its own.
fn tag<'p>(plan: &'p Plan, fitting: &[&'p Node]) -> Option<&'p str> {
    let first = fitting.first()?;
    let is_tag = |name: &str| {
        let constants = fitting.iter().map(|node| constant(plan, node, name));
        let texts: Option<Vec<&str>> = constants.collect();
        texts.is_some_and(|texts| {
            texts
                .iter()
                .enumerate()
                .all(|(index, text)| !texts.iter().take(index).any(|t| t == text))
        })
    };
    let required = first.members.required.iter().map(String::as_str);
    required.into_iter().find(|name| is_tag(name))
}

/// The one text that a required member of this node may have.
fn constant<'p>(plan: &'p Plan, node: &'p Node, name: &str) -> Option<&'p str> {
    let required = node.members.required.iter().any(|required| required == name);
    let id = node.members.known.get(name).filter(|_| required)?;
    plan.node(*id)?.constant()
}

fn by_tag(
    plan: &Plan,
    fitting: &[&Node],
    tag: &str,
    value: &Value,
    faults: &mut Faults,
) -> Result<(), Enough> {
    let said = match value.get(tag) {
        None => return faults.note_member(tag, "required", "this field is required"),
        Some(Value::String(said)) => said,
        Some(_) => return faults.note_member(tag, "wrong_type", "expected a string"),
    };
    let meant = fitting
        .iter()
        .find(|node| constant(plan, node, tag) == Some(said.as_str()));
    if let Some(meant) = meant {
        return walk(plan, Ask::Of(meant), value, faults);
    }
    let texts: Vec<Value> = fitting
        .iter()
        .filter_map(|node| constant(plan, node, tag))
        .map(Value::from)
        .collect();
    faults.enter(tag);
    let noted = scalar::unknown_value(&texts, faults);
    faults.leave();
    noted
}

/// The names of alternatives that are objects with one member each, whose name says which is meant.
fn outer_names<'n>(fitting: &[&'n Node]) -> Option<Vec<&'n str>> {
    let name = |node: &&'n Node| {
        let members = &node.members;
        match members.required.as_slice() {
            [one]
                if members.known.contains_key(one)
                    && members.known.len() == 1
                    && matches!(members.other, Other::Refused) =>
            {
                Some(one.as_str())
            }
            _ => None,
        }
    };
    let names: Option<Vec<&str>> = fitting.iter().map(name).collect();
    names.filter(|names| names.len() > 1)
}

/// The values of alternatives that are nothing but values.
fn all_values(fitting: &[&Node]) -> Option<Vec<Value>> {
    let values: Option<Vec<&Vec<Value>>> = fitting.iter().map(|node| node.values.as_ref()).collect();
    let values: Vec<Value> = values?.into_iter().flatten().cloned().collect();
    (!values.is_empty()).then_some(values)
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(number) if number.is_f64() => Kind::Fraction,
        Value::Number(_) => Kind::Whole,
        Value::String(_) => Kind::Text,
        Value::Array(_) => Kind::List,
        Value::Object(_) => Kind::Object,
    }
}
