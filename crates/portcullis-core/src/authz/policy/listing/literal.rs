//! Values that a policy's text, or evaluating it, gives: as fields hold them.

use std::sync::Arc;

use cedar_policy::pst::{EntityUID, Expr, Literal, PatternElem};

use super::super::schema::{ACCOUNT, TENANT};
use crate::authz::resource::{FieldKind, Pattern, Value};

/// The literal as a field of the kind holds it; `None` if no field can.
pub(super) fn value(literal: &Literal, kind: FieldKind) -> Option<Value> {
    match (literal, kind) {
        (Literal::Bool(value), FieldKind::Bool) => Some(Value::Bool(*value)),
        (Literal::Long(value), FieldKind::Long) => Some(Value::Long(*value)),
        (Literal::String(value), FieldKind::Text) => Some(Value::Text(value.to_string())),
        (_, FieldKind::Account) => Some(Value::Account(entity(literal, ACCOUNT)?.parse().ok()?)),
        (_, FieldKind::Organization) => Some(Value::Organization(entity(literal, TENANT)?.parse().ok()?)),
        _ => None,
    }
}

pub(super) fn values(items: &[Arc<Expr>], kind: FieldKind) -> Option<Vec<Value>> {
    let value = |item: &Arc<Expr>| match &**item {
        Expr::Literal(literal) => value(literal, kind),
        _ => None,
    };
    items.iter().map(value).collect()
}

/// Whether it is a value: it was evaluated, and doesn't depend on the resource.
pub(super) fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => true,
        Expr::Set(items) => items.iter().all(|item| matches!(**item, Expr::Literal(_))),
        _ => false,
    }
}

pub(super) fn text(literal: &Literal) -> Option<String> {
    match literal {
        Literal::String(text) => Some(text.to_string()),
        _ => None,
    }
}

pub(super) fn entity<'l>(literal: &'l Literal, of: &str) -> Option<&'l str> {
    match literal {
        Literal::EntityUID(EntityUID { ty, eid }) if ty.to_string() == of => Some(eid.as_str()),
        _ => None,
    }
}

pub(in crate::authz::policy) fn pieces(pattern: &[PatternElem]) -> Pattern {
    let mut pieces = vec![String::new()];
    for element in pattern {
        match (element, pieces.last_mut()) {
            (PatternElem::Char(character), Some(piece)) => piece.push(*character),
            _ => pieces.push(String::new()),
        }
    }
    Pattern(pieces)
}
