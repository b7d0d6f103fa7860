//! What is known of a plan only when all of its nodes are there.

use portcullis_core::defends;

use super::flaw::Why;
use super::{Id, Kinds, Node, Plan};

/// Makes a plan of compiled nodes.
pub(super) fn plan(mut nodes: Vec<Node>, root: Id) -> Result<Plan, Why> {
    let mut known = vec![Known::Not; nodes.len()];
    for index in 0..nodes.len() {
        kinds(&nodes, Id(index), &mut known)?;
    }
    for (node, known) in nodes.iter_mut().zip(&known) {
        if let Known::Is(kinds) = known {
            node.kinds = *kinds;
        }
    }
    let bounded = nodes.iter().any(is_bounded);
    let declared = nodes.iter().any(is_declared);
    Ok(Plan {
        nodes,
        root,
        bounded,
        declared,
    })
}

#[derive(Clone, Copy)]
enum Known {
    Not,
    Asked,
    Is(Kinds),
}

/// The kinds that a node and all that speaks of the same place accept.
fn kinds(nodes: &[Node], id: Id, known: &mut [Known]) -> Result<Kinds, Why> {
    defends!("T200");
    match known.get(id.0) {
        Some(Known::Is(kinds)) => return Ok(*kinds),
        Some(Known::Asked) => {
            return Err(Why(
                "a type is described by itself, without a level between".to_owned()
            ));
        }
        _ => {}
    }
    set(known, id, Known::Asked);
    let Some(node) = nodes.get(id.0) else {
        return Ok(Kinds::ALL);
    };
    let mut found = node.own;
    for other in &node.all {
        found = found.and(kinds(nodes, *other, known)?);
    }
    for group in &node.alternatives {
        let mut any = Kinds::NONE;
        for other in group {
            any = any.or(kinds(nodes, *other, known)?);
        }
        found = found.and(any);
    }
    set(known, id, Known::Is(found));
    Ok(found)
}

fn set(known: &mut [Known], id: Id, now: Known) {
    if let Some(place) = known.get_mut(id.0) {
        *place = now;
    }
}

/// Whether a value that the type can be read from may be refused by this node.
fn is_bounded(node: &Node) -> bool {
    is_declared(node) || node.unique || node.format.is_some()
}

/// Whether the node asks what no type that serde reads asks of itself.
fn is_declared(node: &Node) -> bool {
    let one_character = node.least == Some(1) && node.most == Some(1);
    let fixed_length = node.fewest.is_some() && node.fewest == node.many;
    let number = &node.number;
    let members = &node.members;
    !node.rules.is_empty()
        || node.pattern.is_some()
        || (node.least.is_some() || node.most.is_some()) && !one_character
        || (node.fewest.is_some() || node.many.is_some()) && !fixed_length
        || number.least.is_some()
        || number.most.is_some()
        || number.multiple.is_some()
        || members.fewest.is_some()
        || members.many.is_some()
        || node.format.is_some_and(super::Format::is_declared)
}
