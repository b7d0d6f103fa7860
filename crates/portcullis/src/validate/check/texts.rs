//! Parameters: texts that are taken for what their type asks, as reading into the type does.

use serde_json::{Map, Number, Value};

use crate::plan::{Id, Kind, Node, Other, Plan};

/// Parameters by name.
pub(super) fn object<'t>(plan: &Plan, pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Value {
    let root = resolved(plan, plan.root());
    let members: Map<_, _> = pairs
        .map(|(name, text)| {
            (
                name.to_owned(),
                taken(plan, root.and_then(|root| member(root, name)), text),
            )
        })
        .collect();
    members.into()
}

/// The parameters of a path, for a type with members, a list, or one value.
pub(super) fn ordered(plan: &Plan, pairs: &[(&str, &str)]) -> Value {
    let root = resolved(plan, plan.root());
    let kinds = root.map(Node::kinds);
    if kinds.is_some_and(|kinds| kinds.has(Kind::Object)) {
        return object(plan, pairs.iter().copied());
    }
    if kinds.is_some_and(|kinds| kinds.has(Kind::List)) {
        let asked = |index: usize| {
            let root = root?;
            root.first.get(index).copied().or(root.items)
        };
        let items = pairs.iter().enumerate();
        return items
            .map(|(index, (_, text))| taken(plan, asked(index), text))
            .collect();
    }
    match pairs {
        [(_, text)] => taken(plan, Some(plan.root()), text),
        _ => Value::Null,
    }
}

fn member(root: &Node, name: &str) -> Option<Id> {
    let other = match root.members.other {
        Other::Taken(id) => id,
        Other::Ignored | Other::Refused => None,
    };
    root.members.known.get(name).copied().or(other)
}

/// The node that a chain of alternatives and references ends in, where there is but one way.
fn resolved(plan: &Plan, id: Id) -> Option<&Node> {
    let mut node = plan.node(id)?;
    while let Some(next) = node.only_way().and_then(|next| plan.node(next)) {
        node = next;
    }
    Some(node)
}

/// A text as the first kind of value that is asked for and that it is; else as a text.
fn taken(plan: &Plan, id: Option<Id>, text: &str) -> Value {
    let Some(node) = id.and_then(|id| plan.node(id)) else {
        return text.into();
    };
    let kinds = node.kinds();
    if kinds.has(Kind::Text) {
        return text.into();
    }
    let whole = || {
        let unsigned = text.parse::<u64>().ok().map(Number::from);
        unsigned.or_else(|| text.parse::<i64>().ok().map(Number::from))
    };
    let fraction = || text.parse::<f64>().ok().and_then(Number::from_f64);
    let number = match (kinds.has(Kind::Whole), kinds.has(Kind::Fraction)) {
        (true, true) => whole().or_else(fraction),
        (true, false) => whole(),
        (false, true) => fraction(),
        (false, false) => None,
    };
    match (number, text) {
        (Some(number), _) => number.into(),
        (None, "true" | "false") if kinds.has(Kind::Bool) => (text == "true").into(),
        _ => text.into(),
    }
}
